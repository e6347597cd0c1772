"""Compiled loops, counter-based random numbers, and the one rounding rule of all codes."""
