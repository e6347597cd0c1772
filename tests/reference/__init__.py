"""Slow, obvious references that the tests compare the fast code with."""
