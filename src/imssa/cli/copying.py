"""Copies of shipped files, for users to change."""

from pathlib import Path

from imssa.errors import OutputError


def write_copy(text: str, out: Path, *, force: bool) -> None:
    """Writes a shipped text to a file of the user's.

    Args:
        text: The shipped text.
        out: The file.
        force: Whether a file may be written over.

    Raises:
        OutputError: There is a file already, or it cannot be written.
    """
    try:
        with out.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise OutputError(
            given=f"--out {out}",
            rule=f"it cannot be written ({error.strerror})",
            remedy="Name another file, or add --force to write over one.",
        ) from error
