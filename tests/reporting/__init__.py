"""Tests of what is reported of runs."""
