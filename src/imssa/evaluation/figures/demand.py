"""Figures of size and computational demand."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.evaluation.demand import Demand
from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Caption,
    draw,
    short,
)
from imssa.evaluation.words import KIND_NAMES, grouped

COLORS: Final[dict[str, str]] = {
    "multiplications": VERMILLION,
    "multiply_accumulates": ORANGE,
    "divisions": PURPLE,
    "additions": SKY,
    "shifts": GREEN,
    "look_ups": YELLOW,
    "activations": GREY,
    "comparisons": "#b0b0b0",
    "dac_conversions": "#8c5109",
    "adc_conversions": BLUE,
}
"""Kinds that take digital or converter work; what the arrays do by themselves is not drawn."""


def draw_operations(demand: Demand, name: str = "operations") -> Drawing:
    """Digital operations and conversions of one time step, stacked by kind."""
    forms = {"float": demand.in_floats, "quantized": demand.quantized, "chip": demand.chip}
    told = "; ".join(
        f"{form}: {', '.join(f'{count} {KIND_NAMES[k]}' for k, count in kinds.items())}"
        for form, kinds in forms.items()
    )
    caption = Caption(name, "Operations of one time step", f"{told}.")
    return draw(caption, 3.9, partial(_paint_operations, forms=forms))


def _paint_operations(figure: Figure, forms: Mapping[str, Mapping[str, int]]) -> None:
    axes = figure.subplots()
    left = np.zeros(len(forms))
    for kind, color in COLORS.items():
        weight = 2 if kind == "multiply_accumulates" else 1
        counts = np.array([weight * kinds.get(kind, 0) for kinds in forms.values()], float)
        if not counts.any():
            continue
        axes.barh(list(forms), counts, left=left, color=color, height=0.6, label=KIND_NAMES[kind])
        left += counts
    axes.invert_yaxis()
    axes.set_xlabel("operations a time step (multiply-accumulates: two)")
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.22 * max(left.max(), 1.0))
    _totals(axes, left.astype(int).tolist())
    figure.legend(
        loc="outside lower left", ncols=2, fontsize=9, handlelength=1.0, columnspacing=1.0
    )


def _totals(axes: Axes, totals: Sequence[int]) -> None:
    """Numbers behind the ends of horizontal bars."""
    axes.locator_params(axis="x", nbins=5)
    for place, total in enumerate(totals):
        axes.annotate(
            grouped(total), (total, place), (4, 0), textcoords="offset points", va="center"
        )


def draw_bytes(sizes: Mapping[str, int], name: str = "bytes") -> Drawing:
    """Bytes by what they hold."""
    told = "; ".join(f"{label} {count} bytes" for label, count in sizes.items())
    caption = Caption(name, "Size in bytes", f"{told}.")
    return draw(caption, 0.7 + 0.4 * len(sizes), partial(_paint_bytes, sizes=sizes))


def _paint_bytes(figure: Figure, sizes: Mapping[str, int]) -> None:
    axes = figure.subplots()
    axes.barh([short(label) for label in sizes], list(sizes.values()), color=BLUE, height=0.6)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.25 * max(*sizes.values(), 1))
    _totals(axes, list(sizes.values()))
    axes.set_xlabel("bytes")
