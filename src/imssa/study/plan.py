"""The plan of a study: the rows and trials of its points, and how far these are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imssa.study.definition import Study
from imssa.study.guided import Guide
from imssa.study.ledger import Outcome
from imssa.study.points import Point
from imssa.study.schedule import trainings, without
from imssa.study.trials import Group, Row, planned


@dataclass(frozen=True)
class Standing:
    """How far a study is.

    Attributes:
        points: Points of the axes that are known so far.
        trials: Different trials of these.
        done: Trials that were measured.
        failed: Trials that could not be measured, with the reason.
        trainings: Networks that the open trials need.
    """

    points: int
    trials: int
    done: int
    failed: dict[str, str]
    trainings: int

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return {**vars(self), "open": self.trials - self.done - len(self.failed)}


@dataclass(frozen=True)
class Plan:
    """Rows and trials of some points."""

    points: list[Point]
    rows: list[Row]
    groups: list[Group]

    @classmethod
    def of(cls, study: Study, points: Iterable[Point]) -> "Plan":
        """The plan of points of a study."""
        plan = cls(list(points), [], [])
        for point in plan.points:
            subject = study.subject(point)
            for rows, group in planned(point, subject, study.config.measure):
                plan.rows.extend(rows)
                plan.groups.append(group)
        return plan

    def standing(self, outcomes: dict[str, Outcome]) -> Standing:
        """How far it is."""
        trials = list(dict.fromkeys(row.trial for row in self.rows))
        failed = {
            t: str(outcomes[t].error)
            for t in trials
            if t in outcomes and outcomes[t].error is not None
        }
        done = sum(t in outcomes for t in trials) - len(failed)
        left = trainings(without(self.groups, set(outcomes)))
        return Standing(len(self.points), len(trials), done, failed, len(left))

    def strangers(self, outcomes: dict[str, Outcome]) -> list[str]:
        """Trials that were measured and are not of this plan."""
        own = {row.trial for row in self.rows}
        return [t for t, o in outcomes.items() if o.error is None and t not in own]


def plan_of(study: Study, journal: Path) -> Plan:
    """The plan of the points that are known without running anything.

    Args:
        study: The study.
        journal: Of a guided search, whose points are those asked for so far.
    """
    if study.config.search.kind != "guided":
        return Plan.of(study, study.points)
    return Plan.of(study, Guide(study, journal).asked())
