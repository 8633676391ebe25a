"""Tests of the coach service, its client, and adaptive communication."""
