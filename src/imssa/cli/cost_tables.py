"""What `imssa cost` prints."""

import math
from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

from imssa.cost import Constants, CostReport, Number, Parts, Range, total

BAR: Final = 11
"""Characters of a range's bar."""


def cost_tables(report: CostReport) -> list[Any]:
    """Energy of a step by part with bars, the designs side by side, assumptions, sentences."""
    assumed = [f"{name}: {words}" for name, words in report.assumptions.items()]
    return [
        energy_table(report),
        designs_table(report),
        "Assumed or known:\n  " + "\n  ".join(assumed),
        "\n".join(report.verdict),
    ]


def energy_table(report: CostReport) -> Table:
    """Energy of a time step by part; the digital chips' typical values beside it."""
    chip, digital, packed = report.chip, report.digital, report.packed
    bits = report.break_even.weight_bits
    table = Table(
        title="Energy of a time step in pJ",
        caption=f"bars are logarithmic; int8 and {bits}-bit: typical values of a digital chip with "
        "weights of that width",
    )
    table.add_column("part", no_wrap=True)
    for column in ("low", "typical", "high"):
        table.add_column(column, justify="right")
    table.add_column("range", no_wrap=True)
    for column in ("int8", f"{bits}-bit"):
        table.add_column(column, justify="right")
    others = (digital.step_joule, packed.step_joule)
    for name in dict.fromkeys([*chip.step_joule, *digital.step_joule]):
        table.add_row(name, *_row(chip.step_joule, name), *(_one(x.get(name)) for x in others))
    table.add_section()
    whole = {"all": total(chip.step_joule)}
    table.add_row(
        "all", *_row({**chip.step_joule, **whole}, "all"), *(_one(total(x)) for x in others)
    )
    return table


def designs_table(report: CostReport) -> Table:
    """Energy, power, time and area of every design, typical with its range."""
    designs = (report.chip, report.digital, report.packed)
    assumed = " (assumed)" if "assumed" in report.assumptions.get("rate", "") else ""
    rate = f"{report.rate_hertz:g} steps a second{assumed}"
    table = Table(title=f"{rate}, {report.steps} steps a sequence")
    table.add_column("")
    for design in designs:
        table.add_column(design.name, justify="right")
    own = report.processor
    if own is not None:
        table.add_column("this processor", justify="right")
    energy = [total(d.sequence_joule(report.steps)) for d in designs]
    rows = {
        "energy of a sequence, nJ": [_span(e, 1e9) for e in energy],
        "power at that rate, uW": [_span(d.watt(report.rate_hertz), 1e6) for d in designs],
        "of it while waiting, uW": [_span(d.idle_watt, 1e6) for d in designs],
        "time of a step, us": [_span(total(d.step_seconds), 1e6) for d in designs],
        "times real time": [_span(d.times_real_time(report.rate_hertz)) for d in designs],
        "area, mm2": [_span(total(d.area), 1e6) for d in designs],
    }
    beside = dict(_processor_cells(report))
    for name, cells in rows.items():
        table.add_row(name, *cells, *([beside.get(name, "")] if own is not None else []))
    return table


def _processor_cells(report: CostReport) -> Iterator[tuple[str, str]]:
    own = report.processor
    if own is None:
        return
    yield "energy of a sequence, nJ", _span(own.step_joule * report.steps, 1e9)
    yield "time of a step, us", _number(1e6 * own.step_seconds)
    yield "times real time", _number(1 / (own.step_seconds * report.rate_hertz))


def constants_table(constants: Constants) -> Table:
    """Every constant with its range, grade and source."""
    table = Table(
        title="Constants",
        caption="P read in the paper, C read in published code, D derived, U unverified, A assumed",
    )
    for column in ("constant", "low", "typical", "high", "unit", "grade", "source"):
        table.add_column(column)
    for name, one in constants.named().items():
        numbers = (f"{value:g}" for value in (one.low, one.typical, one.high))
        table.add_row(name, *numbers, one.unit, one.grade, one.source)
    return table


def _row(parts: Parts, name: str) -> tuple[str, str, str, str]:
    if name not in parts:
        return "", "", "", ""
    value = parts[name]
    low, typical, high = (_number(1e12 * x) for x in (value.low, value.typical, value.high))
    return low, typical, high, _bar(value, parts)


def _bar(value: Range, parts: Parts) -> str:
    """A range on a logarithmic scale from a thousandth of the largest typical value to the top."""
    top = max(part.high for part in parts.values())
    bottom = min(max(part.typical for part in parts.values()) / 1000, top / 10)
    if value.high <= 0 or bottom <= 0:
        return ""

    def place(x: Number) -> int:
        share = math.log(max(x, bottom) / bottom) / math.log(top / bottom)
        return min(BAR - 1, int(share * BAR))

    low, typical, high = place(value.low), place(value.typical), place(value.high)
    drawn = [" "] * low + ["-"] * (high - low + 1)
    drawn[typical] = "o"
    return "".join(drawn)


def _one(value: Range | None) -> str:
    return "" if value is None else _number(1e12 * value.typical)


def _span(value: Range, scale: Number = 1.0) -> str:
    """The typical value over its bounds."""
    return (
        f"{_number(scale * value.typical)}\n"
        f"{_number(scale * value.low)} - {_number(scale * value.high)}"
    )


def _number(value: Number) -> str:
    """Three digits, without an exponent up to a million.

    Example:
        >>> [_number(x) for x in (0.0, 0.0123, 1684.2, 2.5e7)]
        ['0', '0.0123', '1680', '2.5e+07']
    """
    if value and 1e3 <= value < 1e6:
        digits = 2 - math.floor(math.log10(value))
        return f"{round(value, digits):.0f}"
    return f"{value:.3g}"
