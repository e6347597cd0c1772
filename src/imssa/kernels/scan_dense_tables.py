"""Constants of a dense scan (:mod:`imssa.kernels.scan_dense`), and its sums as gradients.

Codes are float64; lines stand in the order of the array: re and im of each mode, then the input or
the output.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imssa.kernels.products import padded
from imssa.kernels.scan_plan import update_of
from imssa.kernels.scan_types import LEAKY, Noise, Scales, Weights, kernel_blocks

INVERSE, GAIN, HALF, LEAK, LEAK_HALF, KEPT, TO_ADC = range(7)
"""Rows of a kernel's table: one over the ADC step, gain and what is added before rounding, the share
that leaks and likewise, what is left of a register, gain over ADC step."""


class Dense(NamedTuple):
    """Constants of all kernels; rows are padded to ``width`` columns.

    Attributes:
        weights: (features, driven lines, width).
        deviation: Added to them, (draws, features, driven lines, width); no draws: exact devices.
        variance: Of each weight at a read, the same shape, float32.
        table: Constants of each line, (features, rows, width), see `INVERSE`.
        passes: Bit, sign and weight of each pass.
        reads: Whether any variance is above zero.
        current: Whether the output is read after the state's update.
        key0: Random key of the reads.
        key1: The same, its upper word.
    """

    weights: Any
    deviation: Any
    variance: Any
    table: Any
    passes: Any
    reads: bool
    current: bool
    key0: int
    key1: int


def dense_of(weights: Weights, scales: Scales, noise: Noise) -> Dense:
    """Constants of a scan, padded."""
    blocks = kernel_blocks(*weights)
    lines = blocks.shape[-1]
    width = padded(lines)

    def wide(matrices: Any) -> Any:
        more = (*[(0, 0)] * (matrices.ndim - 1), (0, width - matrices.shape[-1]))
        return np.ascontiguousarray(np.pad(matrices, more))

    deviation = wide(noise.deviation.swapaxes(2, 3))
    variance = wide(noise.variance.swapaxes(2, 3)).astype(np.float32)
    keys = (noise.key0, noise.key1)
    return Dense(
        wide(blocks),
        deviation,
        variance,
        _table(scales, width),
        np.ascontiguousarray(scales.passes),
        bool(variance.any()),
        bool(scales.current),
        *keys,
    )


def _table(scales: Scales, width: int) -> NDArray[np.float64]:
    table = np.zeros((len(scales.k), 7, width))
    table[:, INVERSE, : scales.adc.shape[1]] = 1.0 / scales.adc
    states = np.repeat(np.stack(update_of(scales), 1), 2, axis=2)
    table[:, GAIN : KEPT + 1, : states.shape[2]] = states
    table[:, TO_ADC] = table[:, GAIN] * table[:, INVERSE]
    return table


def dense_gradients(sums: Any, rows: Any, scales: Scales) -> tuple[Any, ...]:
    """Gradients of A, B, C, D, gain and k from the sums of all weights, gains and leaks."""
    features, modes = scales.k.shape
    last = 2 * modes
    parts = np.split(sums, [2 * last, 3 * last, 4 * last], axis=1)
    shapes = ((features, modes, 2, 2), (features, modes, 2), (features, modes, 2), (features,))
    weights = (np.ascontiguousarray(x).reshape(n) for x, n in zip(parts, shapes, strict=True))
    gain, leaks = rows[:, :, :last].reshape(features, 2, modes, 2).sum(3).swapaxes(0, 1)
    k = np.zeros_like(gain)
    if scales.realization == LEAKY:
        k = leaks * np.ldexp(np.log(2.0), -scales.k)
    return *weights, np.ascontiguousarray(gain), k
