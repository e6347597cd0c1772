"""Reading a written chip back: the kernels that it really holds, their errors and their poles."""

from dataclasses import dataclass

import numpy as np

from imssa.crossbar.chip import Chip
from imssa.deployment.modes import held_blocks
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.impulse import poles, squared_errors


@dataclass(frozen=True)
class KernelReading:
    """One kernel as it stands on a chip.

    Attributes:
        layer: The kernel's layer.
        feature: Its feature.
        array: The array.
        error: Relative error of its impulse response, 2-norm, against the integer network's.
        largest_pole: Largest magnitude of a pole of its recurrence.
    """

    layer: int
    feature: int
    array: int
    error: float
    largest_pole: float

    @property
    def stable(self) -> bool:
        """Whether what is in its registers does not grow by itself."""
        return self.largest_pole <= 1.0 + 1e-9


def read_back(
    compiler: TailoredCompiler, tailored: Tailored, chip: Chip
) -> tuple[KernelReading, ...]:
    """Reads all arrays of a chip and computes what its kernels are worth.

    From the conductances, through the wires of the description; cells that join kernels are left out.

    Args:
        compiler: That made the program.
        tailored: The program, and where its kernels stand.
        chip: To which it was written.
    """
    found = []
    for place, block in zip(tailored.places, held_blocks(compiler, tailored, chip), strict=True):
        wanted = compiler.wanted[place.layer].of(place.feature)
        error = np.sqrt(float(squared_errors(block, wanted)))
        pole = float(np.abs(poles(block, wanted.dynamics)).max())
        found.append(KernelReading(place.layer, place.feature, place.array, float(error), pole))
    return tuple(found)
