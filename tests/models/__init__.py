"""Tests of the trained teams that come with the project."""
