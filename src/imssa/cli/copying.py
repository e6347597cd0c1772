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
    from imssa.program.files import write_atomically

    require_new(out, force=force)
    write_atomically(out, text.encode())


def require_new(out: Path, *, force: bool) -> None:
    """Refuses a file that is there.

    Raises:
        OutputError: There is one, and it may not be written over.
    """
    if out.exists() and not force:
        raise OutputError(
            given=f"--out {out}",
            rule="there is such a file already",
            remedy="Name another file, or add --force to write over it.",
        )
