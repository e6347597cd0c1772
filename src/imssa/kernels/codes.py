"""The one rule by which integer codes are rounded, rescaled and saturated (DESIGN section 5).

Rounding is to nearest, ties away from zero; ranges are symmetric and saturate. Every operation is
therefore odd: negating the input negates the output. Training, the integer network and the chip all
call the functions of this file, as scalars inside compiled loops (``round_shift`` ...) or on arrays
of int64 with broadcasting (``shifted``, ``requantized``, ``decayed``, ``converted``).
"""

from typing import TYPE_CHECKING, Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

MULTIPLIER_BITS: Final = 15
MAX_SHIFT: Final = 46
"""Largest shift of a file; an int16 multiplier times a register of 31 bits rounds to zero there."""

Codes = NDArray[np.int64]


def code_max(bits: int) -> int:
    """Largest code of a symmetric range: 2^(bits-1) - 1; 1 for ternary (2 bits).

    Example:
        >>> [code_max(bits) for bits in (2, 3, 8)]
        [1, 3, 127]
    """
    return int(2 ** (bits - 1) - 1)


@numba.njit(inline="always")
def saturate(value: Any, largest: Any) -> Any:
    """Value clipped to -largest .. largest."""
    return min(max(value, -largest), largest)


@numba.njit(inline="always")
def round_shift(value: Any, shift: Any) -> Any:
    """round(value 2^-shift), ties away from zero; a negative shift is an exact left shift."""
    if shift <= 0:
        return value << -shift
    return shift_right(value, shift)


@numba.njit(inline="always")
def shift_right(value: Any, shift: Any) -> Any:
    """round(value 2^-shift) for shift >= 0, ties away from zero."""
    magnitude = (abs(value) + ((1 << shift) >> 1)) >> shift
    return magnitude if value >= 0 else -magnitude


@numba.njit(inline="always")
def leak(register: Any, k: Any) -> Any:
    """sign(s) ((|s| + 2^(k-1)) >> k): what a register of decay 2^-k loses in one step."""
    return round_shift(register, k)


GUARD: Final = 2.0**-33
"""Lifts halves over the rounding error of a quotient, and nothing else (see `convert`)."""


@numba.njit(inline="always")
def convert(accumulated: Any, inverse: Any, largest: Any) -> Any:
    """ADC code clip(round(accumulated inverse)), ties away from zero, in float64.

    With ``inverse = 2^h / L`` an integer sum's quotient is a half exactly or at least 1/(2L) away from
    one. L < 2^30 and quotients that matter stay below 2^14, where float64 errs by less than 2^-37:
    with a guard of 2^-33 the result is that of exact integers. (A product takes a sixth of the time
    of a quotient.)
    """
    magnitude = np.floor(abs(accumulated) * inverse + (0.5 + GUARD))
    top = np.float64(largest)
    magnitude = magnitude if magnitude < top else top  # noqa: FURB136  # min() does not vectorize
    return np.int32(magnitude if accumulated >= 0 else -magnitude)


def _convert(accumulated: Any, inverse: Any, largest: Any) -> Any:
    return np.int64(convert(accumulated, inverse, largest))


def _requantize(value: Any, multiplier: Any, shift: Any, largest: Any) -> Any:
    return saturate(round_shift(value * multiplier, shift), largest)


def _decay(register: Any, k: Any) -> Any:
    return register - leak(register, k)


def _drive(register: Any, shift: Any, largest: Any) -> Any:
    return saturate(shift_right(register, shift), largest)


def _vectorized(rule: "Callable[..., int]") -> "Callable[..., Codes]":
    return numba.vectorize(cache=True)(rule)  # type: ignore[no-any-return]


requantize = numba.njit(inline="always")(_requantize)
drive = numba.njit(inline="always")(_drive)

_requantized = _vectorized(_requantize)
_decayed = _vectorized(_decay)
_driven = _vectorized(_drive)
_converted = _vectorized(_convert)


def requantized(value: Codes, multiplier: Codes, shift: Codes, bits: int) -> Codes:
    """clip(round(value m 2^-t)) elementwise with broadcasting, saturating to ``bits`` bits.

    Example:
        >>> requantized(np.array([3, -3, 1000]), np.int64(1), np.int64(1), 8).tolist()
        [2, -2, 127]
    """
    return _requantized(value, multiplier, shift, np.int64(code_max(bits)))


def decayed(register: Codes, k: Codes) -> Codes:
    """Register s - leak(s, k), elementwise; k >= 1.

    Example:
        >>> decayed(np.array([100, -100, 1]), np.int64(2)).tolist()
        [75, -75, 1]
    """
    return _decayed(register, k)


def driven(register: Codes, shift: Codes, bits: int) -> Codes:
    """DAC codes clip(R(register, f)) of registers with f fractional bits below the DAC's step.

    Example:
        >>> driven(np.array([256, -128, 10**9]), np.int64(8), 8).tolist()
        [1, -1, 127]
    """
    return _driven(register, shift, np.int64(code_max(bits)))


def converted(accumulated: NDArray[np.float64], scale: NDArray[np.float64], bits: int) -> Codes:
    """ADC codes clip(round(accumulated / scale)) elementwise; scale = L / 2^h.

    Example:
        >>> converted(np.array([2.0, -3.0, 999.0]), np.array(2.0), 8).tolist()
        [1, -2, 127]
    """
    return _converted(accumulated, 1.0 / scale, np.int64(code_max(bits)))


def quantized(values: NDArray[np.floating], step: float, bits: int) -> Codes:
    """Codes clip(round(values / step)) of numbers, in float64.

    Example:
        >>> quantized(np.array([0.25, -0.25, 99.0]), 0.5, 8).tolist()
        [1, -1, 127]
    """
    scaled = np.asarray(values, np.float64) / step
    magnitude = np.minimum(np.floor(np.abs(scaled) + 0.5), code_max(bits))
    return np.asarray(np.sign(scaled) * magnitude).astype(np.int64)


def snap_gain(gain: float | NDArray[np.float64], multiplier_bits: int) -> tuple[Codes, Codes]:
    """Multiplier m and shift t with m 2^-t nearest to a positive gain, m of few bits and odd.

    One bit gives powers of two (a shift serves); 15 bits, the widest int16 multiplier, fifteen
    significant bits.

    Args:
        gain: Positive gains, any shape.
        multiplier_bits: Width of m, 1 to 15.

    Returns:
        m and t as int64 arrays of the same shape; t is signed.

    Example:
        >>> [int(x) for x in snap_gain(0.3, 4)]
        [5, 4]
    """
    exponent = multiplier_bits - 1 - np.floor(np.log2(gain)).astype(np.int64)
    multiplier = np.floor(np.ldexp(gain, exponent) + 0.5).astype(np.int64)
    odd_part = multiplier & -multiplier  # the power of two that divides m
    shift = exponent - np.log2(odd_part).astype(np.int64)
    return np.asarray(multiplier // odd_part), np.asarray(np.minimum(shift, MAX_SHIFT))
