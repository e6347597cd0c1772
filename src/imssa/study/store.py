"""Stages of a study on disk by the hash of what determines them: each is computed once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TypeVar

from imssa.errors import FileFormatError, ImssaError, OutputError
from imssa.places import held
from imssa.program.files import write_atomically

Value = TypeVar("Value")
FAILED: Final = "failed.txt"


class FailedStageError(Exception):
    """A stage that could not be computed, now or earlier; its text says why."""


class Store:
    """A folder with one folder for each stage, named by kind and identity.

    A process that needs a stage holds its lock while it computes it; another one waits and then finds
    it. The system lets go of the lock when a process ends, however it ends. Files are written whole
    or not at all.

    Args:
        root: The folder; made when something is put there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, kind: str, identity: str) -> Path:
        """Where a stage lies."""
        return self.root / f"{kind}-{identity}"

    def get(self, path: Path, make: Callable[[], None], load: Callable[[Path], Value]) -> Value:
        """A stage, computed if need be; a damaged file is made anew.

        Args:
            path: The file that a finished stage leaves, in a place of its own.
            make: Computes the stage and writes that file.
            load: Reads it.

        Raises:
            FailedStageError: It could not be computed, or could not earlier.
            OutputError: The folder cannot be written.
        """
        if path.exists():
            try:
                return load(path)
            except FileFormatError:
                self._forget_damaged(path, load)
        self._made(path, make)
        return load(path)

    @staticmethod
    def _forget_damaged(path: Path, load: Callable[[Path], object]) -> None:
        """Removes a file unless another process has made it anew by now."""
        with _held(path.parent):
            try:
                load(path)
            except FileFormatError:
                path.unlink(missing_ok=True)

    def _made(self, path: Path, make: Callable[[], None]) -> None:
        with _held(path.parent):
            if path.exists():
                return
            _sweep(path.parent)
            failed = path.parent / FAILED
            if failed.exists():
                raise FailedStageError(failed.read_text())
            try:
                make()
            except (OutputError, OSError):
                raise
            except Exception as error:
                write_atomically(failed, in_words(error).encode())
                raise FailedStageError(in_words(error)) from error

    def forget_failures(self) -> None:
        """Lets stages that could not be computed be tried again."""
        for failed in self.root.glob(f"*/{FAILED}"):
            failed.unlink(missing_ok=True)


def in_words(error: BaseException) -> str:
    """An error as a line of the results."""
    told = isinstance(error, ImssaError | FailedStageError)
    return str(error) if told else f"{type(error).__name__}: {error}"


def _held(place: Path) -> AbstractContextManager[None]:
    """A stage's folder, once another process has let go of it.

    Without locks a stage is at worst computed twice, equally.
    """
    return held(place, str(place), wait=True)


def _sweep(place: Path) -> None:
    """Removes temporary files of a process that was killed while it wrote."""
    for left in place.glob(".*"):
        left.unlink(missing_ok=True)
