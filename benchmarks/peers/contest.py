"""Contestants' processes, and rounds in which they answer the same job one after the other."""

import json
import statistics
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers.server import MARK

FOLDER = Path(__file__).parent
SLOWER = 2.0
"""Ways of asking that are slower than a contestant's best by this factor are not asked again."""


class ContestantError(Exception):
    """A contestant that could not answer, in its own words."""


class Process:
    """A contestant at work on a number of threads.

    Args:
        command: Interpreter, script and its arguments.
        variables: Of the environment.
        threads: In BLAS and OpenMP.
    """

    def __init__(self, command: list[str], variables: dict[str, str], threads: int) -> None:
        self.threads = threads
        self._fault = ""
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # a pipe that nobody reads fills
        self._process = subprocess.Popen(  # noqa: S603
            command,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self.settings: dict[str, Any] = self._read()["settings"]

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """What is answered to a job.

        Raises:
            ContestantError: The contestant failed or ended.
        """
        assert self._process.stdin is not None  # noqa: S101  # a pipe was asked for
        if self._fault:
            raise ContestantError(self._fault)
        with suppress(BrokenPipeError):  # then there is no answer to read either
            print(json.dumps(job), file=self._process.stdin, flush=True)
        answer = self._read()
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            if line.startswith(MARK):
                found: dict[str, Any] = json.loads(line.removeprefix(MARK))
                return found
        self._process.wait()
        self._said.seek(0)
        self._fault = (self._said.read().strip() or "it ended").splitlines()[-1]
        self.close()
        raise ContestantError(self._fault)

    def close(self) -> None:
        """Lets it end."""
        with suppress(BrokenPipeError, ValueError):
            self._process.communicate()
        self._said.close()


@dataclass
class Entry:
    """One way of asking one contestant, and its answers so far.

    Attributes:
        name: The contestant.
        variant: How it is asked.
        process: Where.
        job: What it is asked.
        scale: Its seconds times this are those of the whole work.
        seconds: Of each round, scaled.
        shares: Processor seconds a second of each round, where the contestant measures them.
        last: Its last answer.
    """

    name: str
    variant: str
    process: Process
    job: dict[str, Any]
    scale: float = 1.0
    seconds: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Median seconds of the rounds."""
        return statistics.median(self.seconds)

    def ask(self) -> float:
        """Seconds of the whole work, as scaled from one more answer."""
        self.last = self.process.ask({**self.job, "variant": self.variant})
        return float(self.last["seconds"] * self.scale)


def compete(entries: list[Entry], rounds: int) -> tuple[list[Entry], dict[str, str]]:
    """Asks all in turn, round by round, after one answer each that is not counted.

    Returns:
        Those that answered, and why the others failed.
    """
    failed: dict[str, str] = {}
    running = list(entries)
    for number in range(rounds + 1):
        for entry in list(running):
            try:
                seconds = entry.ask()
            except ContestantError as error:
                failed[f"{entry.name}, {entry.variant}"] = str(error)
                running.remove(entry)
                continue
            if number:
                entry.seconds.append(seconds)
                if "processor_seconds" in entry.last:
                    entry.shares.append(entry.last["processor_seconds"] / entry.last["seconds"])
        if number == 1:
            running = [e for e in running if e.median <= SLOWER * fastest(running, e.name).median]
    return [entry for entry in entries if entry.seconds], failed


def fastest(entries: list[Entry], name: str) -> Entry:
    """A contestant's best way of being asked."""
    return min((e for e in entries if e.name == name), key=lambda entry: entry.median)
