"""Sections at the end of a study's page: how it was defined, how to repeat it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from imssa.evaluation.pages.origin import recipe_text
from imssa.evaluation.pages.sections import Section
from imssa.evaluation.words import grouped
from imssa.study.definition import Study
from imssa.study.ledger import Outcome
from imssa.study.naming import short_names, value_in_words

LIST: Final = re.compile(r"\[\n((?:    [^\n]*,\n)+)\]")
"""A list with one plain value a line, as it is written: texts have no line break there."""

MOST_OF_A_LINE: Final = 90
MOST_ORIGINS: Final = 8
"""Different provenances of trainings that are listed."""


def definition_section(study: Study) -> Section:
    """What the study varies and measures, and its file."""
    measure = study.config.measure
    effects = "all of the chip's" if measure.effects is None else ", ".join(measure.effects)
    return Section(
        "definition",
        "How the study was defined",
        reading="One recipe, changed along axes; each point is measured the same way.",
        terms=(
            *_axes(study),
            ("points", _search(study)),
            ("measured", ", ".join(measure.accuracies)),
            ("chips a point", str(measure.chips)),
            ("errors that are on", effects or "none"),
            ("recordings", f"the {measure.part} part"),
        ),
        code=(
            ("The study", study_text(study)),
            (f"Its recipe, {study.config.recipe}", recipe_text(study.content)),
        ),
    )


def _axes(study: Study) -> Iterator[tuple[str, str]]:
    names = short_names(study.columns)
    for axis in study.axes:
        name = ", ".join(names[column] for column in axis.columns)
        key = "" if name == axis.name else f"{axis.name}: "
        told = [
            ", ".join(value_in_words(column, value) for column, value in level.labels.items())
            for level in axis.levels
        ]
        if axis.span is not None:
            yield name, f"{key}from {told[0]} to {told[-1]}{', logarithmic' * axis.span.log}"
        else:
            yield name, f"{key}{'; '.join(told)}"


def _search(study: Study) -> str:
    search = study.config.search
    if search.kind == "grid":
        return f"the whole grid, {grouped(len(study.points))}"
    goal = f" that raises {search.goal}" if search.goal else ""
    return f"a {search.kind} search of {search.number} points{goal}, seed {search.seed}"


def study_text(study: Study) -> str:
    """The study as TOML; what has its default is left out, short lists stand on one line."""
    text = recipe_text(
        study.config.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
        )
    )
    return LIST.sub(_on_one_line, text)


def _on_one_line(found: re.Match[str]) -> str:
    values = " ".join(line.strip() for line in found[1].splitlines()).rstrip(",")
    return f"[{values}]" if len(values) <= MOST_OF_A_LINE else found[0]


def repeat_section(
    study: Study,
    outcomes: Mapping[str, Outcome],
    origins: Sequence[Mapping[str, Any]],
    origin: Mapping[str, Any],
) -> Section:
    """Command and versions of a study.

    Args:
        study: The study.
        outcomes: Of its trials.
        origins: Provenances of its networks.
        origin: Of this page, with the command that made it.
    """
    seconds = sum(outcome.seconds for outcome in outcomes.values())
    trained = origins or [{"version": "not known: the folder's stages were removed"}]
    terms = [("trained and compiled by", _told(one)) for one in trained[:MOST_ORIGINS]]
    if len(origins) > MOST_ORIGINS:
        terms.append(("and", f"{len(origins) - MOST_ORIGINS} more"))
    return Section(
        "repeat",
        "To repeat this",
        reading="The same study with the same versions gives the same numbers, to the last digit, "
        "on any number of processes.",
        terms=(
            *terms,
            ("this page made by", _told(origin)),
            ("time of the trials", f"{_span(seconds)} of one process, without trainings"),
            ("seed of the recipe", str(study.content.get("seed", 0))),
        ),
        code=(("The commands", _commands(study, origin)),),
        notes=(
            (
                f"Save the study above as {study.config.name}.toml. It names its recipe; where that is a "
                "path, save the recipe above there. All rows, chip by chip, are in results.parquet (or "
                "results.csv) of the study\N{RIGHT SINGLE QUOTATION MARK}s folder."
            ),
        ),
    )


def _commands(study: Study, origin: Mapping[str, Any]) -> str:
    return f"imssa study run {study.config.name}.toml --out FOLDER\n{origin['command']}"


def _told(origin: Mapping[str, Any]) -> str:
    """A provenance in words."""
    commit = f", commit {origin['commit']}" if origin.get("commit") else ""
    changed = " with changes" if origin.get("modified") else ""
    names = ("python", "torch", "numpy", "numba")
    versions = [f"{name} {origin[name]}" for name in names if name in origin]
    platform = [str(origin["platform"])] if "platform" in origin else []
    rest = "; ".join(filter(None, [", ".join(versions), *platform]))
    return f"imssa {origin.get('version')}{commit}{changed}{f'; {rest}' if rest else ''}"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
