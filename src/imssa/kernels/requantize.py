"""Codes times a gain, rounded and clipped, for training: one pass over memory each way, compiled.

The values are those of :func:`imssa.kernels.codes.requantized`. Codes below 2^31 times a multiplier of
15 bits, moved by a shift of at most 46, are exact in float64, and so is the half that is added: the
product's digits end at 2^-46 at most and it is shorter than 53 digits.
"""

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from jaxtyping import Float64

from imssa.kernels.parallel import for_ranges

ROWS: Final = 1024
"""Rows whose products are added up together: the sum does not depend on the number of threads."""


class RequantizeGradients(NamedTuple):
    """Gradients of the codes and, of each gain, of all that it multiplied."""

    value: Float64[np.ndarray, "rows features"]
    gain: Float64[np.ndarray, "gains features"]


@numba.njit(cache=True, nogil=True)
def _forward(first: int, end: int, value: Any, gain: Any, largest: float, out: Any) -> None:
    for row in range(first, end):
        given, by, target = value[row], gain[row if len(gain) > 1 else 0], out[row]
        for i in range(len(given)):
            size = np.floor(abs(given[i]) * by[i] + 0.5)
            size = size if size < largest else largest  # noqa: FURB136  # min() does not vectorize
            target[i] = size if given[i] >= 0 else 0.0 - size


@numba.njit(cache=True, nogil=True)
def _backward(
    first: int, end: int, g: Any, value: Any, gain: Any, codes: Any, largest: float, found: Any
) -> None:
    g_value, sums = found
    for part in range(first, end):
        for row in range(part * ROWS, min((part + 1) * ROWS, len(value))):
            one = len(gain) == 1
            by, total = gain[0 if one else row], sums[part if one else row]
            given, held, passed, target = value[row], codes[row], g[row], g_value[row]
            for i in range(len(given)):
                inside = passed[i] if abs(held[i]) < largest else 0.0
                target[i] = inside * by[i]
                total[i] += inside * given[i]


def requantize_forward(
    value: Float64[np.ndarray, "rows features"],
    gain: Float64[np.ndarray, "gains features"],
    largest: int,
) -> Float64[np.ndarray, "rows features"]:
    """clip(round(value gain)), ties away from zero, to -largest .. largest.

    Args:
        value: Codes.
        gain: Gains m 2^-t, of all rows or one row for all.
        largest: Largest code of the result.
    """
    out = np.empty_like(value)
    for_ranges(len(value), lambda a, b: _forward(a, b, value, gain, float(largest), out))
    return out


def requantize_backward(
    g: Float64[np.ndarray, "rows features"],
    value: Float64[np.ndarray, "rows features"],
    gain: Float64[np.ndarray, "gains features"],
    codes: Float64[np.ndarray, "rows features"],
    largest: int,
) -> RequantizeGradients:
    """Straight-through gradients: that of value times gain, none at the end codes.

    Args:
        g: Gradient of the result.
        value: Codes before.
        gain: Real gains, of all rows or one row for all.
        codes: The result.
        largest: Largest code of the result.
    """
    parts = -(-len(value) // ROWS)
    sums = np.zeros((parts if len(gain) == 1 else len(value), value.shape[1]))
    g_value, clip = np.empty_like(value), float(largest)
    for_ranges(parts, lambda a, b: _backward(a, b, g, value, gain, codes, clip, (g_value, sums)))
    return RequantizeGradients(g_value, sums.sum(0, keepdims=True) if len(gain) == 1 else sums)
