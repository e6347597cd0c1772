"""What a scan of the quantized recurrence takes and gives.

One kernel has ``modes`` complex modes, state order (re, im) a mode, so ``states = 2 modes``; its
lines are the states followed by the input.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64, Num

from imssa.kernels.passes import largest_code

DIRECT, INCREMENTAL, LEAKY = 0, 1, 2
REALIZATIONS: Final = {"direct": DIRECT, "incremental": INCREMENTAL, "leaky": LEAKY}


class Weights(NamedTuple):
    """Integer weights of the kernels, held as float64."""

    A: Float64[np.ndarray, "features modes 2 2"]
    B: Float64[np.ndarray, "features modes 2"]
    C: Float64[np.ndarray, "features modes 2"]
    D: Float64[np.ndarray, " features"]


class Scales(NamedTuple):
    """Conversion and update scales, passes of a conversion, widths and the realization."""

    adc: Float64[np.ndarray, "features lines"]
    multiplier: Int64[np.ndarray, "features modes"]
    shift: Int64[np.ndarray, "features modes"]
    k: Int64[np.ndarray, "features modes"]
    passes: Int64[np.ndarray, "passes 3"]
    drive_shift: int
    dac_max: int
    adc_max: int
    register_max: int
    realization: int
    current: bool


class Noise(NamedTuple):
    """Analog errors in codes: sequence b sees draw b modulo the number of draws; none: no noise.

    ``deviation`` is added to the weights (rows are read lines, columns driven lines); ``variance``
    is that of each weight at each read.
    """

    deviation: Float64[np.ndarray, "draws features lines lines"]
    variance: Float64[np.ndarray, "draws features lines lines"]
    key0: int
    key1: int


class Record(NamedTuple):
    """Every code of a scan: registers before each step and after the last, and those of conversions."""

    state: Int32[np.ndarray, "features batch steps_and_one states"]
    adc: Int32[np.ndarray, "features batch length lines"]


class Gradients(NamedTuple):
    """Gradients of the inputs of a scan; ``gain`` is that of m 2^-t, ``k`` that of a real k."""

    u: Float64[np.ndarray, "batch length features"]
    A: Float64[np.ndarray, "features modes 2 2"]
    B: Float64[np.ndarray, "features modes 2"]
    C: Float64[np.ndarray, "features modes 2"]
    D: Float64[np.ndarray, " features"]
    gain: Float64[np.ndarray, "features modes"]
    k: Float64[np.ndarray, "features modes"]


def kernel_blocks(
    A: Num[np.ndarray, "features modes 2 2"],
    B: Num[np.ndarray, "features modes 2"],
    C: Num[np.ndarray, "features modes 2"],
    D: Num[np.ndarray, " features"],
) -> Num[np.ndarray, "features lines lines"]:
    """Kernels as they stand on an array, (features, lines, lines), in the type of their weights.

    Rows are driven word lines, the states, then the input; columns are read pairs, the states, then
    the output.
    """
    features, modes = B.shape[:2]
    blocks = np.zeros((features, 2 * modes + 1, 2 * modes + 1), A.dtype)
    for mode in range(modes):
        part = slice(2 * mode, 2 * mode + 2)
        blocks[:, part, part] = A[:, mode].transpose(0, 2, 1)
        blocks[:, -1, part] = B[:, mode]
        blocks[:, part, -1] = C[:, mode]
    blocks[:, -1, -1] = D
    return blocks


def largest_code_of(scales: Scales) -> int:
    """Largest code of a whole conversion."""
    return largest_code(scales.passes, scales.adc_max.bit_length() + 1)


def no_noise() -> Noise:
    """Exact devices."""
    return Noise(np.zeros((0, 0, 0, 0)), np.zeros((0, 0, 0, 0)), 0, 0)
