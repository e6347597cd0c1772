"""Points of a study: one value of each axis, and the order in which they are visited."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from imssa.errors import StudyError
from imssa.kernels.random import Key
from imssa.study.axes import Axis, Level
from imssa.study.config import Label, Search

PATIENCE = 100
"""Draws for each point that is wanted before a random search gives up finding new ones."""


@dataclass(frozen=True)
class Point:
    """One value of each axis.

    Attributes:
        labels: What the values are called, by axis.
        settings: Values of the recipe's keys.
    """

    labels: dict[str, Label]
    settings: dict[str, Any]

    @classmethod
    def of(cls, levels: tuple[Level, ...]) -> "Point":
        """The point of one level an axis."""
        labels = {column: label for level in levels for column, label in level.labels.items()}
        settings = {key: value for level in levels for key, value in level.settings.items()}
        return cls(labels, settings)


def grid(axes: tuple[Axis, ...]) -> list[Point]:
    """All points, the last axis changing first."""
    return [Point.of(levels) for levels in itertools.product(*(a.levels for a in axes))]


def random_points(axes: tuple[Axis, ...], search: Search) -> list[Point]:
    """As many different points as are asked for; the first ones are the same for any number.

    Raises:
        StudyError: The axes do not have so many.
    """
    number = search.number or 0
    rng = Key.root(search.seed).child("search").numpy()
    found: dict[tuple[str, ...], Point] = {}
    for _ in range(PATIENCE * number):
        levels = tuple(_drawn(axis, rng) for axis in axes)
        found.setdefault(tuple(level.name for level in levels), Point.of(levels))
        if len(found) == number:
            return list(found.values())
    raise StudyError(
        given=f"search.number = {number}",
        rule=f"the axes have about {len(found)} different points",
        remedy="Ask for fewer, widen the axes, or take them all: kind = 'grid'.",
    )


def _drawn(axis: Axis, rng: np.random.Generator) -> Level:
    span = axis.span
    if span is None:
        return axis.levels[int(rng.integers(len(axis.levels)))]
    if span.log:
        value = math.exp(rng.uniform(math.log(span.low), math.log(span.high)))
        return axis.at(min(max(round(value), span.low), span.high) if span.whole else value)
    if span.whole:
        return axis.at(int(rng.integers(int(span.low), int(span.high) + 1)))
    return axis.at(float(rng.uniform(span.low, span.high)))


def contexts(axes: tuple[Axis, ...], axis: Axis) -> Iterator[list[Point]]:
    """The points along one axis, with the others at their first values, then at their last."""
    for place in (0, -1):
        yield [
            Point.of(tuple(level if a is axis else a.levels[place] for a in axes))
            for level in axis.levels
        ]
