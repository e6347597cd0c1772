"""A study made ready: its axes, its points, and the subject at each point; all faults at once."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from imssa.errors import RecipeError, StudyError
from imssa.experiment.recipe import change_of, recipe_content, recipe_with
from imssa.hardware import ChipDescription
from imssa.study.axes import MEASURED_PREFIX, Axis, axes_of, flat
from imssa.study.config import MEASURED, Label, StudyConfig
from imssa.study.contents import Contents
from imssa.study.determined import ONLY_NAMES
from imssa.study.points import Point, contexts, grid, random_points
from imssa.study.shipped import study_content
from imssa.study.stages import Subject
from imssa.study.trials import ids_of

SHOWN: Final = 12
"""Most faults that are listed."""

MOST_POINTS: Final = 100_000
REMEMBERED: Final = 4096
"""Points whose subjects are kept in memory: checked first, then run."""


@dataclass(frozen=True)
class Study:
    """A study without faults.

    Attributes:
        config: What its file says.
        content: Its base recipe, as far as that says anything.
        axes: Its axes.
        changes: Keys of the recipe that whoever runs it has set, also part of ``[set]`` in `config`.
        contents: What its data hold: that determines trials, not where they lie.
    """

    config: StudyConfig
    content: dict[str, Any]
    axes: tuple[Axis, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    contents: Contents = field(default_factory=Contents, compare=False)
    _known: dict[str, Subject] = field(default_factory=dict, repr=False, compare=False)

    def subject(self, point: Point) -> Subject:
        """The network and the chip of a point.

        Raises:
            RecipeError: Values that do not go together.
        """
        key = json.dumps(point.settings, sort_keys=True, default=str)
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = self._resolved(point)
        return self._known[key]

    def _resolved(self, point: Point) -> Subject:
        settings = {**dict(flat(self.config.fixed)), **point.settings}
        own = {k: v for k, v in settings.items() if not k.startswith(MEASURED_PREFIX)}
        other = {k.removeprefix(MEASURED_PREFIX): v for k, v in settings.items() if k not in own}
        origin = f"{self.config.recipe} of study {self.config.name}"
        recipe = recipe_with(self.content, own, origin)
        chip = recipe.chip
        if other:
            chip = recipe_with(self.content, {**own, **other}, f"{origin}, as measured").chip
        chip = _with_effects(chip, self.config.measure.effects)
        for root in (recipe.data.root, recipe.auxiliary.root):
            self.contents.of(root)
        return Subject.of(recipe, chip, self.contents.known)

    @property
    def columns(self) -> list[str]:
        """Columns of the axes in the results."""
        return [column for axis in self.axes for column in axis.columns]

    @cached_property
    def points(self) -> list[Point]:
        """The points of a grid or of a random search, in order; a guided search has none yet."""
        kind = self.config.search.kind
        if kind == "guided":
            return []
        return grid(self.axes) if kind == "grid" else random_points(self.axes, self.config.search)

    def to_json(self) -> dict[str, Any]:
        """What `study_of` takes."""
        config = self.config.model_dump(mode="json", by_alias=True, exclude_none=True)
        more = {"changes": self.changes, "data": dict(sorted(self.contents.known.items()))}
        more = {name: value for name, value in more.items() if value}
        return {"study": config, "recipe": self.content, **more}


def load_study(name_or_path: str, changes: Iterable[str] = ()) -> Study:
    """Reads a study by the name of a shipped one or by path.

    Args:
        name_or_path: Shipped name or TOML file.
        changes: Like ``data.root=/recordings``: keys of the recipe at every point, before what the
            study's ``[set]`` says.

    Raises:
        StudyError: No such study, or faults, all of them at once.
        RecipeError: Its recipe cannot be read, or a change has another form.
    """
    content = study_content(name_or_path)
    recipe = content.get("recipe")
    base = recipe_content(recipe) if isinstance(recipe, str) else {}
    return study_of(content, base, name_or_path, dict(map(change_of, changes)))


def study_of(
    content: dict[str, Any],
    base: dict[str, Any],
    origin: str,
    changes: Mapping[str, Any] = MappingProxyType({}),
    contents: Contents | None = None,
) -> Study:
    """A study of what its file and its recipe say.

    Args:
        content: Of the study file.
        base: Of the recipe.
        origin: What the study is called in errors.
        changes: Keys of the recipe that go before what ``[set]`` says.
        contents: What its data hold, as far as that is known; None: it is looked up.

    Raises:
        StudyError: Faults, all of them at once.
        DataError: Its data are there and cannot be read.
    """
    try:
        config = StudyConfig.model_validate(_changed(content, changes))
    except ValidationError as error:
        raise _refused(origin, [_in_words(d) for d in error.errors()]) from error
    axes, faults = axes_of(config)
    used = {key: value for key, value in base.items() if key != "evaluation"}  # the study says it
    study = Study(config, used, axes, dict(changes), contents or Contents())
    faults += _unusable_keys(study)
    faults += _faults_of_figure(study)
    if faults:  # points made of them would only repeat the same
        raise _refused(origin, faults)
    faults = list(dict.fromkeys(_faults_along_axes(study)))
    if not faults:
        faults = list(dict.fromkeys(_faults_of_points(study)))
    if faults:
        raise _refused(origin, faults)
    return study


def _changed(content: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A study's content with keys of the recipe added to its ``[set]``, or replaced there."""
    own = content.get("set", {})
    if not changes or not isinstance(own, dict):
        return content
    return {**content, "set": {**dict(flat(own)), **changes}}


def _with_effects(chip: ChipDescription, effects: Iterable[str] | None) -> ChipDescription:
    return chip if effects is None else chip.only(*effects)


def _refused(origin: str, faults: list[str]) -> StudyError:
    count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
    more = [f"  - and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    lines = [f"  - {fault}" for fault in faults[:SHOWN]]
    return StudyError(
        given=f"study {origin}",
        rule="\n".join([count, *lines, *more, "It has to be valid"]),
        remedy="Mend these.",
    )


def _in_words(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"]) or "study"
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    return f"{key}: {str(detail['msg']).removeprefix('Value error, ')}"


def _unusable_keys(study: Study) -> Iterator[str]:
    """Keys that nothing measured depends on, and those that can only be trained for."""
    keys = [(k, f"axis {a.name}") for a in study.axes for k in a.levels[0].settings]
    keys += [(k, "[set]") for k, _ in flat(study.config.fixed)]
    for key, where in keys:
        if key.removeprefix(MEASURED_PREFIX) in ONLY_NAMES and where != "[set]":
            yield f"{key} of {where} changes nothing that is measured; leave it out"
        elif key.startswith(MEASURED_PREFIX) and not key.startswith(f"{MEASURED_PREFIX}chip."):
            own = key.removeprefix(MEASURED_PREFIX)
            yield f"{key} of {where}: only keys of the chip can differ when measured; set {own}"
    size = 1
    for axis in study.axes:
        size *= len(axis.levels)
    if study.config.search.kind == "grid" and size > MOST_POINTS:
        yield f"the grid has {size} points, more than {MOST_POINTS}; use a random search"


def _faults_of_figure(study: Study) -> Iterator[str]:
    figure, names = study.config.figure, study.columns
    wanted = {"x": figure.x, "panels": figure.panels}
    given = [(key, name) for key, name in wanted.items() if name is not None]
    given += [("lines", name) for name in figure.lines or ()]
    for key, name in given:
        measured = study.config.measure.costs if key == "x" else ()
        if name not in (*names, "measure", *measured):
            yield f"figure.{key}: there is no axis {name}; choose from {', '.join(names)}"
    used = [name for _, name in given]
    for name in sorted({name for name in used if used.count(name) > 1}):
        yield f"figure: {name} is used twice; x, lines and panels are different axes"
    if figure.x is None and not set(names) - set(used):
        yield "figure: no axis is left for x; name it, or fewer lines"
    for name in figure.measures or ():
        if name not in study.config.measure.measures:
            yield f"figure.measures: {name} is not among measure.accuracies and measure.costs"


def _faults_along_axes(study: Study) -> Iterator[str]:
    """What the recipe refuses at the first and last values of the other axes; axes without effect."""
    refused: dict[str, list[Point]] = {}
    tried: list[Point] = []
    silent = []
    for axis in study.axes:
        changed = False
        for points in contexts(study.axes, axis):
            seen = set()
            tried += points
            for point in points:
                try:
                    seen.add(tuple(ids_of(study.subject(point), study.config.measure)))
                except RecipeError as error:
                    for fault in _own_words(error):
                        refused.setdefault(fault, []).append(point)
            changed = changed or len(seen) > 1
        if len(axis.levels) > 1 and not changed:
            silent.append(axis)
    yield from (_placed(study, fault, points, tried) for fault, points in refused.items())
    if not refused and study.config.search.kind != "grid":  # all points of a grid are asked later
        yield from map(_without_effect, silent)


def _placed(study: Study, fault: str, points: list[Point], tried: list[Point]) -> str:
    """A fault with the value, or the values together, that it comes from."""
    if len(points) == len(tried):
        return fault
    for axis in study.axes:
        for level in axis.levels:
            having = [p for p in tried if level.labels.items() <= p.labels.items()]
            if len(having) == len(points) and all(p in having for p in points):
                return f"axis {axis.name} at {level.name}: {fault}"
    return f"{_place(points[0])}: {fault}"


def _place(point: Point) -> str:
    return "at " + ", ".join(f"{name} = {label}" for name, label in point.labels.items())


def _faults_of_points(study: Study) -> Iterator[str]:
    """Points whose values do not go together, and axes that change nothing at any point."""
    by_level: dict[tuple[Label, ...], set[str]] = {}
    for point in study.points:
        try:
            ids = set(ids_of(study.subject(point), study.config.measure))
        except RecipeError as error:
            yield f"{_place(point)}: {'; '.join(_own_words(error))}"
            return
        for axis in study.axes:
            at = (axis.name, *(point.labels[column] for column in axis.columns))
            by_level.setdefault(at, set()).update(ids)
    for axis in study.axes:
        met = [by_level.get((axis.name, *level.labels.values())) for level in axis.levels]
        if len(met) > 1 and met[0] is not None and all(ids == met[0] for ids in met):
            yield _without_effect(axis)


def _without_effect(axis: Axis) -> str:
    return (
        f"axis {axis.name} changes nothing: none of the measures depends on it "
        f"(measures: {', '.join(MEASURED)}; is its effect on in measure.effects?)"
    )


def _own_words(error: RecipeError) -> list[str]:
    """The faults that a recipe's error lists, without the frame around them."""
    lines = [line.strip() for line in error.rule.splitlines()]
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")] or [error.rule]
