"""Runs side by side: what differs in their recipes, and how much better one answers than another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from imssa.evaluation.metrics import Stage
from imssa.evaluation.paired import Paired, paired_difference
from imssa.evaluation.report import Report

PAIRED: Final[tuple[Stage, ...]] = ("software", "quantized", "all")
"""Stages whose answers are held against each other."""

Correct = Float64[np.ndarray, "_chips _items"]


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes:
        label: Short and unique among those compared.
        report: Its numbers.
        correct: By stage, 1 for each right answer and 0 for each wrong one.
        items: What tells its test items from others: equal for the same items in the same order.
        costs: By quantity and part, low, typical and high; None: not worked out.
    """

    label: str
    report: Report
    correct: Mapping[str, Correct]
    items: str
    costs: Mapping[str, Mapping[str, Mapping[str, float]]] | None = field(default=None)


class Difference(NamedTuple):
    """One stage of a run against that of the first.

    Attributes:
        stage: Which.
        first: Label of the first run.
        second: Label of the other.
        paired: The difference, second minus first.
    """

    stage: Stage
    first: str
    second: str
    paired: Paired


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Each run against the first, stage by stage; runs on other test items are left out."""
    first = runs[0]
    return [
        Difference(
            stage,
            first.label,
            run.label,
            paired_difference(first.correct[stage], run.correct[stage]),
        )
        for run in runs[1:]
        if run.items == first.items
        for stage in PAIRED
    ]


def unpaired(runs: Sequence[Run]) -> list[str]:
    """Labels of runs that were tested on other items than the first."""
    return [run.label for run in runs[1:] if run.items != runs[0].items]


def recipe_differences(runs: Sequence[Run]) -> list[tuple[str, list[Any]]]:
    """Keys of the recipes that are not the same everywhere, with each run's value; None: not set."""
    flat = [flattened(run.report.recipe) for run in runs]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    rows = [(key, [one.get(key) for one in flat]) for key in keys]
    return [(key, values) for key, values in rows if any(value != values[0] for value in values)]


def flattened(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Keys with dots, as the command line's ``--set`` takes them.

    Example:
        >>> flattened({"model": {"d_model": 9}, "seed": 1})
        {'model.d_model': 9, 'seed': 1}
    """
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        flat |= flattened(inner, f"{name}.") if isinstance(inner, Mapping) else {name: inner}
    return flat
