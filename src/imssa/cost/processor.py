"""The same network on this machine's processor: measured time, and energy where it is told."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from imssa.cost.constants import Constants
from imssa.cost.ranges import Range

COUNTER: Final = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
"""Energy of the first processor package, where the kernel lets us read it."""


@dataclass(frozen=True)
class ProcessorCost:
    """What a time step takes on a processor.

    Attributes:
        step_seconds: Median over rounds, one core.
        step_joule: Energy of a step.
        origin: In words: measured, or time times an assumed power.
    """

    step_seconds: float
    step_joule: Range
    origin: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "step_seconds": self.step_seconds,
            "step_joule": self.step_joule.to_dict(),
            "origin": self.origin,
        }


def measure_processor(
    run: Callable[[], object],
    steps: int,
    constants: Constants,
    *,
    rounds: int = 7,
    counter: Path = COUNTER,
) -> ProcessorCost:
    """Time and energy of a step of anything that runs some steps at a call.

    Energy is that of the whole package, idle parts included, where the kernel's counter can be read;
    else time times the range of power that ``processor_core`` assumes.

    Args:
        run: Runs ``steps`` time steps; called once before it is measured.
        steps: How many these are.
        constants: For the assumed power.
        rounds: Calls that are measured.
        counter: File of the energy counter in microjoules.
    """
    run()
    seconds, joules = list[float](), list[float]()
    for _ in range(rounds):
        before, start = _joule(counter), time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / steps)
        after = _joule(counter)
        if before is not None and after is not None and after >= before:
            joules.append((after - before) / steps)
    step = median(seconds)
    if joules and median(joules) > 0:
        return ProcessorCost(step, Range.of(median(joules)), "measured by RAPL, whole package")
    watt = constants.processor_core.range
    words = f"assumed: one core takes {watt.low:g} to {watt.high:g} W"
    return ProcessorCost(step, watt * step, words)


def _joule(counter: Path) -> float | None:
    try:
        return 1e-6 * int(counter.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
