"""Writing a file whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import IO

from imssa.errors import OutputError


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes under another name first, then renames.

    Args:
        path: The file.
        write: Writes its content.

    Raises:
        OutputError: The file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            with part.open("wb") as file:
                write(file)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            given=str(path),
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Name a file in a folder that you may write to.",
        ) from error
