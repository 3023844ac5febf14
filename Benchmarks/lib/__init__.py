"""Measurements of our programs; Python's standard library only."""
