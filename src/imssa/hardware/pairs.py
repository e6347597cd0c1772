"""Differential pairs: weight codes to conductances, and conductances back to deviations in codes.

One signed weight is held by two devices on neighbouring bit lines, ``g_plus`` on the even and
``g_minus`` on the odd one; the weight is their difference. Weights are rounded to a fraction of a
code, so that sums of products with integer inputs are exact in any order (DESIGN section 3).
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from imssa.hardware.description import ChipDescription
from imssa.hardware.writing import Devices, WrittenDevices, write_devices

__all__ = [
    "WrittenDevices",
    "effective_weights",
    "pair_targets",
    "read_spread",
    "read_variance",
    "write_devices",
]

FINEST_BITS: Final = 16
COARSEST_BITS: Final = 2


def pair_targets(
    codes: Int64[np.ndarray, "*lead word_lines pairs"],
    siemens_per_step: Float64[np.ndarray, " pairs"],
    g_min_siemens: float = 0.0,
) -> Float64[np.ndarray, "*lead word_lines bit_lines"]:
    """Target conductances: |code| steps above the bottom of the window on the device of its sign.

    The other device of the pair is at the bottom, and both are for a code of zero.

    Example:
        >>> pair_targets(np.array([[1, -1]]), np.array([2e-6, 3e-6])).tolist()
        [[2e-06, 0.0, 0.0, 3e-06]]
    """
    weights = codes * siemens_per_step
    targets = np.stack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)], axis=-1)
    return g_min_siemens + targets.reshape(*weights.shape[:-1], 2 * weights.shape[-1])


def effective_weights(
    conductance: Devices,
    siemens_per_step: Float64[np.ndarray, " pairs"],
    dac_max: int,
) -> Float[np.ndarray, "chips word_lines pairs"]:
    """Weights in codes that the devices hold, rounded so that all sums of products are exact.

    Each chip's weights are multiples of a power of two, at most 2^-16, so fine that every sum of
    weights times input codes stays below 2^24 multiples: exact in float32 in any order. Where that
    would be coarser than 2^-2 of a code, sums are made in float64 and the step is 2^-16.

    Args:
        conductance: Of each device (or, with wires, of the transfer matrix).
        siemens_per_step: Of each pair.
        dac_max: Largest input code.
    """
    weights = (conductance[..., 0::2] - conductance[..., 1::2]) / siemens_per_step
    largest = np.abs(weights).sum(axis=-2).max(axis=-1, initial=0.0) * dac_max
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
) -> Float32[np.ndarray, "chips rows pairs"]:
    """Variance of a pair's weight at each read, in squared codes.

    One row a word line; one row for all where the law is the same at all conductances, and none
    where reads are quiet.

    Raises:
        ShapeError: Devices of this chip differ, and ``noise_factor`` of what was written is missing.
    """
    if chip.read_noise is None:
        return np.zeros((len(conductance), 0, len(siemens_per_step)), np.float32)
    uniform = chip.read_noise.uniform and noise_factor is None
    rows = conductance[:, :1] if uniform else conductance
    variance = chip.read_noise.sigma_of(rows, noise_factor) ** 2
    pair = (variance[..., 0::2] + variance[..., 1::2]) / siemens_per_step**2
    return np.asarray(pair.astype(np.float32))


def read_spread(
    inputs: Int64[np.ndarray, "batch lines"], variance: Float32[np.ndarray, "rows pairs"]
) -> Float32[np.ndarray, "batch pairs"]:
    """Standard deviation of each pair's sum: sqrt(sum_i v_ij x_i^2), in float32, line after line.

    Independent Gaussians of the devices add to one Gaussian a pair (DESIGN section 7).
    """
    squares = inputs.astype(np.float32) ** 2
    total = np.zeros((len(inputs), variance.shape[1]), np.float32)
    if len(variance) == 1:
        common = np.zeros(len(inputs), np.float32)
        for line in range(squares.shape[1]):
            common += squares[:, line]
        total = common[:, None] * variance
    else:
        for line in range(len(variance)):
            total += variance[line] * squares[:, line, None]
    return np.sqrt(total)
