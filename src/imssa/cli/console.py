"""What the command line shows: results on standard output, progress and errors on the other."""

import codecs
import io
import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES: Final = 10.0

command_line: ContextVar[str] = ContextVar("command_line", default="imssa")
"""What the user typed, for the provenance of results."""


_PLAIN: Final = str.maketrans(
    {
        "\N{MICRO SIGN}": "u",
        "\N{MINUS SIGN}": "-",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{HORIZONTAL ELLIPSIS}": ".",
    }
)
"""As wide as what they stand for, so that tables stay in line."""


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What a terminal cannot show, in ASCII: a micro sign as u, anything unknown as "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    words = error.object[error.start : error.end].translate(_PLAIN)
    return words.encode("ascii", "replace").decode("ascii"), error.end


codecs.register_error("imssa.in_ascii", _in_ascii)


def write_what_fits() -> None:
    """From here on a character that the terminal's encoding lacks is replaced, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="imssa.in_ascii")


def _out() -> Console:
    return Console(highlight=False)


def _err() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


class Shown:
    """Shows results and progress as the user asked for.

    Args:
        as_json: One JSON object on standard output instead of words.
        quiet: No progress on standard error; errors stay.
    """

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet
        self._bars: Progress | None = None

    def result(self, value: dict[str, Any], *lines: Any) -> None:
        """Prints the result: as JSON, or the lines (text or rich tables)."""
        if self.as_json:
            text = json.dumps(_finite(value), indent=2, sort_keys=True, allow_nan=False)
            sys.stdout.write(text + "\n")
            return
        console = _out()
        for line in lines:
            console.print(line, soft_wrap=isinstance(line, str), markup=False)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Shows the progress of what happens inside: bars on a terminal, else lines."""
        console = _err()
        if self.quiet or not console.is_terminal:
            yield
            return
        with _bars(console) as self._bars:
            yield
        self._bars = None

    def warning(self, text: str) -> None:
        """What makes a result doubtful, on standard error, quiet or not."""
        console = self._bars.console if self._bars is not None else _err()
        console.print(f"Warning: {text}", style="bold yellow", markup=False, soft_wrap=True)

    def stage(self, name: str) -> "_Bar | _Lines":
        """The progress of a stage."""
        if self._bars is not None:
            return _Bar(self._bars, name)
        return _Lines(name, quiet=self.quiet)


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class _Bar:
    """A bar on a terminal."""

    def __init__(self, bars: Progress, name: str) -> None:
        self._bars = bars
        self._task = bars.add_task(name, total=None, text="")

    def __call__(self, done: int, total: int, text: str) -> None:
        self._bars.update(self._task, completed=done, total=total, text=text)


class _Lines:
    """A line at the end, and every ten seconds before it."""

    def __init__(self, name: str, *, quiet: bool) -> None:
        self._name, self._quiet = name, quiet
        self._last = time.monotonic()

    def __call__(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if self._quiet or (done < total and now - self._last < SECONDS_BETWEEN_LINES):
            return
        self._last = now
        _err().print(f"{self._name} {done}/{total}: {text}", markup=False)


def _finite(value: Any) -> Any:
    """The same for JSON, which knows no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show_error(text: str) -> None:
    """An error on standard error."""
    console = _err()
    console.print("Error:", style="bold red", end=" ")
    console.print(text, markup=False)
