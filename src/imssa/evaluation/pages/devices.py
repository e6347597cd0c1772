"""Sections of arrays: who lives where, what devices hold, what each effect does, converters."""

from collections.abc import Iterator
from itertools import islice

from imssa.evaluation import figures as draws
from imssa.evaluation.figures.arrays import colors_of
from imssa.evaluation.figures.residents import (
    Held,
    draw_phases,
    draw_residents,
    tell_phases,
    tell_residents,
)
from imssa.evaluation.occupancy import Occupancy
from imssa.evaluation.pages.material import Material
from imssa.evaluation.pages.sections import (
    Cell,
    Figure,
    Section,
    Table,
    columns,
    numbers,
    words,
)
from imssa.evaluation.pictures import Pictures
from imssa.evaluation.words import grouped, percent
from imssa.hardware.defects import STUCK_HIGH, STUCK_LOW

SHOWN_ARRAYS = 2
MORE_ARRAYS = 4


def residents_section(material: Material) -> Section:
    """Which kernel lives on which array, in which phase, and what is not held."""
    found, program = material.occupancies, material.program
    if program is None:
        msg = "who lives where is read from a program"
        raise ValueError(msg)
    colors = colors_of(found)
    held = {
        array.array: Held(array.chip, array.defects, material.missed(array))
        for array in material.pictures.conductances
    }
    drawn = [
        Figure(
            f"residents-{one.array}",
            draw_residents(one, held.get(one.array), colors, f"residents-{one.array}"),
            tell_residents(one, held.get(one.array)),
        )
        for one in islice(found, SHOWN_ARRAYS - 1 + MORE_ARRAYS)
    ]
    phases = Figure(
        "phases", draw_phases(found, program.phases, colors), tell_phases(found, program.phases)
    )
    notes = _only_first(len(drawn), len(found))
    return Section(
        "residents",
        "Who lives where",
        reading=_residents_reading(material),
        text=(
            (
                "Numbers are kernels, each in a colour of its own. Triangles are devices that ignore "
                "writing, pointing up where stuck high and down where stuck low; a square marks a weight "
                "that its pair does not hold because of them."
            ),
        ),
        figures=(phases, *drawn[: SHOWN_ARRAYS - 1]),
        more=tuple(drawn[SHOWN_ARRAYS - 1 :]),
        tables=(_residents_table(found, held),),
        notes=notes,
    )


def _residents_reading(material: Material) -> str:
    uses = material.report.resources
    told = (
        f"{uses.kernels} kernels share {uses.arrays} array{'' if uses.arrays == 1 else 's'}, read in "
        f"{uses.mvms_per_step} phases a time step; {percent(uses.utilization)} of the devices hold a "
        "weight"
    )
    arrays = material.pictures.conductances
    if not arrays:
        return f"{told}."
    lost = sum(int(material.missed(array).sum()) for array in arrays)
    return (
        f"{told}. On {arrays[0].chip} stuck devices keep {grouped(lost)} weights from being held."
    )


def _residents_table(found: tuple[Occupancy, ...], held: dict[int, Held]) -> Table:
    rows = []
    for one in found:
        part = held.get(one.array)
        stuck: list[int | None] = [None, None, None]
        if part is not None:
            stuck = [int((part.defects == kind).sum()) for kind in (STUCK_HIGH, STUCK_LOW)]
            stuck.append(int(part.missed.sum()))
        counts = [one.kernels, one.word_lines_used, one.pairs_used]
        rows.append(
            (
                words(f"array {one.array}", ", ".join(one.parts)),
                *numbers(counts, lambda v: grouped(int(v))),
                Cell(100 * one.utilization, f"{100 * one.utilization:.1f}"),
                *numbers(stuck, lambda v: grouped(int(v))),
            )
        )
    headings = columns(
        "Array",
        "Kernels",
        "Word lines",
        "Pairs",
        "Cells inhabited, %",
        "Stuck high",
        "Stuck low",
        "Weights not held",
    )
    return Table("arrays", "Arrays one by one", headings, tuple(rows), folded=len(rows) > 6)


def conductances_section(pictures: Pictures) -> Section:
    """Target and actual conductance of every device."""
    shown = pictures.conductances[: SHOWN_ARRAYS + MORE_ARRAYS]
    drawn = tuple(
        Figure(
            f"conductance-{array.array}",
            draws.draw_conductance(array, f"conductance-{array.array}"),
            draws.tell_conductance(array),
        )
        for array in shown
    )
    stuck = sum(int((array.defects != 0).sum()) for array in pictures.conductances)
    devices = sum(array.defects.size for array in pictures.conductances)
    return Section(
        "conductances",
        "What the arrays hold",
        reading=(
            f"{grouped(stuck)} of {grouped(devices)} devices ({percent(stuck / devices)}) ignore writing "
            f"on {pictures.conductances[0].chip}; the others come near their targets."
        ),
        text=(
            (
                "Conductances in microsiemens (\N{MICRO SIGN}S) of every device, word lines by bit lines. A "
                "weight is the difference of two neighbouring bit lines. Grey targets are cells that are "
                "never written."
            ),
        ),
        figures=drawn[:SHOWN_ARRAYS],
        more=drawn[SHOWN_ARRAYS:],
        notes=_only_first(len(drawn), len(pictures.conductances)),
    )


def _only_first(shown: int, total: int) -> tuple[str, ...]:
    if shown == total:
        return ()
    return (f"The first {shown} of {total} arrays are drawn.",)


def effects_section(pictures: Pictures) -> Section:
    """What each effect of the chip does, with reasons for what is not drawn."""
    return Section(
        "effects",
        "What each effect of the chip does",
        reading="Measured on the simulated chip, beside the law that its description states.",
        figures=tuple(_effects(pictures)),
        text=("Not drawn:",) if pictures.skipped else (),
        items=tuple(f"{part.picture}: {part.reason}." for part in pictures.skipped),
    )


def _effects(pictures: Pictures) -> Iterator[Figure]:
    if pictures.writing is not None and pictures.conductances:
        written = (pictures.conductances, pictures.writing)
        told = draws.tell_actual_against_target(*written)
        yield Figure("written", draws.draw_actual_against_target(*written), told)
        told = draws.tell_programming_error(*written)
        yield Figure("error", draws.draw_programming_error(*written), told)
    if pictures.reads is not None:
        drawing = draws.draw_read_noise(pictures.reads)
        yield Figure("reads", drawing, draws.tell_read_noise(pictures.reads))
    if pictures.ir_drop is not None:
        drawing = draws.draw_ir_drop(pictures.ir_drop)
        yield Figure("ir-drop", drawing, draws.tell_ir_drop(pictures.ir_drop))


def converters_section(pictures: Pictures) -> Section:
    """How DACs and ADCs are used."""
    uses = pictures.converters
    worst = max(uses, key=lambda use: use.at_the_end)
    rows = [
        (
            words(f"{use.converter}, {use.words}", f"register {use.register}, {use.bits} bits"),
            Cell(use.conversions, grouped(use.conversions)),
            Cell(100 * use.zero, f"{100 * use.zero:.1f}"),
            Cell(100 * use.at_the_end, f"{100 * use.at_the_end:.2f}"),
        )
        for use in uses
    ]
    headings = columns("Converter", "Codes looked at", "Zero, %", "At the end, %")
    return Section(
        "converters",
        "How the converters are used",
        reading=(
            f"At most {percent(worst.at_the_end, 2)} of codes stand at the end of a converter's range, "
            f"where larger values are clipped ({worst.converter} of {worst.words})."
        ),
        figures=(
            Figure(
                "converters",
                draws.draw_converters(uses),
                "Share of codes by magnitude, per cent of the range, logarithmic; chip 0 with all errors "
                "on.",
            ),
        ),
        tables=(Table("converters", "Codes of each converter", headings, tuple(rows)),),
    )
