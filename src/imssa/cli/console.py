"""What the command line shows: results on standard output, progress and errors on the other."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_stderr = Console(stderr=True, highlight=False, soft_wrap=True)
_stdout = Console(highlight=False)


class Shown:
    """Shows results and progress as the user asked for.

    Args:
        as_json: One JSON object on standard output instead of words.
        quiet: No progress and no words on standard error but errors.
    """

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet
        self._bars: Progress | None = None

    def result(self, value: dict[str, Any], *lines: Any) -> None:
        """Prints the result: as JSON, or the lines (text or rich tables)."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")
            return
        for line in lines:
            _stdout.print(line, soft_wrap=isinstance(line, str), markup=False)

    def note(self, text: str) -> None:
        """A line on standard error."""
        if not self.quiet:
            _stderr.print(text, markup=False)

    @contextmanager
    def bars(self) -> Iterator[None]:
        """Shows progress bars inside, on a terminal."""
        if self.quiet or not _stderr.is_terminal:
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=_stderr) as self._bars:
            yield
        self._bars = None

    def stage(self, name: str) -> Any:
        """The progress of a stage: a bar on a terminal, else a line when it is done."""
        bars = self._bars
        if bars is None:
            return lambda done, total, text: self.note(f"{name}: {text}") if done == total else None
        task = bars.add_task(name, total=None, text="")

        def update(done: int, total: int, text: str, /) -> None:
            bars.update(task, completed=done, total=total, text=text)

        return update


def show_error(text: str) -> None:
    """An error on standard error."""
    _stderr.print("Error:", style="bold red", end=" ")
    _stderr.print(text, markup=False)
