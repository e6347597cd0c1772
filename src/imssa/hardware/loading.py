"""Chip descriptions by name or from a file."""

import os
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imssa.errors import FileFormatError, OutputError, RecipeError
from imssa.hardware.defect_map import read_defect_map
from imssa.hardware.description import Arrays, ChipDescription
from imssa.hardware.faults import faults_in_words, listed
from imssa.hardware.files import write_whole
from imssa.places import AnyPath


@cache
def preset_names() -> tuple[str, ...]:
    """Names of the shipped chip descriptions."""
    folder = resources.files("imssa.hardware") / "presets"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


def preset_text(name: str) -> str:
    """A shipped chip description as it is written, with the sources of its numbers."""
    return (resources.files("imssa.hardware") / "presets" / f"{name}.toml").read_text("utf-8")


def template_text() -> str:
    """A commented description to start from."""
    return (resources.files("imssa.hardware") / "template.toml").read_text("utf-8")


def load_chip(name_or_path: AnyPath) -> ChipDescription:
    """A chip description by the name of a preset or by the path of a TOML file.

    A ``defect_map`` is looked for beside the file, and read and checked.

    Raises:
        RecipeError: No such preset or file, or a description that breaks its rules: all of them.

    Example:
        >>> load_chip("taox-64").arrays
        Arrays(count=3, word_lines=64, bit_lines=64)
    """
    name = os.fspath(name_or_path)
    if name in preset_names():
        return parse_chip(preset_text(name), name)
    path = Path(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        if path.exists():
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            rule = f"it cannot be read ({reason})"
        else:
            rule = f"it is neither a file nor a preset ({', '.join(preset_names())})"
        raise RecipeError(
            given=f"chip {name!r}",
            rule=rule,
            remedy="Name a preset or the path of a chip description in TOML.",
        ) from error
    return parse_chip(text, name, path.parent)


def write_new_chip(path: Path, preset: str | None = None, *, force: bool = False) -> None:
    """Writes a commented description to start from, whole or not at all.

    Args:
        path: TOML file.
        preset: A shipped chip to copy; None: an example with every law.
        force: Overwrite what is there.

    Raises:
        RecipeError: No such preset.
        OutputError: The file is there already, or cannot be written.
    """
    if preset is not None and preset not in preset_names():
        raise RecipeError(
            given=f"chip {preset!r}",
            rule="no shipped chip has that name",
            remedy=f"Name one of: {', '.join(preset_names())}.",
        )
    if path.exists() and not force:
        raise OutputError(
            given=str(path), rule="it is there already", remedy="Name another file, or use --force."
        )
    text = template_text() if preset is None else preset_text(preset)
    write_whole(path, lambda file: file.write(text.encode()))


def parse_chip(text: str, origin: str, folder: Path = Path()) -> ChipDescription:
    """A chip description from TOML.

    Args:
        text: The description.
        origin: What it is called in errors.
        folder: Where a defect map with a relative path lies.

    Raises:
        RecipeError: It breaks its rules.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            given=f"chip description {origin}",
            rule=f"it is no TOML: {error}",
            remedy="Mend that line.",
        ) from error
    faults: list[str] = []
    chip = None
    if isinstance(content.get("defect_map"), str) and content["defect_map"]:
        content["defect_map"] = str(folder / content["defect_map"])
        faults += _map_faults(content)
    try:
        chip = ChipDescription.model_validate(content)
    except ValidationError as error:
        faults = faults_in_words(error, ChipDescription) + faults
    if chip is None or faults:
        raise RecipeError(
            given=f"chip description {origin}", rule=listed(faults), remedy="Mend these keys."
        )
    return chip


def _map_faults(content: dict[str, Any]) -> list[str]:
    """What is wrong with the defect map, where it can be told."""
    try:
        arrays = Arrays.model_validate(content.get("arrays"))
        shape = (arrays.word_lines, arrays.bit_lines)
        read_defect_map(content["defect_map"], arrays.count, shape)
    except ValidationError:
        return []  # the arrays' own faults are listed
    except FileFormatError as error:
        return [f"defect_map: {error.given.removeprefix('defect map ')}: {error.rule}"]
    return []
