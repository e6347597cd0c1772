"""The figure of how converters are used: codes over their range."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.figures.svg import BLUE, ORANGE, Caption, draw
from imssa.evaluation.pictures import ConverterUse
from imssa.evaluation.words import grouped, percent

COLORS: Final = {"DAC": ORANGE, "ADC": BLUE}


def tell_converters(uses: Sequence[ConverterUse]) -> str:
    """What ``draw_converters`` shows, in a sentence with the numbers."""
    told = "; ".join(
        f"{use.converter} of {use.words}: {percent(use.at_the_end)} at the end of the range, "
        f"{percent(use.zero)} zero"
        for use in uses
    )
    return f"Share of codes over the range of each converter, from 0 to the largest code. {told}."


def draw_converters(uses: Sequence[ConverterUse], name: str = "converters") -> Drawing:
    """A histogram a converter: how much of its range the codes take."""
    caption = Caption(name, "Use of the converters", tell_converters(uses))
    rows = -(-len(uses) // 2)
    return draw(caption, 0.5 + 1.25 * rows, partial(_paint_converters, uses=uses))


def _paint_converters(figure: Figure, uses: Sequence[ConverterUse]) -> None:
    rows = -(-len(uses) // 2)
    panels = figure.subplots(rows, 2, squeeze=False, sharex=True).ravel()
    for axes, use in zip(panels, uses, strict=False):
        edges = np.linspace(0.0, 100.0, len(use.shares) + 1)
        heights = np.where(use.shares > 0.0, 100.0 * use.shares, np.nan)
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=COLORS[use.converter])
        middle, words = (edges[:-1] + edges[1:]) / 2, []
        for low, high, share in zip(edges[:-1], edges[1:], use.shares, strict=True):
            words.append(
                f"{low:.0f} to {high:.0f} % of the range:\n{percent(float(share))} of "
                f"{grouped(use.conversions)} codes"
            )
        tell(axes, middle, np.sqrt(np.nan_to_num(heights, nan=0.01) * 0.01), words)
        axes.set_yscale("log")
        axes.set_ylim(1e-2, 100.0)
        axes.set_yticks([0.01, 1.0, 100.0], ["0.01", "1", "100"])
        axes.minorticks_off()
        axes.set_title(f"{use.converter}: {use.words}", loc="left", fontsize=8, pad=3)
    for axes in panels[len(uses) :]:
        axes.set_visible(False)
    for axes in panels[-2:]:
        axes.set_xlabel("% of the range")
    for axes in panels[::2]:
        axes.set_ylabel("% of codes")
