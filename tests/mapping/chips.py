"""Chips with defects, and their maps, for the tests of the compiler."""

from typing import Any

import numpy as np

from imssa.crossbar import SimulatedChip
from imssa.deployment import scan
from imssa.hardware import ChipDescription
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.defects import StuckDevices
from tests.crossbar.contract import KEY
from tests.reference.networks import chip_with


def stuck_chip(rate: float, **changes: Any) -> ChipDescription:
    """A chip whose only errors are stuck devices, half high and half low."""
    stuck = StuckDevices(high_rate=rate / 2, low_rate=rate / 2)
    return chip_with(**changes).only().model_copy(update={"stuck": stuck})


def map_of(chip: ChipDescription, instance: int) -> DefectMap:
    """What a scan of a chip instance finds."""
    return scan(SimulatedChip(chip, KEY, instance), chip)


def whole(chip: ChipDescription) -> DefectMap:
    """A map without a defect."""
    shape = (chip.arrays.word_lines, chip.arrays.bit_lines)
    return DefectMap(tuple(np.zeros(shape, np.int8) for _ in range(chip.arrays.count)))
