"""What determines each stage of a trial, and nothing else.

A stage is computed from a recipe in which every key that it must not depend on holds a fixed value;
the hash of the other keys is its identity. So equal identities give equal results by construction,
and a key that changes a result changes an identity, or the stage could not see it.

| stage | sees |
|---|---|
| float | data, auxiliary data, seed, model, float training |
| quantized | that, pruning, quantization, its training, and of the chip what training reads: converters, window, \
programming law, read noise if it is drawn, and the lines of an array where linear maps stand on arrays |
| program | that, layout, and the chip without its devices' errors |
| answers | that, the chip's errors that are on, the chip instance, the recordings |
"""

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from imssa.experiment.own_map import map_digest, own_map
from imssa.experiment.recipe import Recipe
from imssa.hardware import EFFECTS, ChipDescription
from imssa.program.files import canonical_json, digest

Section = dict[str, Any]

VERSION: Final = 1
"""To be raised whenever the arithmetic of a stage changes between versions of the package."""

DIGITS: Final = 32
ONLY_NAMES: Final = frozenset(
    {
        "name",
        "description",
        "chip.name",
        "chip.source",
        "evaluation.chip_instances",
        "evaluation.recalibrated",
        "evaluation.compare",
    }
)
"""Keys of a recipe that change no number of a study: names, and what a study says itself."""

_LARGEST: Final = {"count": 1, "word_lines": 1024, "bit_lines": 1024}
_NAMELESS: Final = {"name": "studied chip", "source": "a study"}
_PLAIN: Final[Section] = {
    **_NAMELESS,
    "arrays": _LARGEST,
    "converters": {"dac_bits": 8, "adc_bits": 8, "full_scale_devices": [1]},
    "g_max_siemens": 1e-4,
    "read_voltage_volt": 0.2,
}
"""Stands in a recipe for stages that see no chip."""


def float_section(recipe: Section) -> Section:
    """What determines the float network, of a recipe's content."""
    return {key: recipe[key] for key in ("data", "seed", "model", "auxiliary", "float_training")}


def quantized_section(recipe: Section) -> Section:
    """What determines the integer network."""
    own = {key: recipe[key] for key in ("pruning", "quantization", "quantized_training")}
    chip = _training_chip(recipe["chip"], recipe["quantization"])
    return {**float_section(recipe), **own, "chip": chip}


def program_section(recipe: Section, chip: Section) -> Section:
    """What determines a program: its network, the layout, and the chip without its errors.

    Args:
        recipe: Content of the recipe.
        chip: Content of the chip that is measured.
    """
    return {
        "network": quantized_section(recipe),
        "layout": recipe["layout"],
        "chip": bare_chip(chip),
    }


def answers_section(chip: Section) -> Section:
    """What the answers of a chip depend on besides the program: its devices' errors."""
    seen = {key: chip[key] for key in (*EFFECTS, "age_seconds")}
    if chip["defect_map"] is not None:
        described = own_map(ChipDescription.model_validate(chip))
        seen["defect_map"] = described and map_digest(described)
    return seen


def bare_chip(chip: Section) -> Section:
    """A chip without names and without its devices' errors."""
    return {**chip, **_NAMELESS, **dict.fromkeys(EFFECTS), "age_seconds": 0.0}


def _training_chip(chip: Section, quantization: Section) -> Section:
    """The chip as training sees it."""
    noise, on_arrays = quantization["noise"], "analog" in quantization["parts"].values()
    seen = {
        **bare_chip(chip),
        "arrays": {**_LARGEST, "word_lines": chip["arrays"]["word_lines"]}
        if on_arrays
        else _LARGEST,
        "programming": chip["programming"],
        "read_noise": chip["read_noise"] if noise["read_noise"] else None,
    }
    return {**seen, "word_line_current_max_ampere": None, "phase_seconds": None}


def recipe_of(section: Section) -> Recipe:
    """The recipe that a stage is computed from: all that it may not see is plain."""
    return Recipe.model_validate({"name": "study", "chip": _PLAIN, **section})


@cache
def _package() -> str:
    """The package's version; looking it up takes longer than all the rest."""
    return version("imssa")


def identity(stage: str, section: Section) -> str:
    """The hash of what determines something."""
    content = {"version": VERSION, "imssa": _package(), "stage": stage, "by": section}
    return digest(canonical_json(content).encode())[:DIGITS]
