"""Compiled loops, counter-based random numbers, and the one rounding rule of all codes."""

from imssa.kernels.cache import discard_stale

discard_stale()
