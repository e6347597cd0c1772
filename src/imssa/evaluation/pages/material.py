"""What the page of a run is made from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool

from imssa.evaluation.metrics import WaterfallRow
from imssa.evaluation.occupancy import Occupancy, occupancies
from imssa.evaluation.pictures import ConductanceMap, Pictures
from imssa.evaluation.report import Report
from imssa.hardware.defects import SOUND
from imssa.program import Program

Value = TypeVar("Value")
Trainings = Mapping[str, Sequence[Mapping[str, Any]]]
Costs = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By quantity with its unit ("energy a time step, J"), then by part: ``low``, ``typical``, ``high``."""

HALF_A_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Material:
    """All that a run's page may show; what is empty or None is left out.

    Attributes:
        report: All numbers.
        pictures: The arrays behind traces, conductance maps and poles.
        training: Epochs of each training, by the realization or "float".
        program: What was compiled for the recipe's own realization.
        costs: Energy, latency and area by part.
        verdict: What they say, in sentences.
        hashes: SHA-256 of the content of the run's files, by name.
    """

    report: Report
    pictures: Pictures
    training: Trainings = field(default_factory=dict)
    program: Program | None = None
    costs: Costs | None = None
    verdict: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def occupancies(self) -> tuple[Occupancy, ...]:
        """Who lives on each array of the program."""
        return () if self.program is None else occupancies(self.program)

    @property
    def all_errors(self) -> WaterfallRow:
        """The chip with all its errors on."""
        return next(row for row in self.report.waterfall if row.stage == "all")

    def missed(self, array: ConductanceMap) -> Bool[np.ndarray, "word_lines pairs"]:
        """Pairs of an array with a stuck device whose weight is off by half a code step or more."""
        if self.program is None:
            return np.zeros((len(array.defects), array.defects.shape[1] // 2), bool)
        contents = self.program.arrays[array.array]
        actual = array.actual_siemens
        held = (actual[:, 0::2] - actual[:, 1::2]) / contents.siemens_per_step
        stuck = (array.defects != SOUND).reshape(len(held), -1, 2).any(axis=2)
        missed = np.abs(held - contents.codes) >= HALF_A_STEP
        return np.asarray(contents.written & stuck & missed)


def ordered(values: Mapping[str, Value], first: Collection[str]) -> dict[str, Value]:
    """The values with the names of ``first`` in front."""
    names = [name for name in first if name in values]
    return {name: values[name] for name in [*names, *(n for n in values if n not in names)]}
