"""Whether a folder can be written, and that one process at a time does."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imssa.errors import OutputError


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


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Holds a folder for this process; the system lets go of it when the process ends.

    Raises:
        OutputError: Another process holds it, or it cannot be made.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        handle = (work / "lock").open("wb")
    except OSError as error:
        raise OutputError(
            given=f"--out {work.parent}",
            rule=f"it cannot be written ({error.strerror})",
            remedy="Name a folder that you may write to.",
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                given=str(work.parent),
                rule="another imssa is at work in this folder",
                remedy="Wait for it, or use another --out.",
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
