"""The gammatone filter bank: where channels lie, how wide they are, and what runs them.

A gammatone filter of order 4 has the impulse response t^3 exp(-2 pi b t) cos(2 pi f t) with the
bandwidth b = 1.019 ERB(f) (Patterson et al., 1988, APU report 2341; Slaney, Apple Technical Report 35,
1993). Its samples are the real part of n^3 a^n with a = exp(2 pi (-b + i f) / rate), and since

    sum_n n^3 q^n = (q + 4 q^2 + q^3) / (1 - q)^4,    q = a z^-1,

four complex one-pole stages and three taps give them exactly.
"""

from typing import Final

import numpy as np
from jaxtyping import Complex128, Float32, Float64

from imssa.ear.config import EarConfig
from imssa.kernels.ear import COEFFICIENTS, LANES

BANDWIDTHS: Final = 1.019
"""The parameter b in equivalent rectangular bandwidths, of the filter of order 4."""
_WIDTH_HERTZ: Final = 24.7
_PER_HERTZ: Final = 4.37e-3

Frequencies = Float64[np.ndarray, " channels"]


def bandwidth_hertz(frequency_hertz: Frequencies) -> Frequencies:
    """Equivalent rectangular bandwidth, 24.7 (4.37 f / kHz + 1) Hz (Glasberg and Moore, 1990).

    Example:
        >>> bandwidth_hertz(np.array([1000.0])).round(2).tolist()
        [132.64]
    """
    return _WIDTH_HERTZ * (_PER_HERTZ * frequency_hertz + 1.0)


def centre_frequencies(config: EarConfig) -> Frequencies:
    """Of all channels in Hz, evenly on the scale ln(4.37 f / kHz + 1), which counts bandwidths.

    Example:
        >>> centre_frequencies(EarConfig(channels=3, lowest_hertz=100.0, highest_hertz=1000.0)).round(1).tolist()
        [100.0, 406.8, 1000.0]
    """
    ends = np.log1p(_PER_HERTZ * np.array([config.lowest_hertz, config.highest_hertz]))
    return np.asarray(np.expm1(np.linspace(ends[0], ends[1], config.channels)) / _PER_HERTZ)


def poles(frequency_hertz: Frequencies, rate_hertz: int) -> Complex128[np.ndarray, " channels"]:
    """The fourfold pole of each filter, in the z plane."""
    decay = BANDWIDTHS * bandwidth_hertz(frequency_hertz)
    return np.asarray(np.exp(2.0 * np.pi * (-decay + 1j * frequency_hertz) / rate_hertz))


def response(
    frequency_hertz: Frequencies, rate_hertz: int, at_hertz: Float64[np.ndarray, " points"]
) -> Complex128[np.ndarray, "channels points"]:
    """Frequency response of the filters before their gain is set: sum_n n^3 Re(a^n) z^-n.

    Args:
        frequency_hertz: Centre frequencies.
        rate_hertz: Sampling rate.
        at_hertz: Where to evaluate it.
    """
    a = poles(frequency_hertz, rate_hertz)[:, None]
    back = np.exp(-2j * np.pi * at_hertz / rate_hertz)[None]
    return np.asarray(0.5 * (_sum_of_cubes(a * back) + _sum_of_cubes(a.conj() * back)))


def _sum_of_cubes(q: Complex128[np.ndarray, "..."]) -> Complex128[np.ndarray, "..."]:
    """Of n^3 q^n over all n."""
    return np.asarray(q * (1.0 + 4.0 * q + q**2) / (1.0 - q) ** 4)


def gains(frequency_hertz: Frequencies, rate_hertz: int) -> Frequencies:
    """What makes the gain of each filter 1 at its centre frequency."""
    found = [response(f, rate_hertz, f)[0, 0] for f in frequency_hertz[:, None]]
    return np.asarray(1.0 / np.abs(found))


def coefficients(
    frequency_hertz: Frequencies, rate_hertz: int
) -> Float32[np.ndarray, "tiles rows lanes"]:
    """What :mod:`imssa.kernels.ear` runs; channels beyond the last are zero."""
    a = poles(frequency_hertz, rate_hertz)
    gain = gains(frequency_hertz, rate_hertz)
    rows = np.stack([a, gain * a, 4.0 * gain * a**2, gain * a**3], axis=1)
    tiles = -(-len(a) // LANES)
    table = np.zeros((tiles * LANES, COEFFICIENTS), np.float32)
    table[: len(a)] = rows.view(np.float64).reshape(len(a), COEFFICIENTS)
    return np.ascontiguousarray(table.reshape(tiles, LANES, COEFFICIENTS).transpose(0, 2, 1))
