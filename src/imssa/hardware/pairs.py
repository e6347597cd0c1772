"""Differential pairs: weight codes to conductances, and conductances back to deviations in codes.

One signed weight is held by two devices on neighbouring bit lines, ``g_plus`` on the even and
``g_minus`` on the odd one; the weight is their difference. Weights are rounded to a fraction of a
code, so that sums of products with integer inputs are exact in any order (DESIGN section 3).
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from imssa.hardware.description import ChipDescription
from imssa.hardware.readout import PairReadout
from imssa.hardware.writing import Devices, WrittenDevices, write_devices
from imssa.kernels.products import summed

__all__ = [
    "WrittenDevices",
    "effective_weights",
    "line_variance",
    "line_weights",
    "pair_targets",
    "read_spread",
    "read_variance",
    "write_devices",
]

Pairs = Float64[np.ndarray, "chips word_lines pairs"]

FINEST_BITS: Final = 16
COARSEST_BITS: Final = 2


def pair_targets(
    codes: Int64[np.ndarray, "*lead word_lines pairs"],
    siemens_per_step: Float64[np.ndarray, " pairs"],
    g_min_siemens: float = 0.0,
    common_mode: Int64[np.ndarray, "*lead word_lines pairs"] | None = None,
) -> Float64[np.ndarray, "*lead word_lines bit_lines"]:
    """Target conductances: |code| steps above the bottom of the window on the device of its sign.

    The other device of the pair is at the bottom, and both are for a code of zero. A common mode
    raises both devices by as many steps.

    Example:
        >>> pair_targets(np.array([[1, -1]]), np.array([2e-6, 3e-6])).tolist()
        [[2e-06, 0.0, 0.0, 3e-06]]
    """
    weights = codes * siemens_per_step
    targets = np.stack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)], axis=-1)
    if common_mode is not None:
        targets += (common_mode * siemens_per_step)[..., None]
    return g_min_siemens + targets.reshape(*weights.shape[:-1], 2 * weights.shape[-1])


def effective_weights(
    conductance: Devices,
    siemens_per_step: Float64[np.ndarray, " pairs"],
    input_max: int,
    readout: PairReadout | None = None,
) -> Float[np.ndarray, "chips word_lines pairs"]:
    """Weights in codes that the devices hold, rounded so that all sums of products are exact.

    Each chip's weights are multiples of a power of two, at most 2^-16, so fine that every sum of
    weights times input codes stays below 2^24 multiples: exact in float32 in any order. Where that
    would be coarser than 2^-2 of a code, sums are made in float64 and the step is 2^-16.

    Args:
        conductance: Of each device (or, with wires, of the transfer matrix).
        siemens_per_step: Of each pair.
        input_max: Largest input of one pass.
        readout: Gains of the two lines of each pair; None: one.
    """
    plus, minus = _lines_of_pairs(conductance, readout)
    return _exact((plus - minus) / siemens_per_step, input_max)


def line_weights(
    conductance: Devices, siemens_per_step: Float64[np.ndarray, " pairs"], input_max: int
) -> Float[np.ndarray, "chips word_lines bit_lines"]:
    """The same of each bit line by itself, for amplifiers that saturate."""
    return _exact(conductance / np.repeat(siemens_per_step, 2), input_max)


def _lines_of_pairs(values: Devices, readout: PairReadout | None) -> tuple[Pairs, Pairs]:
    """Values of the even and of the odd lines, times the gain of each."""
    plus, minus = values[..., 0::2], values[..., 1::2]
    if readout is None:
        return plus, minus
    return plus * readout.plus[:, None], minus * readout.minus[:, None]


def _exact(
    weights: Float64[np.ndarray, "chips word_lines columns"], input_max: int
) -> Float[np.ndarray, "chips word_lines columns"]:
    largest = np.abs(weights).sum(axis=-2).max(axis=-1, initial=0.0) * input_max
    bits = np.minimum(23 - np.ceil(np.log2(np.maximum(largest, 1.0))), FINEST_BITS)
    coarse = bits < COARSEST_BITS
    step = np.exp2(-np.where(coarse, FINEST_BITS, bits))[:, None, None]
    rounded = np.rint(weights / step) * step
    return np.asarray(rounded if coarse.any() else rounded.astype(np.float32))


def read_variance(
    conductance: Devices,
    chip: ChipDescription,
    siemens_per_step: Float64[np.ndarray, " pairs"],
    noise_factor: Devices | None = None,
    readout: PairReadout | None = None,
) -> Float32[np.ndarray, "chips rows pairs"]:
    """Variance of a pair's weight at each read, in squared codes.

    One row a word line; one row for all where the law is the same at all conductances, and none
    where reads are quiet.

    Raises:
        ShapeError: Devices of this chip differ, and ``noise_factor`` of what was written is missing.
    """
    plus, minus = _lines_of_pairs(_sigma(conductance, chip, noise_factor), readout)
    return np.asarray(((plus**2 + minus**2) / siemens_per_step**2).astype(np.float32))


def line_variance(
    conductance: Devices,
    chip: ChipDescription,
    siemens_per_step: Float64[np.ndarray, " pairs"],
    noise_factor: Devices | None = None,
    _readout: PairReadout | None = None,
) -> Float32[np.ndarray, "chips rows bit_lines"]:
    """The same of each bit line by itself."""
    sigma = _sigma(conductance, chip, noise_factor) / np.repeat(siemens_per_step, 2)
    return np.asarray((sigma**2).astype(np.float32))


def _sigma(
    conductance: Devices, chip: ChipDescription, noise_factor: Devices | None
) -> Float64[np.ndarray, "chips rows bit_lines"]:
    """Standard deviation of one read of each device; as few rows as the law needs."""
    if chip.read_noise is None:
        return conductance[:, :0]
    uniform = chip.read_noise.uniform and noise_factor is None
    return chip.read_noise.sigma_of(conductance[:, :1] if uniform else conductance, noise_factor)


def read_spread(
    inputs: Int64[np.ndarray, "batch lines"],
    variance: Float32[np.ndarray, "rows columns"],
    adc_sigma: Float32[np.ndarray, " columns"] | float = 0.0,
) -> Float32[np.ndarray, "batch columns"]:
    """Standard deviation of each column's sum: sqrt(sum_i v_ij x_i^2), in float32.

    Independent Gaussians of the devices, and of the ADC, add to one Gaussian a column (DESIGN
    section 7). Where one row of variances serves all lines, squares are summed as integers.
    """
    if len(variance) == 1:
        total = variance * (inputs**2).sum(axis=1, keepdims=True).astype(np.float32)
    else:
        total = summed(inputs.astype(np.float32) ** 2, variance)
    return np.asarray(np.sqrt(total + np.square(np.float32(adc_sigma))))
