"""What the numbers say, in sentences computed from them."""

from imssa.cost.ranges import Number, Range, total
from imssa.cost.report import BreakEven, CostReport

IDLE_COUNTS = 0.1
"""Share of the power from which idle power is spoken of."""


def verdict(report: CostReport) -> tuple[str, ...]:
    """Where analog pays and where not, and whether the chip keeps up."""
    found = [
        *_kernels(report.break_even),
        _maps(report.break_even),
        _whole(report),
        _idle(report),
        _real_time(report),
        *_processor(report),
    ]
    return tuple(found)


def span(value: Range, scale: Number = 1.0, unit: str = "") -> str:
    """A range in words: typical (low to high)."""
    return (
        f"{value.typical * scale:.3g} ({value.low * scale:.2g} to {value.high * scale:.3g})"
        f"{' ' if unit else ''}{unit}"
    )


def judged(ratio: Range) -> str:
    """Whether analog over digital below one can be relied on."""
    if ratio.high < 1:
        return "the arrays pay"
    if ratio.low > 1:
        return "the arrays do not pay"
    if ratio.typical < 1:
        return "the arrays pay with typical parts, not in every case"
    return "the arrays do not pay with typical parts, at best they do"


def _kernels(found: BreakEven) -> list[str]:
    if found.kernels_ratio is None:
        return []
    packed = found.packed_ratio or found.kernels_ratio
    wide = (
        f"Kernels: arrays take {span(found.kernels_ratio)} times the energy of int8 products with "
        f"weights from SRAM: {judged(found.kernels_ratio)}. A diagonal A leaves only "
        f"{found.macs_per_conversion:.2g} products for each conversion; both cost the same at "
        f"{span(found.macs_needed)}, and more modes a kernel change little."
    )
    own = (
        f"Against a digital chip whose weights are packed at their own {found.weight_bits} bits it is "
        f"{span(packed)} times: {judged(packed)}."
    )
    return [wide, own]


def _maps(found: BreakEven) -> str:
    best, typical, worst = (
        "beyond 1024" if size is None else f"{size} x {size}" for size in found.map_size
    )
    return (
        f"Dense maps: arrays take less than int8 from {typical} with typical parts, from {best} at best, from "
        f"{worst} at worst."
    )


def _whole(report: CostReport) -> str:
    chip, digital = report.chip.step_joule, total(report.digital.step_joule)
    ratio, packed = total(chip) / digital, total(report.packed.step_joule)
    largest = max(chip, key=lambda part: chip[part].typical)
    share = 100 * chip[largest].typical / total(chip).typical
    return (
        f"A whole step: {span(total(chip), 1e9, 'nJ')} against {span(digital, 1e9, 'nJ')} on the digital "
        f"chip in int8, {ratio.typical:.3g} times with typical parts, and {span(packed, 1e9, 'nJ')} with "
        f"packed weights; the chip's largest part is {largest}, {share:.0f} %."
    )


def _idle(report: CostReport) -> str:
    watt = report.chip.watt(report.rate_hertz)
    share = report.chip.idle_watt.typical / watt.typical if watt.typical else 0.0
    words = f"At {report.rate_hertz:g} steps a second the chip takes {span(watt, 1e6, 'uW')}"
    if share < IDLE_COUNTS:
        return f"{words}."
    other = report.digital.watt(report.rate_hertz)
    return (
        f"{words}, the digital one {span(other, 1e6, 'uW')}; {100 * share:.0f} % of the former is drawn "
        "while waiting, so switching off decides more than the arrays do."
    )


def _real_time(report: CostReport) -> str:
    times = report.chip.times_real_time(report.rate_hertz)
    keeps = "keeps up" if times.low >= 1 else "may be too slow"
    return f"It {keeps}: {span(times)} times faster than real time."


def _processor(report: CostReport) -> list[str]:
    own = report.processor
    if own is None:
        return []
    more = own.step_joule / total(report.chip.step_joule)
    seconds = total(report.chip.step_seconds)
    words = (
        f"This processor takes {1e6 * own.step_seconds:.3g} us a step (the chip {span(seconds, 1e6)} us) "
        f"and {span(more)} times the chip's energy ({own.origin})."
    )
    return [words]
