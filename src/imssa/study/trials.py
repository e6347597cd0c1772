"""Trials: what is measured once, and the rows of the results that show it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from imssa.study.config import COSTS, ON_CHIPS, Measure, Measured
from imssa.study.determined import identity
from imssa.study.points import Point
from imssa.study.stages import Subject


@dataclass(frozen=True)
class Row:
    """One row of the results, and the trial that gives its number.

    Attributes:
        point: Where it stands on the axes.
        measure: What answered.
        chip: Number of the chip instance; None: no chip.
        trial: Identity of the trial; rows that are determined by the same share one.
    """

    point: Point
    measure: Measured
    chip: int | None
    trial: str


@dataclass(frozen=True)
class Group:
    """Trials that ask one subject the same thing, on any number of chips.

    Attributes:
        subject: Network and chip.
        measure: What answers.
        settings: The study's settings.
        trials: Identity by number of the chip instance; 0 where there are no chips.
    """

    subject: Subject
    measure: Measured
    settings: Measure
    trials: dict[int, str]

    @property
    def training(self) -> str:
        """What has to be trained for it: trials of one training stay together."""
        kind = "float" if self.measure == "float" else "quantized"
        return f"{kind}-{self.subject.ids[kind]}"


_DETERMINED_BY: Final[dict[Measured, str]] = {
    "float": "float",
    "quantized": "quantized",
    "ideal": "program",
    **dict.fromkeys(COSTS, "program"),
}
"""The last stage that a measure depends on; all others ask chips with their errors."""


def base_of(subject: Subject, measure: Measured, settings: Measure) -> str:
    """Identity of a measure of a subject, over all chips."""
    stage = _DETERMINED_BY.get(measure, "answers")
    section: dict[str, Any] = {"of": subject.ids[stage], "measure": measure}
    if measure not in COSTS:
        section["part"] = settings.part
    if measure == "recalibrated":
        section["calibration_per_class"] = settings.calibration_per_class
    return identity("trial", section)


def ids_of(subject: Subject, settings: Measure) -> Iterator[str]:
    """Identities of all measures of a subject, over all chips."""
    for measure in settings.measures:
        yield base_of(subject, measure, settings)


def planned(point: Point, subject: Subject, settings: Measure) -> Iterator[tuple[list[Row], Group]]:
    """The rows of a point, measure by measure, and the trials behind them."""
    for measure in settings.measures:
        base = base_of(subject, measure, settings)
        chips = range(settings.chips) if measure in ON_CHIPS else (None,)
        names = {chip: base if chip is None else f"{base}-{chip}" for chip in chips}
        rows = [Row(point, measure, chip, name) for chip, name in names.items()]
        trials = {chip or 0: name for chip, name in names.items()}
        yield rows, Group(subject, measure, settings, trials)
