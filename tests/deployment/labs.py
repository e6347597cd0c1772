"""Chips of which no more than the interface is known."""

import numpy as np
from numpy.typing import NDArray

from imssa.crossbar.chip import Chip, ReadAddress
from imssa.hardware.law import Floats
from imssa.program import ArrayContents
from imssa.program.operations import Phase


class Laboratory(Chip):
    """A chip that keeps a diary of what is written and read."""

    def __init__(self, inside: Chip) -> None:
        self.inside, self.diary = inside, list[str]()

    def write(self, array: int, contents: ArrayContents) -> None:
        self.diary.append(f"write {array}")
        self.inside.write(array, contents)

    def read(self, array: int) -> Floats:
        self.diary.append(f"read {array}")
        return self.inside.read(array)

    def mvm(
        self, phase: Phase, drive: NDArray[np.int64], address: ReadAddress
    ) -> NDArray[np.int64]:
        return self.inside.mvm(phase, drive, address)
