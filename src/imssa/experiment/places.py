"""Whether a folder can be written, and that one process at a time does."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

from imssa.errors import OutputError
from imssa.places import held


def require_writable(root: Path) -> None:
    """Refuses a folder that cannot hold results; makes nothing.

    Raises:
        OutputError: Saying why.
    """
    existing = next(p for p in (root, *root.absolute().parents) if p.exists() or p.is_symlink())
    if not existing.is_dir():
        problem = f"{'it' if existing == root else existing} is a file, not a folder"
    elif not os.access(existing, os.W_OK | os.X_OK):
        problem = f"you may not write to {'it' if existing == root else existing}"
    else:
        return
    raise OutputError(
        given=f"--out {root}", rule=problem, remedy="Name a folder that you may write to."
    )


def locked(work: Path) -> AbstractContextManager[None]:
    """Holds a folder for this process; the system lets go of it when the process ends.

    Raises:
        OutputError: Another process holds it, or it cannot be made.
    """
    return held(work, f"--out {work.parent}", busy="another imssa is at work in this folder")
