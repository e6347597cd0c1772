"""The cost model: from a program to energy, time and area, beside a digital chip and a processor."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from imssa.cost.analog import Read, read_energy
from imssa.cost.area import (
    chip_area,
    chip_idle_watt,
    digital_area,
    digital_idle_watt,
    store_of,
)
from imssa.cost.break_even import CONTROL, break_even, with_control
from imssa.cost.devices import Conductances
from imssa.cost.digital import array_weight_bits, digital_step, priced
from imssa.cost.drives import Drives, assumed_drives
from imssa.cost.prices import Prices
from imssa.cost.processor import ProcessorCost
from imssa.cost.ranges import Number, Parts, added
from imssa.cost.reads import reads_of
from imssa.cost.report import CostReport, Design
from imssa.cost.settings import Settings
from imssa.cost.timing import digital_seconds, step_seconds
from imssa.cost.verdict import verdict
from imssa.cost.work import conversion_work, work_of_all
from imssa.errors import RecipeError
from imssa.program.program import Program

ON_CHIP: Final = "analog chip"


def cost_of(
    program: Program,
    *,
    drives: Drives | None = None,
    conductances: Sequence[Conductances] | None = None,
    rate_hertz: Number | None = None,
    steps: int | None = None,
    settings: Settings | None = None,
    processor: ProcessorCost | None = None,
) -> CostReport:
    """Energy, time and area of a program, each as a range and by part.

    Args:
        program: The program.
        drives: How hard word lines are driven (`measured_drives`); None: assumed.
        conductances: Of each array, as a chip reads them back; None: what is expected of them.
        rate_hertz: Time steps a second; None: as the program's front end makes them.
        steps: Time steps of a sequence; None: the longest that the program takes.
        settings: Of the periphery, which no chip description holds; other constants too.
        processor: What the network takes on a processor; None: left out.

    Raises:
        RecipeError: No rate is given, and the program's front end has none; or one below zero.
        ShapeError: Conductances that are not those of the program's arrays.
    """
    own = settings or Settings()
    prices = own.prices
    heard = drives or assumed_drives(program)
    reads = reads_of(program, heard, conductances)
    report = CostReport(
        chip=_on_chip(program, reads, prices, own),
        digital=_on_digital(program, prices, own, packed=False),
        packed=_on_digital(program, prices, own, packed=True),
        processor=processor,
        break_even=break_even(program, reads, prices),
        rate_hertz=_rate(program, rate_hertz),
        steps=steps or program.max_length,
        assumptions=_assumptions(heard, conductances, own, program),
        settings=own.to_dict(),
    )
    return replace(report, verdict=verdict(report))


def _on_chip(
    program: Program, reads: tuple[Read, ...], prices: Prices, settings: Settings
) -> Design:
    combined = [work for phase in program.phases for work in conversion_work(phase, program)]
    work = [*work_of_all(program.step, program), *combined]
    step = added(*(read_energy(read, prices) for read in reads), priced(work, prices))
    return Design(
        name=ON_CHIP,
        step_joule=with_control(step, prices),
        once_joule=_once(program, prices),
        step_seconds=step_seconds(program, prices, settings),
        area=chip_area(program, prices, settings),
        idle_watt=chip_idle_watt(program, prices, settings),
    )


def _on_digital(program: Program, prices: Prices, settings: Settings, *, packed: bool) -> Design:
    store, bits = store_of(program), array_weight_bits(program)
    memory_bytes = store.registers + (store.packed if packed else store.int8)
    return Design(
        name=f"digital chip, {bits}-bit weights" if packed else "digital chip, int8",
        step_joule=with_control(priced(digital_step(program, packed=packed), prices), prices),
        once_joule=_once(program, prices),
        step_seconds=digital_seconds(program, prices, settings),
        area=digital_area(memory_bytes, prices, settings),
        idle_watt=digital_idle_watt(memory_bytes, prices, settings),
    )


def _once(program: Program, prices: Prices) -> Parts:
    """What runs at the start and the end of a sequence."""
    work = work_of_all((*program.start, *program.end), program)
    return with_control(priced(work, prices), prices)


def _rate(program: Program, given: Number | None) -> float:
    front_end: dict[str, Any] = program.preparation.get("front_end") or {}
    hops = [front_end.get(key) for key in ("hop_seconds", "bin_seconds")]
    hop = next((one for one in hops if one and given is None), None)
    rate = 1.0 / hop if hop else given
    if rate is None or not 0 < rate < float("inf"):
        raise RecipeError(
            given=f"a rate of {given} steps a second",
            rule="power and real time need a positive rate, and the program's front end has none"
            if given is None
            else "a rate is positive",
            remedy="Give the time steps a second.",
        )
    return float(rate)


def _assumptions(
    drives: Drives,
    conductances: Sequence[Conductances] | None,
    settings: Settings,
    program: Program,
) -> dict[str, str]:
    technology, known = settings.technology, program.chip.phase_seconds
    return {
        "line voltages": drives.origin,
        "conductances": "as read back"
        if conductances is not None
        else "targets, off state and stuck rates of the description; wires lessen no current",
        "read time": "assumed" if known is None else f"{known:g} s a phase (chip description)",
        "periphery": f"{technology.node_nm:g} nm at {technology.volt:g} V, one ADC for "
        f"{settings.pairs_per_adc} pairs, {settings.lanes} arithmetic lanes",
        CONTROL: "a share of all energy but that of the current through devices",
        "idle": "converters and lanes from switched off to leaking, memory keeps its content, "
        "arrays take nothing",
        "digital chip": "diagonal A by its modes, weights from SRAM at each step, the rest of the digital "
        "work as on the analog chip",
    }
