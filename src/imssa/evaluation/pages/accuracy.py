"""Sections of accuracy: the waterfall, realizations and chips, which class is taken for which."""

from collections.abc import Callable
from typing import Final

import numpy as np

from imssa.evaluation.figures import draw_confusion, draw_instances, draw_waterfall
from imssa.evaluation.metrics import FURTHER_STAGES, Stage, WaterfallRow, unseen_error_bound
from imssa.evaluation.pages.material import Material, ordered
from imssa.evaluation.pages.sections import (
    Cell,
    Figure,
    Section,
    Table,
    columns,
    data_table,
    numbers,
    words,
)
from imssa.evaluation.report import RealizationReport, Report
from imssa.evaluation.words import (
    STAGE_MEANINGS,
    STAGE_NAMES,
    grouped,
    points,
)

NEGLIGIBLE = 0.005
ERRORS: Final[tuple[Stage, ...]] = ("programming_error", "read_noise", "stuck_devices")


def waterfall_section(material: Material) -> Section:
    """Accuracy at each stage between software and chip."""
    report = material.report
    notes = [
        (
            "Standard errors (s.e.) are over recordings and, where there are several, over chips (two-way "
            "random model); recordings count as independent of each other, also where one speaker made "
            "several."
        )
    ]
    if any(row.accuracy == 1 for row in report.waterfall):
        bound = 100 * unseen_error_bound(report.test_items)
        notes.append(
            f"Where no error was seen, the standard error is 0, but {report.test_items} recordings "
            f"without an error still allow a true error rate of up to {bound:.1f} % (95 % confidence)."
        )
    figure = Figure(
        "waterfall",
        draw_waterfall(report.waterfall),
        f"Blue: one deterministic network. Orange-red: mean over chip "
        f"instances, as many as the table says. Dashed: software. {report.test_items} recordings. Each error stands alone on the ideal chip; "
        f"\N{LEFT DOUBLE QUOTATION MARK}{STAGE_NAMES['all']}\N{RIGHT DOUBLE QUOTATION MARK} has all "
        "of them.",
    )
    return Section(
        "accuracy",
        "Where the accuracy goes",
        reading=waterfall_reading(report),
        figures=(figure,),
        tables=(_waterfall_table(report),),
        notes=tuple(notes),
    )


def waterfall_reading(report: Report) -> str:
    """Where the accuracy goes, in a sentence or two."""
    rows = {row.stage: row for row in report.waterfall}
    first, last = rows["software"].accuracy, rows["all"].accuracy
    integers = first - rows["quantized"].accuracy
    errors = {stage: rows["quantized"].accuracy - rows[stage].accuracy for stage in ERRORS}
    worst = max(errors, key=lambda stage: errors[stage])
    if first - last < NEGLIGIBLE:
        told = "From software to the chip with all its errors nothing worth naming is lost"
    else:
        told = (
            f"Of {100 * (first - last):.1f} points between software and chip, small integers take "
            f"{_plain(integers)}"
        )
        if errors[worst] >= NEGLIGIBLE:
            told += f"; of the chip's errors {STAGE_NAMES[worst]} alone cost most ({_plain(errors[worst])})"
    further = [rows[stage] for stage in FURTHER_STAGES if stage in rows]
    if further:
        of_chips = report.accuracy.chip.per_instance
        gains = {r.stage: r.accuracy - sum(of_chips[: r.chips]) / r.chips for r in further}
        best = max(further, key=lambda row: gains[row.stage])
        gain = gains[best.stage]
        if abs(gain) >= NEGLIGIBLE:
            verb = "gains" if gain > 0 else "loses"
            told += f"; {STAGE_NAMES[best.stage]} it {verb} {_plain(abs(gain))}"
    return f"{told}."


def _plain(share: float) -> str:
    return points(share).removeprefix("+")


def _waterfall_table(report: Report) -> Table:
    first = report.waterfall[0].accuracy

    def note(row: WaterfallRow) -> str:
        strength = report.effects.get(row.stage)
        return STAGE_MEANINGS[row.stage] + (f" Here: {strength}." if strength else "")

    rows = [
        (
            words(STAGE_NAMES[row.stage], note(row)),
            Cell(100 * row.accuracy, f"{100 * row.accuracy:.1f}"),
            Cell(100 * row.standard_error, f"{100 * row.standard_error:.1f}"),
            Cell(100 * (row.accuracy - first), points(row.accuracy - first)),
            Cell(row.chips, str(row.chips)),
        )
        for row in report.waterfall
    ]
    headings = columns("Stage", "Accuracy, %", "s.e., %", "To software, points", "Chips")
    caption = f"Accuracy at each stage, {report.test_items} recordings"
    return Table("waterfall", caption, headings, tuple(rows))


def chips_section(material: Material) -> Section:
    """The realizations, and the spread from chip to chip."""
    report = material.report
    parts = ordered(report.realizations, (report.realization,))
    chips = {name: part.accuracy.chip for name, part in parts.items()}
    figure = Figure(
        "instances",
        draw_instances(chips),
        f"Each dot is one of {report.chip_instances} chip instances, with all errors on, over "
        f"{report.test_items} recordings.",
    )
    each = [
        (name, number, accuracy)
        for name, chip in chips.items()
        for number, accuracy in enumerate(chip.per_instance)
    ]
    instances = data_table(
        "chip-instances", "Accuracy of each chip", ("realization", "chip", "accuracy"), each
    )
    return Section(
        "chips",
        "Realizations and chips",
        reading=_chips_reading(report),
        text=(
            (
                "The same recurrence can be run by hardware in different forms: direct holds the whole "
                "next state on the array; incremental holds only its change and keeps the state in a "
                "digital register; leaky lets that register decay by itself besides."
            ),
        ),
        figures=(figure,),
        tables=(_chips_table(report, parts), instances),
    )


def _chips_reading(report: Report) -> str:
    chip = report.accuracy.chip
    told = (
        f"From chip to chip the accuracy spreads by {100 * chip.std:.1f} points (standard deviation), "
        f"from {100 * chip.min:.1f} to {100 * chip.max:.1f} %"
    )
    others = {
        name: part.accuracy.chip.mean - chip.mean
        for name, part in report.realizations.items()
        if name != report.realization
    }
    if others:
        beside = ", ".join(f"{name} {points(gain)} points" for name, gain in others.items())
        told += f"; beside {report.realization}: {beside}"
    return f"{told}."


def _chips_table(report: Report, parts: dict[str, RealizationReport]) -> Table:
    def one(value: float) -> str:
        return f"{100 * value:.1f}"

    def row(name: str, note: str, value: Callable[[RealizationReport], float]) -> tuple[Cell, ...]:
        return (words(name, note), *numbers([value(part) for part in parts.values()], one))

    rows = [
        row("quantized", "", lambda part: part.accuracy.quantized),
        row("ideal chip", "", lambda part: part.accuracy.ideal_chip),
        row(f"mean of {report.chip_instances} chips", "", lambda part: part.accuracy.chip.mean),
        row("from chip to chip", "standard deviation", lambda part: part.accuracy.chip.std),
        row("worst chip", "", lambda part: part.accuracy.chip.min),
        row("loss to software", "points", lambda part: part.loss.mean),
        row(
            "its standard error", "over recordings and chips", lambda part: part.loss.standard_error
        ),
    ]
    compared = [part.contract.codes_compared for part in parts.values()]
    differing = [part.contract.mismatches for part in parts.values()]
    rows += [
        (words("integer codes compared"), *numbers(compared, lambda v: grouped(int(v)))),
        (words("of these differing"), *numbers(differing, lambda v: grouped(int(v)))),
    ]
    own = report.realization
    names = [
        f"{name} (the recipe\N{RIGHT SINGLE QUOTATION MARK}s own)" if name == own else name
        for name in parts
    ]
    caption = f"Accuracies in %, {report.test_items} recordings"
    return Table("realizations", caption, columns("Measure", *names), tuple(rows))


def confusion_section(material: Material) -> Section:
    """Which class is taken for which, by software and by the chips."""
    report = material.report
    kinds = (
        ("software", "Software", report.confusion.software, "Software"),
        (
            "chip",
            f"{report.chip_instances} chips, all errors on",
            report.confusion.chip,
            f"Chip with all errors on, {report.chip_instances} chips",
        ),
    )
    figures = tuple(
        Figure(
            f"confusion-{name}",
            draw_confusion(np.array(counts), report.class_names, title, f"confusion-{name}"),
            f"{told}: per cent of each true class, {report.test_items} recordings.",
        )
        for name, title, counts, told in kinds
    )
    tables = tuple(
        data_table(
            f"confusion-{name}",
            title,
            ("true class", *report.class_names),
            [(label, *row) for label, row in zip(report.class_names, counts, strict=True)],
        )
        for name, title, counts, _ in kinds
    )
    return Section(
        "confusion",
        "Which class is taken for which",
        reading=_confusion_reading(report),
        figures=figures,
        tables=tables,
    )


def _confusion_reading(report: Report) -> str:
    counts = np.array(report.confusion.chip, float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, 0.0)
    row, column = np.unravel_index(int(share.argmax()), share.shape)
    if share[row, column] == 0.0:
        return "On the chips no class is ever taken for another."
    names = report.class_names
    quoted = [
        f"\N{LEFT DOUBLE QUOTATION MARK}{names[i]}\N{RIGHT DOUBLE QUOTATION MARK}"
        for i in (row, column)
    ]
    return (
        f"On the chips {quoted[0]} is most often mistaken, for {quoted[1]} in "
        f"{100 * share[row, column]:.1f} % of its recordings."
    )


__all__ = ["chips_section", "confusion_section", "waterfall_section"]
