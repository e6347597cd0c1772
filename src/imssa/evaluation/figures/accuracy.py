"""Figures of accuracy: waterfall, chips, confusion."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.figures.svg import (
    BLUE,
    INK,
    ORANGE,
    VERMILLION,
    Caption,
    draw,
    percent_axis,
    short,
)
from imssa.evaluation.metrics import InstanceAccuracy, WaterfallRow
from imssa.evaluation.words import PLUS_MINUS, STAGE_NAMES, percent

Matrix = Int64[np.ndarray, "classes classes"]


def draw_waterfall(rows: Sequence[WaterfallRow], name: str = "waterfall") -> Drawing:
    """Accuracy at each stage as dots with standard errors, beside the line of software."""
    told = "; ".join(f"{STAGE_NAMES[row.stage]} {percent(row.accuracy)}" for row in rows)
    caption = Caption(name, "Accuracy from software to chip", f"{told}. Bars: standard errors.")
    return draw(caption, 0.9 + 0.31 * len(rows), partial(_paint_waterfall, rows=rows))


def _paint_waterfall(figure: Figure, rows: Sequence[WaterfallRow]) -> None:
    axes = figure.subplots()
    places = np.arange(len(rows))
    values = np.array([100 * row.accuracy for row in rows])
    errors = np.array([100 * row.standard_error for row in rows])
    percent_axis(axes, min(values - errors) / 100)
    axes.axvline(values[0], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for place, row, value, error in zip(places, rows, values, errors, strict=True):
        color = BLUE if row.chips == 1 else VERMILLION
        ends = ([values[0], value], [place, place])
        axes.plot(*ends, color=color, linewidth=4, alpha=0.35, solid_capstyle="butt")
        axes.errorbar(
            value, place, xerr=error, fmt="o", color=color, markersize=5, capsize=3, elinewidth=1.2
        )
    tell(axes, values, places, [_told(row) for row in rows])
    axes.set_yticks(places, [STAGE_NAMES[row.stage] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("accuracy in % (bars: standard errors)")
    _numbers_on_the_right(axes, [f"{value:.1f}" for value in values])


def _told(row: WaterfallRow) -> str:
    chips = f"mean of {row.chips} chips" if row.chips > 1 else "one network"
    error = f"{PLUS_MINUS} {percent(row.standard_error)} standard error"
    return f"{STAGE_NAMES[row.stage]}: {percent(row.accuracy)}\n{error}, {chips}"


def _numbers_on_the_right(axes: Axes, numbers: list[str]) -> None:
    for place, number in enumerate(numbers):
        axes.annotate(
            number,
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            verticalalignment="center",
            annotation_clip=False,
        )


def draw_instances(chips: Mapping[str, InstanceAccuracy], name: str = "instances") -> Drawing:
    """One dot a chip instance, one row a realization; equal accuracies are piled up."""
    told = "; ".join(
        f"{label}: mean {percent(a.mean)}, from {percent(a.min)} to {percent(a.max)}"
        for label, a in chips.items()
    )
    caption = Caption(name, "Accuracy of each chip instance", f"{told}.")
    return draw(caption, 0.7 + 0.9 * len(chips), partial(_paint_instances, chips=chips))


def _paint_instances(figure: Figure, chips: Mapping[str, InstanceAccuracy]) -> None:
    axes = figure.subplots()
    percent_axis(axes, min(a.min for a in chips.values()))
    for place, part in enumerate(chips.values()):
        values = np.round(100 * np.array(part.per_instance), 6)
        heights = piled(values)
        spacing = min(0.07, 0.75 / max(1.0, heights.max()))
        base = place + 0.35
        mean = 100 * part.mean
        axes.plot([mean, mean], [base + 0.06, base - 0.75], color=ORANGE, linewidth=1.8)
        axes.plot(
            values,
            base - spacing * heights,
            linestyle="none",
            marker="o",
            markersize=3.2,
            color=BLUE,
            markeredgewidth=0,
            alpha=0.85,
        )
        words = [f"chip {number}: {value:.1f} %" for number, value in enumerate(values)]
        tell(axes, values, base - spacing * heights, words)
    axes.set_yticks(np.arange(len(chips)), [short(label) for label in chips])
    axes.set_ylim(len(chips) - 0.5, -0.5)
    axes.set_xlabel("accuracy in % (one dot a chip; line: mean)")
    _numbers_on_the_right(axes, [f"{100 * part.mean:.1f}" for part in chips.values()])


def piled(values: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """How many equal values stand before each.

    Example:
        >>> piled(np.array([3.0, 1.0, 3.0, 3.0])).tolist()
        [0, 0, 1, 2]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.searchsorted(ordered, ordered, side="left")
    heights = np.empty(len(values), np.int64)
    heights[order] = np.arange(len(values)) - first
    return heights


def draw_confusion(
    counts: Matrix, class_names: Sequence[str], title: str, name: str = "confusion"
) -> Drawing:
    """Share of each true class that was answered as each class, in per cent of its row."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right = percent(float(np.trace(counts) / max(counts.sum(), 1)))
    caption = Caption(
        name, title, f"{right} of {counts.sum()} answers are right; rows are true classes."
    )
    height = 1.0 + min(3.3, 0.62 * len(class_names) + 0.3)
    paint = partial(_paint_confusion, shares=shares, counts=counts, class_names=class_names)
    return draw(caption, height, paint)


def _paint_confusion(
    figure: Figure,
    shares: Float64[np.ndarray, "classes classes"],
    counts: Matrix,
    class_names: Sequence[str],
) -> None:
    axes = figure.subplots()
    places = np.arange(len(class_names))
    axes.pcolormesh(
        places, places, shares, cmap="Blues", vmin=0, vmax=1, edgecolors=INK, linewidth=0.3
    )
    small = len(class_names) > 5
    for row, column in np.ndindex(shares.shape):
        share = shares[row, column]
        text = f"{100 * share:.0f}" if small else f"{100 * share:.1f}"
        color = "white" if share > 0.55 else "black"
        size = 8.5 if small else 11
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=size)
    rows, answers = (axis.ravel() for axis in np.indices(shares.shape))
    words = [
        f"{class_names[row]}, answered {class_names[answer]}:\n{counts[row, answer]} of "
        f"{counts[row].sum()} ({percent(float(shares[row, answer]))})"
        for row, answer in zip(rows.tolist(), answers.tolist(), strict=True)
    ]
    tell(axes, answers, rows, words)
    names = [short(name) for name in class_names]
    axes.set_xticks(places, names, rotation=45 if small else 0)
    axes.set_yticks(places, names)
    axes.set_ylim(len(class_names) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("answered")
    axes.set_ylabel("true class")
