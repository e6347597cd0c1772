"""Time of a step: phases one after the other where they must be, digital work between them."""

from collections.abc import Callable, Iterable
from typing import Final

from imssa.cost.analog import busiest, mvm_seconds
from imssa.cost.digital import digital_step, operations_of
from imssa.cost.prices import Prices
from imssa.cost.ranges import Parts, Range
from imssa.cost.reads import read_of
from imssa.cost.settings import Settings
from imssa.cost.work import work_of_all
from imssa.program.operations import Phase
from imssa.program.program import Program

PHASES: Final = "phases"
DIGITAL: Final = "digital work"


def step_seconds(program: Program, prices: Prices, settings: Settings) -> Parts:
    """Time of one time step on the chip.

    Phases of different arrays run side by side unless one drives a register that another reads into;
    phases of one array take turns. Digital work waits for them and they for it; all lanes are busy.
    """
    durations = [
        mvm_seconds(read_of(phase, program), busiest(phase.pairs, settings.pairs_per_adc), prices)
        for phase in program.phases
    ]
    bounds = (
        _phases_seconds(program, [d.low for d in durations]),
        _phases_seconds(program, [d.typical for d in durations]),
        _phases_seconds(program, [d.high for d in durations]),
    )
    work = operations_of(work_of_all(program.step, program))
    return {PHASES: Range(*bounds), DIGITAL: _lanes(work, prices, settings)}


def digital_seconds(program: Program, prices: Prices, settings: Settings) -> Parts:
    """The same on a digital chip with as many lanes."""
    work = operations_of(digital_step(program))
    return {DIGITAL: _lanes(work, prices, settings)}


def _lanes(operations: int, prices: Prices, settings: Settings) -> Range:
    return prices.constants.lane_time.range * -(-operations // settings.lanes)


def _phases_seconds(program: Program, durations: list[float]) -> float:
    """Time of all phases of a step, in runs without digital work between them."""
    remaining = iter(durations)
    total, run = 0.0, list[Phase]()
    for operation in (*program.step, None):
        if isinstance(operation, Phase):
            run.append(operation)
        elif run:
            total += _run_seconds(run, lambda: next(remaining))
            run = []
    return total


def _run_seconds(run: Iterable[Phase], duration: Callable[[], float]) -> float:
    """Time of phases without digital work between them, each as soon as it may start."""
    free: dict[int, float] = {}
    ready: dict[str, float] = {}
    for phase in run:
        waited = [free.get(phase.array, 0.0), *(ready.get(name, 0.0) for name in phase.drive)]
        end = max(waited) + duration()
        free[phase.array] = end
        for name in phase.read:
            ready[name] = max(end, ready.get(name, 0.0))
    return max(free.values())
