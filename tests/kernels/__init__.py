"""Rounding rules, random numbers and compiled loops, against exact arithmetic and published values."""
