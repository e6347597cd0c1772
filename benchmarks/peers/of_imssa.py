"""This package as a contestant: whole loops and calls by chips written once, or by single MVMs."""

import hashlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from server import CALLS, Contestant, calls, repeated, serve
from work import chip_of, program_of

from imssa.crossbar.chip import ReadAddress, SimulatedChip
from imssa.crossbar.fused import ProgrammedChips
from imssa.kernels.parallel import worker_count
from imssa.kernels.random import Key

KEY = Key.root(1)


class Ours(Contestant):
    """`ProgrammedChips.run`, or `SimulatedChip.mvm` on a written chip."""

    settings = {  # noqa: RUF012
        "programming": "gaussian",
        "read_noise": "relative: one draw a pair and read, sigma grows with the input's length",
        "loop": "one call of ProgrammedChips.run, the array written before, as the others'",
        "once": "SimulatedChip.mvm and ProgrammedChips.run, the array written before",
    }

    def native(self, signal: Any, variant: str) -> Any:
        """Codes."""
        del variant
        return np.rint(signal * self.work["code_max"]).astype(np.int64)

    def tile(self, variant: str, noisy: bool) -> Callable[[Any], Any]:
        """One MVM of codes."""
        return self._fused(noisy) if variant == "fused" else self._step_by_step(noisy)

    def signal(self, output: Any) -> Any:
        """From codes."""
        return np.asarray(output / self.work["code_max"])

    def _step_by_step(self, noisy: bool) -> Callable[[Any], Any]:
        program = program_of(self.work, 1, closed=False)
        chip = SimulatedChip(chip_of(self.work, noisy=noisy), KEY)
        chip.write(0, program.arrays[0])
        phase = program.phases[0]
        return lambda codes: chip.mvm(phase, codes, ReadAddress(0, 0, np.arange(len(codes))))

    def _fused(self, noisy: bool) -> Callable[[Any], Any]:
        program, chip = program_of(self.work, 1, closed=False), chip_of(self.work, noisy=noisy)
        chips = ProgrammedChips(program, chip, KEY, np.arange(1))

        def run(codes: Any) -> Any:
            trace = chips.run(codes[:, None], np.ones(len(codes), np.int64))
            return trace.final["state"][0]

        return run

    def loop(self, job: dict[str, Any]) -> dict[str, Any]:
        """One call of one chip."""
        return self._closed(job, 1)

    def chips(self, job: dict[str, Any]) -> dict[str, Any]:
        """One call of many chips."""
        return self._closed(job, job["chips"])

    def _closed(self, job: dict[str, Any], count: int) -> dict[str, Any]:
        steps, batch = job["steps"], job["batch"]
        program, chip = program_of(self.work, steps, closed=True), chip_of(self.work)
        start = time.perf_counter()
        chips = ProgrammedChips(program, chip, KEY, np.arange(count))
        writing = time.perf_counter() - start
        lengths, inputs = np.full(batch, steps), np.zeros((batch, steps, 1), np.int64)
        found, trace = repeated(lambda: chips.run(inputs, lengths))
        codes = np.ascontiguousarray(trace.final["state"])
        spread = float(codes.std())
        digest = hashlib.sha256(codes.tobytes()).hexdigest()
        threads = min(worker_count(), batch * count)
        return {
            **found,
            "threads": threads,
            "writing": writing,
            "codes": digest,
            "spread": spread,
        }

    def once(self, job: dict[str, Any]) -> dict[str, Any]:
        """One call; the fused path shares its sequences out over all cores."""
        cores = worker_count() if job["variant"] == "fused" else 1
        return {**super().once(job), "threads": min(cores, job["batch"])}

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """As the others, and what a call costs by part."""
        return self._parts(job) if job["job"] == "parts" else super().answer(job)

    def _parts(self, job: dict[str, Any]) -> dict[str, Any]:
        """Median seconds of the parts of our calls."""
        codes = self.native(self.work["inputs"][: job["once"]], "")
        program, chip = program_of(self.work, 1, closed=False), chip_of(self.work)
        one = np.arange(1)
        found = {"writing one array": calls(lambda: ProgrammedChips(program, chip, KEY, one))}
        for name, noisy in (("", True), (", no errors", False)):
            fused, single = self._fused(noisy), self._step_by_step(noisy)
            for some in (codes[:1], codes):
                what = f"one MVM, batch {len(some)}{name}"
                found[f"{what}: fused"] = calls(lambda run=fused, x=some: run(x))  # type: ignore[misc]
                found[f"{what}: step by step"] = calls(lambda run=single, x=some: run(x))  # type: ignore[misc]
        for batch in job["loops"]:
            short, long = (self._median({"batch": batch, "steps": steps}) for steps in (1, 201))
            found[f"loop, batch {batch}: call of one step"] = short
            found[f"loop, batch {batch}: each further step"] = (long - short) / 200
        return found

    def _median(self, job: dict[str, Any]) -> float:
        return statistics.median(self._closed(job, 1)["seconds"] for _ in range(CALLS))


if __name__ == "__main__":
    serve(Ours)
