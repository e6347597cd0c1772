"""The figure of what a program costs: a bar from low to high a part."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.figures.svg import BLUE, Caption, draw, log_axis, short

Parts = Mapping[str, Mapping[str, float]]
"""By name of the part: ``low``, ``typical`` and ``high``."""


def draw_costs(parts: Parts, quantity: str, name: str = "costs") -> Drawing:
    """The range of each part on a logarithmic axis, with a mark at the typical value.

    Args:
        parts: What is drawn; a part that costs nothing is left out.
        quantity: What is counted, with its unit.
        name: Prefix of the figure's ids.
    """
    drawn = {part: found for part, found in parts.items() if found["high"] > 0.0}
    told = "; ".join(
        f"{part} {found['low']:.3g} to {found['high']:.3g}, typically {found['typical']:.3g}"
        for part, found in drawn.items()
    )
    caption = Caption(name, quantity, f"{told}.")
    return draw(caption, 0.95 + 0.33 * len(drawn), partial(_paint, parts=drawn, quantity=quantity))


def _paint(figure: Figure, parts: Parts, quantity: str) -> None:
    axes = figure.subplots()
    typical = np.array([found["typical"] for found in parts.values()])
    high = np.array([found["high"] for found in parts.values()])
    low = np.maximum([found["low"] for found in parts.values()], high.max() * 1e-9)
    places = np.arange(len(parts))
    axes.hlines(places, low, high, color=BLUE, linewidth=6, alpha=0.35)
    axes.plot(np.maximum(typical, low), places, "o", color=BLUE, markersize=5)
    words = [
        f"{part}: {found['typical']:.3g}\n{found['low']:.3g} to {found['high']:.3g}"
        for part, found in parts.items()
    ]
    tell(axes, np.maximum(typical, low), places, words)
    log_axis(axes)
    axes.set_yticks(places, [short(part) for part in parts])
    axes.set_ylim(len(parts) - 0.5, -0.5)
    figure.supxlabel(f"{quantity}\nbar: range, dot: typical", fontsize=9.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x")
