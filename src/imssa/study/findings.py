"""What a study found: best and worst points, what each axis does, which points no other beats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imssa.study.config import ANSWERING, MEASURED, Label
from imssa.study.definition import Study
from imssa.study.summary import POOLED, Mean, Place, means
from imssa.study.table import Table

COSTS: Mapping[str, tuple[str, str]] = {
    "energy": ("energy a time step", "J"),
    "step_seconds": ("time of a time step", "s"),
}


@dataclass(frozen=True)
class Ends:
    """The best and the worst point of one measure.

    Attributes:
        measure: Of what.
        best: Its place, one value a column.
        high: Its mean.
        worst: The worst place.
        low: Its mean.
        equal: Further points whose mean is as high.
        points: Points that were compared.
    """

    measure: str
    best: Place
    high: Mean
    worst: Place
    low: Mean
    equal: int
    points: int


@dataclass(frozen=True)
class Findings:
    """The results of a study, as far as it is done.

    Attributes:
        study: The study.
        table: Its results.
    """

    study: Study
    table: Table

    @property
    def columns(self) -> list[str]:
        """Columns of the axes that points are told apart by; seeds only where nothing else differs."""
        told = [name for name in self.study.columns if name not in POOLED]
        return told or self.study.columns

    @property
    def measures(self) -> list[str]:
        """Accuracies that have results, those of the study's figure if it names any."""
        wanted = self.study.config.figure.measures or ANSWERING
        return [name for name in self.answered if name in wanted]

    @property
    def answered(self) -> list[str]:
        """All accuracies that have results, in the order of the flow."""
        found = {row["measure"] for row in self.table if row["value"] is not None}
        return [name for name in ANSWERING if name in found]

    @property
    def main(self) -> str:
        """The accuracy that the study is about: its goal, else the last step on chips."""
        goal = self.study.config.search.goal
        if goal is not None and goal in self.measures:
            return goal
        return self.measures[-1]

    @property
    def costs(self) -> list[str]:
        """Costs that have results."""
        found = {row["measure"] for row in self.table if row["value"] is not None}
        return [name for name in MEASURED if name in found and name not in ANSWERING]

    def of(self, measure: str, columns: Sequence[str] | None = None) -> dict[Place, Mean]:
        """Means of one measure by the values of columns; None: of all axes."""
        rows = [row for row in self.table if row["measure"] == measure]
        return means(rows, list(self.columns if columns is None else columns), self.study.columns)

    def at(self, place: Place) -> dict[str, Label]:
        """A place of all axes by their names."""
        return dict(zip(self.columns, place, strict=True))

    def ends(self, measure: str) -> Ends:
        """The best and the worst point; of equal ones the first."""
        found = self.of(measure)
        best = max(found, key=lambda place: found[place].mean)
        worst = min(found, key=lambda place: found[place].mean)
        equal = sum(mean.mean == found[best].mean for mean in found.values()) - 1
        return Ends(measure, best, found[best], worst, found[worst], equal, len(found))

    def complete(self, measure: str) -> bool:
        """Whether every point of a grid has a mean, so that axes may be averaged over."""
        points = [tuple(point.labels.values()) for point in self.study.points]
        return (
            bool(points)
            and len(self.of(measure, self.study.columns)) == len(set(points)) == self._size()
        )

    def _size(self) -> int:
        size = 1
        for axis in self.study.axes:
            size *= len(axis.levels)
        return size


def spans(findings: Findings, measure: str) -> dict[str, tuple[Label, float, Label, float]]:
    """By axis: its best value with the mean there and its worst, averaged over all other axes.

    A column of linked keys is left out where its values do not meet the same values of the others.
    """
    told, places = {}, list(findings.of(measure))
    for number, column in enumerate(findings.columns):
        met: dict[Label, set[Place]] = {}
        for place in places:
            met.setdefault(place[number], set()).add((*place[:number], *place[number + 1 :]))
        if len({frozenset(others) for others in met.values()}) > 1:
            continue
        found = {place[0]: mean.mean for place, mean in findings.of(measure, [column]).items()}
        best, worst = max(found, key=lambda v: found[v]), min(found, key=lambda v: found[v])
        told[column] = (best, found[best], worst, found[worst])
    return told


def front(points: Mapping[Place, tuple[float, float]]) -> list[Place]:
    """The Pareto front: places that no other beats in both cost and accuracy, by rising cost.

    Args:
        points: Cost (less is better) and accuracy (more is better) by place.

    Example:
        >>> front({("a",): (1.0, 0.5), ("b",): (2.0, 0.9), ("c",): (3.0, 0.8)})
        [('a',), ('b',)]
    """
    kept: list[Place] = []
    best = float("-inf")
    for place in sorted(points, key=lambda p: (points[p][0], -points[p][1])):
        if points[place][1] > best:
            kept.append(place)
            best = points[place][1]
    return kept


def priced(findings: Findings, cost: str) -> dict[Place, tuple[Mean, Mean]]:
    """Cost and main accuracy of the points that have both."""
    accuracy = findings.of(findings.main)
    return {
        place: (mean, accuracy[place])
        for place, mean in findings.of(cost).items()
        if place in accuracy
    }
