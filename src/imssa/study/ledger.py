"""The ledger: one JSON line a finished trial, appended and kept before the next ones are taken up."""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool

from imssa.cost import Range
from imssa.errors import OutputError


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        trial: Its identity.
        seconds: What it took, without the stages that it shares.
        value: Share of right answers, or the typical value of a cost; None where it failed.
        right: Which recordings were answered rightly, packed bits in base64.
        items: How many recordings.
        error: Why it failed.
        low: Least value of a cost.
        high: Largest one.
    """

    trial: str
    seconds: float
    value: float | None = None
    right: str | None = None
    items: int = 0
    error: str | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def answered(cls, trial: str, seconds: float, right: Bool[np.ndarray, " items"]) -> "Outcome":
        """The outcome of a trial that was measured."""
        packed = base64.b64encode(np.packbits(right).tobytes()).decode()
        return cls(trial, seconds, float(right.mean()), packed, len(right))

    @classmethod
    def priced(cls, trial: str, seconds: float, price: Range) -> "Outcome":
        """The outcome of a trial that asked for a cost."""
        low, typical, high = map(float, (price.low, price.typical, price.high))
        return cls(trial, seconds, typical, low=low, high=high)


def unpacked(right: str, items: int) -> Bool[np.ndarray, " items"]:
    """Which recordings were answered rightly.

    Example:
        >>> outcome = Outcome.answered("a", 0.1, np.array([True, False, True]))
        >>> unpacked(outcome.right, outcome.items).tolist()
        [True, False, True]
    """
    packed = np.frombuffer(base64.b64decode(right), np.uint8)
    return np.unpackbits(packed, count=items).astype(np.bool_)


def read_ledger(path: Path) -> dict[str, Outcome]:
    """Outcomes by trial; a later line replaces an earlier one, a torn or damaged one is left out."""
    found: dict[str, Outcome] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return found
    for line in lines[:-1]:  # what follows the last line break was torn
        try:
            outcome = Outcome(**json.loads(line))
        except (ValueError, TypeError):
            continue
        found[outcome.trial] = outcome
    return found


class Ledger:
    """A ledger that one process appends to.

    Args:
        path: The file; a line that a killed process tore is cut off.

    Raises:
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            cut_torn_line(path)
            self._file: BinaryIO = path.open("ab", buffering=0)
        except OSError as error:
            raise self._full(error) from error

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Appends outcomes; they are on the disk when this returns.

        Raises:
            OutputError: The disk is full, for instance; what was added before stays.
        """
        text = "".join(map(as_line, outcomes)).encode()
        try:
            while text:
                text = text[self._file.write(text) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._full(error) from error

    def _full(self, error: OSError) -> OutputError:
        return OutputError(
            given=str(self._path),
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Make room and run the study again: finished trials are kept.",
        )

    def __enter__(self) -> "Ledger":  # noqa: PYI034  # beartype knows no Self here
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def as_line(outcome: Outcome) -> str:
    """An outcome as a line of a ledger."""
    given = {key: value for key, value in asdict(outcome).items() if value is not None}
    return f"{json.dumps(given, sort_keys=True)}\n"


def cut_torn_line(path: Path) -> None:
    """Cuts off what a killed process left of its last line."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
