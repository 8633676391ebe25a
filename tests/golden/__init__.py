"""Checks against recordings of the published program."""
