"""Chips of which no more than the interface is known."""

import numpy as np
from numpy.typing import NDArray

from imssa.crossbar.chip import Chip, ReadAddress
from imssa.hardware.law import Floats
from imssa.program import ArrayContents
from imssa.program.operations import Phase


class Plain(Chip):
    """A chip that writes whole arrays only, and keeps a diary of what is written and read."""

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


class Laboratory(Plain):
    """A chip that writes single cells, too."""

    def rewrite(self, array: int, contents: ArrayContents, cells: NDArray[np.bool_]) -> None:
        self.diary.append(f"rewrite {array}: {int(cells.sum())}")
        self.inside.rewrite(array, contents, cells)
