"""What a differential pair with defects can hold, and how its sound device is set for it.

Each device of a pair is sound, stuck high, stuck low or open, so a pair is of one of 16 kinds. A
kind holds an interval of weights: stuck high on the plus side any weight from 0 to the largest (the
partner is set beside it), stuck low there any from the most negative to 0, and so on. In units of the
device window, so that it serves bit lines of every step.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64, Int8, Int64

from imssa.hardware.defects import OPEN, SOUND, STUCK_HIGH, STUCK_LOW
from imssa.hardware.description import ChipDescription

STATES: Final = (SOUND, STUCK_HIGH, STUCK_LOW, OPEN)
KINDS: Final = len(STATES) ** 2
WHOLE: Final = 0
"""Kind of a pair without defects."""

_NUMBER: Final = np.array([STATES.index(value) for value in range(OPEN, STUCK_HIGH + 1)])

Devices = Int8[np.ndarray, "word_lines bit_lines"]
Kinds = Int64[np.ndarray, "word_lines pairs"]


def pair_kinds(defects: Devices) -> Kinds:
    """Kind of each pair: four times the number of its plus device's state, plus the minus device's.

    Example:
        >>> pair_kinds(np.array([[0, 0, 1, 0, 0, -1]], np.int8)).tolist()
        [[0, 4, 2]]
    """
    number = _NUMBER[defects.astype(np.int64) - OPEN]
    return np.asarray(len(STATES) * number[..., 0::2] + number[..., 1::2])


def mirrored(kinds: Int64[np.ndarray, "..."]) -> Int64[np.ndarray, "..."]:
    """Kind of pairs whose weights are negated: plus and minus change places."""
    count = len(STATES)
    return np.asarray(len(STATES) * (kinds % count) + kinds // count)


def held_intervals(chip: ChipDescription) -> Float64[np.ndarray, "kinds 2"]:
    """Smallest and largest weight of each kind, in units of the window.

    Example:
        >>> from imssa.hardware import load_chip
        >>> held_intervals(load_chip("taox-64"))[[0, 4, 2, 5, 6]].tolist()
        [[-1.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    """
    opened = -chip.g_min_siemens / chip.window_siemens
    low, high = np.array([0.0, 1.0, 0.0, opened]), np.array([1.0, 1.0, 0.0, opened])
    smallest = low[:, None] - high[None, :]
    largest = high[:, None] - low[None, :]
    return np.stack([smallest.ravel(), largest.ravel()], axis=-1)


def common_mode(
    codes: Int64[np.ndarray, "word_lines pairs"],
    line_max: Int64[np.ndarray, " pairs"],
    defects: Devices,
) -> Int64[np.ndarray, "word_lines pairs"]:
    """Common mode under which each pair comes as near to its weight as its defects allow.

    With the plus device stuck s steps above the bottom, the minus device must stand at s - w. As
    minus = c + max(-w, 0), that is c = s - max(w, 0), as far as the window reaches; and the other
    way round.

    Args:
        codes: Weight codes as they stand on the array.
        line_max: Largest code of each pair: the window in steps.
        defects: Of the array's devices.
    """
    plus, minus = (defects[..., side::2].astype(np.int64) for side in (0, 1))
    room = np.maximum(line_max - np.abs(codes), 0)
    found = np.zeros_like(codes)
    for stuck, partner, own in ((plus, minus, codes), (minus, plus, -codes)):
        held = np.where(stuck == STUCK_HIGH, line_max, 0)
        alone = (stuck != SOUND) & (partner == SOUND)
        found = np.where(alone, np.clip(held - np.maximum(own, 0), 0, room), found)
    return found
