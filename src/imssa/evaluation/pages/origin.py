"""Sections at the end: what is not modelled, how to repeat the run, what the words mean."""

from collections.abc import Mapping
from typing import Any, Final

import tomli_w

from imssa.evaluation.pages.material import Material, ordered
from imssa.evaluation.pages.sections import Section
from imssa.evaluation.report import Provenance

FLOW: Final = ("data", "train", "quantize", "compile", "simulate", "report")
GLOSSARY: Final = (
    ("array", "one crossbar of memristors with its converters, for instance 64 by 64 devices"),
    ("word line, bit line", "input row and output column of an array"),
    ("differential pair", "the two devices of one signed weight, on neighbouring bit lines"),
    ("kernel", "the state-space filter of one feature, with one input and one output"),
    ("mode", "one complex state of a kernel: a decaying oscillation"),
    ("pole", "by what a mode is multiplied at each time step; beyond size 1 it grows"),
    ("realization", "how hardware runs the recurrence: direct, incremental or leaky"),
    ("code", "an integer that a register, a converter or a pair of devices holds"),
    ("MVM", "one analog matrix-vector multiply: drive word lines, read bit lines"),
    ("phase", "one MVM of a time step, with a chosen part of the lines"),
    ("chip instance", "one draw of all variation of the devices; many make a study"),
    ("programming error", "once when a device is written: it misses its target"),
    ("read noise", "at each read: the device answers a little differently"),
    ("stuck device", "one that ignores writing, at high or at low conductance"),
    ("defect map", "which devices of one chip are stuck, found by a scan"),
    (
        "compiled for its map",
        "weights placed so that a chip's stuck devices and wires do little harm",
    ),
    ("trimmed", "then read back, and cells that harm their kernel written again; no recordings"),
    ("recalibrated", "then digital gains and the read-out fitted to some training recordings"),
    ("waterfall", "accuracy from software to the chip: each error alone, then all together"),
)


def missing_section(material: Material) -> Section:
    """What the model of the chip leaves out."""
    return Section(
        "not-modelled",
        "What is not modelled",
        reading="The chip is simulated. Its model leaves out:",
        items=material.report.not_modelled,
    )


def repeat_section(
    provenance: Provenance,
    recipe: dict[str, Any],
    hashes: Mapping[str, str],
    seconds: Mapping[str, float],
) -> Section:
    """Command, versions, hashes and recipe of a run."""
    commit = f", commit {provenance.commit}" if provenance.commit else ""
    changed = " with changes" if provenance.modified else ""
    spent = ", ".join(f"{stage} {time:.1f}" for stage, time in ordered(seconds, FLOW).items())
    return Section(
        "repeat",
        "To repeat this",
        reading="The same command with the same versions gives the same numbers, to the last digit.",
        terms=(
            ("imssa", f"{provenance.version}{commit}{changed}"),
            ("seed", str(provenance.seed)),
            ("python, torch", f"{provenance.python}, {provenance.torch}"),
            *provenance.packages.items(),
            ("platform", provenance.platform),
            *((f"SHA-256 of {name}", value) for name, value in hashes.items()),
            *((("seconds by stage", spent),) if spent else ()),
        ),
        code=(("The command", provenance.command), ("The recipe", recipe_text(recipe))),
        notes=(
            (
                "The command is the one that made this page. The recipe, saved as recipe.toml, repeats the "
                "whole run: imssa run recipe.toml --out FOLDER. The same numbers are in report.json beside "
                "this page."
            ),
        ),
    )


def glossary_section() -> Section:
    """The words of the page."""
    return Section("glossary", "Words", terms=GLOSSARY)


def recipe_text(recipe: dict[str, Any]) -> str:
    """The recipe as TOML; keys that are off (None) are left out, as TOML has no word for it."""
    return tomli_w.dumps(_without_none(recipe))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_without_none(v) for v in value if v is not None]
    return value
