"""Looking for a chip's defects: write low, read, write high, read."""

from typing import Final

import numpy as np
from jaxtyping import Float64, Int8

from imssa.crossbar.chip import Chip
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.defects import OPEN, SOUND, STUCK_HIGH, STUCK_LOW
from imssa.hardware.description import ChipDescription
from imssa.program.program import ArrayContents

Conductance = Float64[np.ndarray, "word_lines bit_lines"]

OPEN_SHARE: Final = 0.5
"""A device below this share of the bottom of the window carries no current."""


def scan(chip: Chip, description: ChipDescription) -> DefectMap:
    """Measures the defect map of a chip; what was written on it is lost.

    All devices are written to the bottom of the window and to its top, and read back. One that stays
    above the middle is stuck high, one that stays below it stuck low; open ones can be told from
    those stuck low only where the window begins above zero.

    Args:
        chip: Any chip.
        description: Its arrays and device window.

    Example:
        >>> from imssa.crossbar import SimulatedChip
        >>> from imssa.hardware import load_chip
        >>> from imssa.kernels.random import Key
        >>> taox = load_chip("taox-64")
        >>> found = scan(SimulatedChip(taox, Key.root(0)), taox)
        >>> [matrix.shape for matrix in found.arrays]
        [(64, 64), (64, 64), (64, 64)]
    """
    shape = (description.arrays.word_lines, description.arrays.pairs)
    zero, step = np.zeros(shape, np.int64), np.full(shape[1], description.window_siemens)
    everything = np.ones(shape, np.bool_)
    found = []
    for array in range(description.arrays.count):
        reads = []
        for common in (zero, zero + 1):
            chip.write(array, ArrayContents(zero, everything, step, common))
            reads.append(chip.read(array))
        found.append(_judged(reads[0], reads[1], description))
    return DefectMap(tuple(found))


def _judged(
    low: Conductance, high: Conductance, description: ChipDescription
) -> Int8[np.ndarray, "word_lines bit_lines"]:
    """Defects from what devices hold after they were written low, and high."""
    middle = (description.g_min_siemens + description.g_max_siemens) / 2
    stays_low, stays_high = high < middle, low > middle
    nothing = np.maximum(low, high) < OPEN_SHARE * description.g_min_siemens
    defects = np.full(low.shape, SOUND, np.int8)
    defects[stays_low] = STUCK_LOW
    defects[stays_high & ~stays_low] = STUCK_HIGH
    defects[nothing] = OPEN
    return defects
