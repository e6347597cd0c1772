"""Paths that users name, and folders that one process at a time works in."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imssa.errors import OutputError

AnyPath = str | os.PathLike[str]
"""What every public function takes where a file or folder is to be named."""


@contextmanager
def held(
    folder: Path, named: str, *, wait: bool = False, busy: str = "another imssa is at work there"
) -> Iterator[None]:
    """Holds a folder by its file ``lock``; the system lets go of it when the process ends.

    On a file system without locks nothing is held.

    Args:
        folder: Made when missing.
        named: What it is called in errors.
        wait: Wait until another process lets go of it.
        busy: The rule that is broken where another process holds it.

    Raises:
        OutputError: It cannot be made, or another process holds it and shall not be waited for.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "lock").open("wb")
    except OSError as error:
        raise OutputError(
            given=named,
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Name a folder that you may write to, on a disk with room.",
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise OutputError(
                given=named, rule=busy, remedy="Wait for it, or name another folder."
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
