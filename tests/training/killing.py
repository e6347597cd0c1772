"""Kills a training of the command line, SIGKILL, and starts it again."""

import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cli.calls import command

PATIENCE_SECONDS = 120.0


@dataclass
class Killed:
    """What became of a training that was killed.

    Attributes:
        epochs: Finished epochs in the log at each kill.
        partial_files: Kills that left a half-written temporary file.
    """

    epochs: list[int]
    partial_files: int


def killed_often(folder: Path, words: list[str], kills: int, longest_seconds: float) -> Killed:
    """Runs a training until it has been killed so many times, at seeded moments, or has ended.

    Each process is killed a random time after it has kept its first epoch.

    Args:
        folder: Where it trains.
        words: Of the command line.
        kills: How many.
        longest_seconds: The random times are uniform up to this one.
    """
    random_moments = random.Random(20)  # noqa: S311  # no secret
    found, first = Killed([], 0), _epochs(folder)
    while len(found.epochs) < kills:
        before = _kept(folder)
        process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + PATIENCE_SECONDS
        while _kept(folder) == before and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(random_moments.uniform(0.0, longest_seconds))
        process.kill()
        _, error = process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode == 0:  # it was faster
            break
        assert process.returncode == -signal.SIGKILL, error
        found.epochs.append(_epochs(folder) - first)
        found.partial_files += any(path.is_file() for path in folder.rglob(".*"))
    return found


def _kept(folder: Path) -> list[tuple[str, int]]:
    """The checkpoints and when they were written."""
    return [(path.name, path.stat().st_mtime_ns) for path in folder.glob("work/*.checkpoint")]


def _epochs(folder: Path) -> int:
    """Whole lines of all logs; a broken one is an error."""
    lines = [line for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines(True)]
    assert all(line.endswith("}\n") for line in lines)
    return len(lines)
