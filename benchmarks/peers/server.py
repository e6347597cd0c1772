"""What every contestant's process does: it answers jobs, one line of JSON each, until input ends.

Runs in the contestant's environment, on NumPy and the standard library alone. Signals between steps
are numbers from -1 to 1 (code / 127); `Contestant` says what a contestant has to bring.
"""

import json
import statistics
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np

MARK = "answer: "
"""Simulators print as they like; lines that start so are answers."""

INSIDE = 0.9
"""Read noise is compared where the mean is this far inside the ADC's bounds, and nothing clips."""

CALLS = 15
"""Single calls that one answer is the median of."""

WHILE = 0.3
"""Loops are walked again for so many seconds: an answer is how fast a loop is among others of its
kind, not how fast the system wakes a sleeping process's threads."""


class Contestant(ABC):
    """A simulator in its own words: one matrix-vector multiply (MVM) at a time.

    Attributes:
        work: The arrays of the work, as `work.py` makes them.
        settings: What was set in the simulator, for the record.
    """

    settings: dict[str, Any]

    def __init__(self, work: Any) -> None:
        self.work = work

    @abstractmethod
    def tile(self, variant: str, noisy: bool) -> Callable[[Any], Any]:
        """A written array: its output for an input, both in the simulator's own kind of array."""

    @abstractmethod
    def native(self, signal: Any, variant: str) -> Any:
        """A signal (batch, lines) of float32 as the simulator wants it."""

    def signal(self, output: Any) -> Any:
        """A simulator's output as an array (batch, pairs)."""
        return np.asarray(output)

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """What was measured for a job."""
        return {"loop": self.loop, "chips": self.chips, "once": self.once, "check": self.check}[
            job["job"]
        ](job)

    def loop(self, job: dict[str, Any]) -> dict[str, Any]:
        """Seconds of steps whose output is the next input; the array stands written."""
        step = self.tile(job["variant"], True)
        signal = self.native(self._start(job["batch"]), job["variant"])
        found, last = repeated(lambda: _walk(step, signal, job["steps"]))
        return {**found, "spread": float(self.signal(last).std() * self.work["code_max"])}

    def chips(self, job: dict[str, Any]) -> dict[str, Any]:
        """Seconds of writing some chips and running the loop on each."""
        signal = self.native(self._start(job["batch"]), job["variant"])
        with Watch() as watch:
            for _ in range(job["chips"]):
                _walk(self.tile(job["variant"], True), signal, job["steps"])
        return watch.found

    def once(self, job: dict[str, Any]) -> dict[str, Any]:
        """Median seconds of one call on a written array."""
        step = self.tile(job["variant"], True)
        signal = self.native(self.work["inputs"][: job["batch"]], job["variant"])
        return {"seconds": calls(lambda: step(signal))}

    def check(self, job: dict[str, Any]) -> dict[str, Any]:
        """Codes without any error, and the read noise of one input in codes."""
        inputs = self.work["inputs"]
        variant = job["variant"]
        quiet = self.signal(self.tile(variant, False)(self.native(inputs, variant)))
        same = np.repeat(inputs[:1], len(inputs), axis=0)
        noisy = self.signal(self.tile(variant, True)(self.native(same, variant)))
        largest = int(self.work["code_max"])
        inside = np.abs(noisy.mean(axis=0)) < INSIDE
        return {
            "codes": np.rint(quiet * largest).astype(int).tolist(),
            "noise": float((noisy[:, inside] * largest).std(axis=0, ddof=1).mean()),
        }

    def _start(self, batch: int) -> Any:
        return np.repeat(self.work["start"][None], batch, axis=0)


class Watch:
    """Seconds on the wall and on all processors of what is done inside."""

    def __enter__(self) -> Self:
        """Starts."""
        self.found: dict[str, float] = {}
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops."""
        stop = time.perf_counter(), time.process_time()
        wall, processors = (end - start for end, start in zip(stop, self._start, strict=True))
        self.found = {"seconds": wall, "processor_seconds": processors}


def repeated(function: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Median seconds, and what the last call gave, of calls after one that is not counted."""
    function()
    walls, processors, start = [], [], time.perf_counter()
    while not walls or time.perf_counter() - start < WHILE:
        with Watch() as watch:
            last = function()
        walls.append(watch.found["seconds"])
        processors.append(watch.found["processor_seconds"])
    share = sum(processors) / sum(walls)
    seconds = statistics.median(walls)
    return {"seconds": seconds, "processor_seconds": share * seconds}, last


def _walk(step: Callable[[Any], Any], signal: Any, steps: int) -> Any:
    for _ in range(steps):
        signal = step(signal)
    return signal


def calls(function: Callable[[], object]) -> float:
    """Median seconds of a few calls, after one that is not counted."""
    function()
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def serve(kind: Callable[[Any], Contestant]) -> None:
    """Answers jobs; arguments are the file of the work and whatever the contestant reads itself."""
    with np.load(sys.argv[1]) as file:
        contestant = kind(dict(file))
    _say({"settings": contestant.settings})
    for line in sys.stdin:
        try:
            answer = contestant.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001  # whatever a simulator throws is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    print(f"{MARK}{json.dumps(answer)}", flush=True)
