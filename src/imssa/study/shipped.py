"""Shipped studies by name; light, for the command line's help and completion."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from imssa.errors import StudyError
from imssa.experiment.shipped import names_in


def study_names() -> tuple[str, ...]:
    """Names of the shipped studies.

    Example:
        >>> "stuck" in study_names()
        True
    """
    return names_in("studies")


def study_text(name: str) -> str:
    """A study by the name of a shipped one or by path, as it is written.

    Raises:
        StudyError: There is none.
    """
    if name in study_names():
        return (resources.files("imssa") / "studies" / f"{name}.toml").read_text("utf-8")
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StudyError(
            given=f"study {name!r}",
            rule=f"it cannot be read ({reason}), and no shipped study has that name",
            remedy=f"Name a TOML file or one of: {', '.join(study_names())}.",
        ) from error


def study_content(name: str) -> dict[str, Any]:
    """What a study file says, not yet validated.

    Raises:
        StudyError: There is none, or it is no TOML.
    """
    try:
        return tomllib.loads(study_text(name))
    except tomllib.TOMLDecodeError as error:
        raise StudyError(
            given=f"study {name}", rule=f"it is no TOML: {error}", remedy="Mend that line."
        ) from error
