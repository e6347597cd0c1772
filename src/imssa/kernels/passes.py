"""The passes of a conversion: which part of a DAC code drives a line, and what its ADC code is worth.

A whole code by its amplitude is one pass. Bit-serial input feeds one binary digit of the magnitude a
pass, each under the full voltage; drivers of one polarity need a pass for positive codes and one for
negative ones. Every pass has an ADC code of its own; the conversion gives their weighted sum:

    a = sum_p weight_p clip(round(acc_p 2^h / L)),  acc_p = sum_i W_i digit_p(d_i).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numba
import numpy as np
from jaxtyping import Float64, Int64

from imssa.kernels.codes import code_max, converted

Passes = Int64[np.ndarray, "passes 3"]
Codes = Int64[np.ndarray, "..."]

Part = Callable[[Codes], Codes]
"""From DAC codes to what one pass feeds of them."""

WHOLE: Final = -1


def passes_of(bits: int, *, bit_serial: bool, two_pass: bool) -> Passes:
    """The passes of one conversion, each as (bit, sign, weight).

    Args:
        bits: Width of the DAC codes.
        bit_serial: One binary digit a pass; else the whole code, as bit ``WHOLE``.
        two_pass: Positive and negative codes in passes of their own, sign 1 and -1; else both
            together, as sign 0.

    Example:
        >>> passes_of(3, bit_serial=True, two_pass=False).tolist()
        [[0, 0, 1], [1, 0, 2]]
        >>> passes_of(8, bit_serial=False, two_pass=True).tolist()
        [[-1, 1, 1], [-1, -1, -1]]
    """
    digits = [(bit, 1 << bit) for bit in range(bits - 1)] if bit_serial else [(WHOLE, 1)]
    signs = (1, -1) if two_pass else (0,)
    return np.array(
        [(bit, sign, (sign or 1) * worth) for bit, worth in digits for sign in signs], np.int64
    )


@numba.njit(inline="always")
def digit(code: Any, bit: Any, sign: Any) -> Any:
    """What of a DAC code one pass drives a line with."""
    magnitude = abs(code)
    part = magnitude if bit < 0 else (magnitude >> bit) & 1
    if sign == 0:
        return part if code >= 0 else -part
    return part if (code >= 0) == (sign > 0) else 0


_digits = numba.vectorize(cache=True)(digit.py_func)


def digits(codes: Codes, bit: int, sign: int) -> Codes:
    """What of DAC codes one pass drives the lines with, elementwise.

    Example:
        >>> digits(np.array([5, -5, 2]), 0, 0).tolist(), digits(np.array([5, -5]), -1, -1).tolist()
        ([1, -1, 0], [0, 5])
    """
    found: Codes = _digits(codes, np.int64(bit), np.int64(sign))
    return found


def read_in_passes(
    passes: Passes,
    sums: Callable[[Part], Codes],
    scale: Float64[np.ndarray, "..."],
    adc_bits: int,
) -> Codes:
    """Codes of a conversion from exact integer sums.

    Args:
        passes: Of the chip's converters.
        sums: Gives the sums of a pass, from the function that makes digits of DAC codes.
        scale: ADC steps L / 2^h.
        adc_bits: Width of the ADC.
    """
    return converted_in_passes(passes, [sums(part) for part in parts_of(passes)], scale, adc_bits)


def parts_of(passes: Passes) -> list[Part]:
    """What each pass makes of DAC codes."""
    return [partial(digits, bit=bit, sign=sign) for bit, sign, _ in passes.tolist()]


def converted_in_passes(
    passes: Passes, sums: list[Codes], scale: Float64[np.ndarray, "..."], adc_bits: int
) -> Codes:
    """Codes of a conversion whose passes have these sums; `read_in_passes` finds the sums as well."""
    total: Any = 0
    for weight, acc in zip(passes[:, 2].tolist(), sums, strict=True):
        total = total + weight * converted(acc.astype(float), scale, adc_bits)
    return np.asarray(total)


def largest_code(passes: Passes, adc_bits: int) -> int:
    """Largest code that a conversion can give.

    Example:
        >>> largest_code(passes_of(8, bit_serial=True, two_pass=False), 8)
        16129
    """
    return int(np.abs(passes[:, 2]).sum() * code_max(adc_bits))
