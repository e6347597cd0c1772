"""Axes of a study: which keys of the recipe take which values."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from imssa.study.config import COSTS, Label, Span, StudyConfig

MEASURED_PREFIX: Final = "measured."
"""Of keys that change the chip that is measured, not the one that is trained for."""

RESERVED: Final = (
    *("measure", "chip", "value", "low", "high", "right", "items", "trial", "seconds", "error"),
    *COSTS,
)
"""Columns of the results that are no axes."""


@dataclass(frozen=True)
class Level:
    """One value of an axis.

    Attributes:
        labels: What it is called, by column of the results.
        settings: The keys that it sets.
    """

    labels: dict[str, Label]
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """All that it is called."""
        return ", ".join(map(str, self.labels.values()))


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        name: The recipe's key, or the name of linked keys.
        levels: Its values in order; of an open range only its two ends.
        span: The range, where any value between its ends may be visited.
    """

    name: str
    levels: tuple[Level, ...]
    span: Span | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns in the results."""
        return tuple(self.levels[0].labels)

    def at(self, value: Label) -> Level:
        """A value of an open range."""
        return Level({self.name: value}, {self.name: value})


def axes_of(config: StudyConfig) -> tuple[tuple[Axis, ...], list[str]]:
    """The axes of a study, and all that is wrong with them, in words."""
    axes: list[Axis] = []
    faults: list[str] = []
    open_ranges = config.search.kind != "grid"
    for key, value in _leaves(config.axes):
        try:
            axes.append(_axis(key, value, open_ranges=open_ranges))
        except ValueError as error:
            faults.append(f"axes.{key}: {_words(error)}")
    for name, content in config.linked.items():
        try:
            axes.append(_linked(name, content))
        except ValueError as error:
            faults.append(f"linked.{name}: {_words(error)}")
    if not config.axes and not config.linked:
        faults.append("axes: empty; a study varies at least one key of the recipe")
    faults += _contradictions(axes, [key for key, _ in flat(config.fixed)])
    return tuple(axes), faults


def flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Values by dotted key."""
    for key, value in content.items():
        if isinstance(value, dict) and value and "law" not in value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def label_of(value: Any) -> Label:
    """A value as a cell of the results: itself, or its text."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict) and "law" in value:
        rest = ", ".join(f"{k} {v}" for k, v in value.items() if k != "law")
        return f"{value['law']} ({rest})" if rest else str(value["law"])
    return json.dumps(value, sort_keys=True)


def values_between(span: Span) -> list[int | float]:
    """The values of a range with steps; ends are met exactly."""
    steps = span.steps or 2
    spaced = np.geomspace if span.log else np.linspace
    values = spaced(span.low, span.high, steps).tolist()
    values[0], values[-1] = span.low, span.high
    return list(dict.fromkeys(map(round, values))) if span.whole else values


def _leaves(axes: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Axes by dotted key; a table with low and high is a range, any other a section."""
    for key, value in axes.items():
        section = isinstance(value, dict) and value and not {"low", "high"} & value.keys()
        if section:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _axis(key: str, value: Any, *, open_ranges: bool) -> Axis:
    if isinstance(value, dict):
        span = Span.model_validate(value)
        if span.steps is None and not open_ranges:
            msg = "a range of a grid needs steps"
            raise ValueError(msg)
        ends = (span.low, span.high) if span.steps is None else values_between(span)
        levels = tuple(Level({key: v}, {key: v}) for v in ends)
        return Axis(key, levels, span if span.steps is None else None)
    if not isinstance(value, list):  # refused with the other faults
        msg = f"given {value!r}: an axis has a list of values, or a range of low, high and steps"
        raise ValueError(msg)  # noqa: TRY004
    _require_values(value)
    return Axis(key, tuple(Level({key: label_of(v)}, {key: v}) for v in value))


def _linked(name: str, content: dict[str, Any]) -> Axis:
    """Keys that change together; their labels may fill several columns."""
    given = content.get("labels", {})
    labels = given if isinstance(given, dict) else {name: given}
    keys = dict(flat({k: v for k, v in content.items() if k != "labels"}))
    lists = [*keys.values(), *labels.values()]
    if not keys or not all(isinstance(v, list) for v in lists):
        msg = "linked keys, and their labels, have one list of values each"
        raise ValueError(msg)
    lengths = {len(v) for v in lists}
    if len(lengths) > 1:
        msg = f"the lists have different lengths: {', '.join(map(str, sorted(lengths)))}"
        raise ValueError(msg)
    rows = _rows(keys)
    if labels:
        named = [{k: label_of(v) for k, v in row.items()} for row in _rows(labels)]
    else:
        _require_values(rows)
        named = [{name: _shared(row)} for row in rows]
    _require_values(named)
    return Axis(name, tuple(Level(n, row) for n, row in zip(named, rows, strict=True)))


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _shared(row: dict[str, Any]) -> Label:
    """What all keys of a level have in common, or all of it."""
    values = list(row.values())
    if all(value == values[0] for value in values):
        return label_of(values[0])
    return ", ".join(str(label_of(value)) for value in values)


def _require_values(values: list[Any]) -> None:
    if not values:
        msg = "no values: the grid is empty"
        raise ValueError(msg)
    texts = [_told(v) for v in values]
    twice = sorted({t for t in texts if texts.count(t) > 1})
    if twice:
        msg = f"duplicate values: {', '.join(twice)}"
        raise ValueError(msg)


def _told(value: Any) -> str:
    """Equal for values that mean the same, as 2 and 2.0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        repr(float(value))
        if number and math.isfinite(value)
        else json.dumps(value, sort_keys=True, default=str)
    )


def _contradictions(axes: list[Axis], fixed: list[str]) -> Iterator[str]:
    """Keys that two axes set, or an axis and ``[set]``, or of which one lies within the other."""
    owners = [(key, f"axis {axis.name}") for axis in axes for key in axis.levels[0].settings]
    owners += [(key, "[set]") for key in fixed]
    for number, (key, owner) in enumerate(owners):
        for other, where in owners[:number]:
            if key == other:
                yield f"{key}: set by {where} and again by {owner}"
            elif f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                yield f"{key} of {owner} and {other} of {where} contradict: one holds the other"
    names = [name for axis in axes for name in axis.columns]
    for name in sorted({n for n in names if names.count(n) > 1 or n in RESERVED}):
        yield f"axis {name}: the name is taken; use another"


def _words(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        details = error.errors()
        return "; ".join(
            ".".join(map(str, d["loc"]))
            + (": " if d["loc"] else "")
            + str(d["msg"]).removeprefix("Value error, ")
            for d in details
        )
    return str(error)
