"""Tests of exported teams."""
