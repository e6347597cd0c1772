"""What every law of writing has in common."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imssa.hardware.law import Bools, DeviceLaw, Draws, Floats


@dataclass(frozen=True)
class Cells:
    """The cells of one array of many chip instances that are to be written.

    Attributes:
        targets: Target conductances (chips, word lines, bit lines); NaN marks cells never written.
        held: Conductance of devices that ignore pulses, NaN where a device is sound.
        bottom_siemens: Bottom of the conductance window.
        top_siemens: Its top.
    """

    targets: Floats
    held: Floats
    bottom_siemens: float
    top_siemens: float

    def pairs(self) -> "tuple[Cells, Cells]":
        """The cells of even and of odd bit lines: both devices of each differential pair."""
        even, odd = (
            Cells(
                self.targets[..., side::2],
                self.held[..., side::2],
                self.bottom_siemens,
                self.top_siemens,
            )
            for side in (0, 1)
        )
        return even, odd


@dataclass(frozen=True)
class Outcome:
    """What a law of writing leaves.

    Attributes:
        conductance_siemens: Of each cell; anything where nothing is written.
        pulses: Pulses spent on each device; None: the law knows no pulses.
        failed: Devices whose weight missed the tolerance; None: the law knows no failures.
    """

    conductance_siemens: Floats
    pulses: NDArray[np.int32] | None = None
    failed: Bools | None = None


class ProgrammingLaw(DeviceLaw):
    """How cells are written."""

    @property
    @abstractmethod
    def spread_siemens(self) -> float:
        """Standard deviation that writing leaves on a device (pair: of the weight, over sqrt 2)."""

    @abstractmethod
    def write(self, cells: Cells, draws: Draws) -> Outcome:
        """Writes the targets; devices that ignore pulses keep what they hold."""
