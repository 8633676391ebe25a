"""Tests of `copa doctor`."""
