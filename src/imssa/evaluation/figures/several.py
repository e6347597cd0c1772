"""The figure of several runs: their waterfalls over each other."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.figures.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Caption,
    draw,
    percent_axis,
    short,
)
from imssa.evaluation.metrics import WaterfallRow
from imssa.evaluation.words import PLUS_MINUS, STAGE_NAMES, percent

LOOKS: Final = (
    (BLUE, "o"),
    (VERMILLION, "s"),
    (GREEN, "^"),
    (PURPLE, "D"),
    (ORANGE, "v"),
    (SKY, "P"),
    (GREY, "X"),
)
"""Colour and mark of each run, so that they are told apart without colour too."""

Waterfalls = Mapping[str, Sequence[WaterfallRow]]


def draw_waterfalls(waterfalls: Waterfalls, name: str = "waterfalls") -> Drawing:
    """Accuracy at each stage of several runs, with standard errors.

    Args:
        waterfalls: Rows by the label of the run.
        name: Prefix of the figure's ids.
    """
    told = "; ".join(
        f"{label}: "
        + ", ".join(f"{STAGE_NAMES[row.stage]} {percent(row.accuracy)}" for row in rows)
        for label, rows in waterfalls.items()
    )
    stages = max(len(rows) for rows in waterfalls.values())
    height = 1.0 + stages * (0.26 + 0.1 * len(waterfalls))
    caption = Caption(name, "Accuracy from software to chip, run by run", f"{told}.")
    return draw(caption, height, partial(_paint, waterfalls=waterfalls))


def _paint(figure: Figure, waterfalls: Waterfalls) -> None:
    axes = figure.subplots()
    stages = list(dict.fromkeys(row.stage for rows in waterfalls.values() for row in rows))
    ends = [r.accuracy - r.standard_error for rows in waterfalls.values() for r in rows]
    percent_axis(axes, min(ends))
    offsets = np.linspace(-0.26, 0.26, len(waterfalls)) if len(waterfalls) > 1 else np.zeros(1)
    for number, (label, rows) in enumerate(waterfalls.items()):
        color, marker = LOOKS[number % len(LOOKS)]
        places = np.array([stages.index(row.stage) for row in rows]) + offsets[number]
        values = np.array([100 * row.accuracy for row in rows])
        errors = np.array([100 * row.standard_error for row in rows])
        axes.errorbar(
            values,
            places,
            xerr=errors,
            fmt=marker,
            color=color,
            markersize=5,
            elinewidth=1.1,
            label=short(label),
        )
        words = [
            f"{label}, {STAGE_NAMES[row.stage]}:\n{percent(row.accuracy)} {PLUS_MINUS} "
            f"{percent(row.standard_error)} standard error"
            for row in rows
        ]
        tell(axes, values, places, words, short(label))
    axes.set_yticks(np.arange(len(stages)), [STAGE_NAMES[stage] for stage in stages])
    axes.set_ylim(len(stages) - 0.5, -0.5)
    axes.set_xlabel("accuracy in % (lines: standard errors)")
    figure.legend(loc="outside upper left", ncols=min(len(waterfalls), 3))
