"""Figure of the IR drop: voltages and currents everywhere in one array."""

from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.svg import BLUE, INK, Caption, draw
from imssa.evaluation.pictures import IrDrop
from imssa.evaluation.words import MICROAMPERE, percent

MILLI: Final = 1e-3
MICRO: Final = 1e-6
LARGE: Final = 0.1
"""Of the largest current: a line with less, where signs cancel, has no telling loss."""


def tell_ir_drop(drop: IrDrop) -> str:
    """What ``draw_ir_drop`` shows, in sentences with the numbers."""
    large = np.abs(drop.ideal_ampere) >= LARGE * np.abs(drop.ideal_ampere).max(initial=0.0)
    loss = drop.loss[large & ~np.isnan(drop.loss)]
    each = f"; a bit line from {percent(loss.min())} to {percent(loss.max())}" if loss.size else ""
    ideal = float(np.abs(drop.ideal_ampere).sum())
    lost = float(np.abs(drop.ideal_ampere - drop.output_ampere).sum()) / ideal if ideal else 0.0
    return (
        f"Array {drop.array}, {drop.chip}, {drop.drive}: {_drive(drop)}; {drop.wires}. Word lines fall by up to "
        f"{_largest_fall(drop) / MILLI:.1f} mV, bit lines rise to "
        f"{np.abs(drop.bit_line_volt).max() / MILLI:.1f} mV; a device carries up to "
        f"{np.abs(drop.device_ampere).max() / MICRO:.1f} {MICROAMPERE}. Against ideal wires the "
        f"bit lines that are read lose {percent(lost)} of their current{each} (those of at least "
        f"{percent(LARGE)} of the largest current)."
    )


def _drive(drop: IrDrop) -> str:
    driven = drop.drive_volt != 0.0
    count, lines = int(driven.sum()), len(driven)
    if not count:
        return "no word line driven"
    low, high = drop.drive_volt[driven].min(), drop.drive_volt[driven].max()
    volt = f"{low:.3g} V" if low == high else f"{low:.3g} to {high:.3g} V"
    return f"{'all' if count == lines else f'{count} of'} {lines} word lines at {volt}"


def _largest_fall(drop: IrDrop) -> float:
    """Largest difference between a driver and its word line, in volt."""
    return float(_fall(drop).max())


def _fall(drop: IrDrop) -> Float64[np.ndarray, "word_lines bit_lines"]:
    """Difference between each driver and its word line, in volt; 0 on lines without a drive."""
    driven = (drop.drive_volt != 0.0)[:, None]
    return np.asarray(np.abs(drop.drive_volt[:, None] - drop.word_line_volt) * driven)


def draw_ir_drop(drop: IrDrop, name: str = "ir-drop") -> Drawing:
    """Maps of falls, voltages and devices' currents, and what comes out of each bit line.

    Args:
        drop: From :func:`imssa.evaluation.effects.ir_drop`.
        name: Prefix of the figure's ids.
    """
    caption = Caption(name, f"IR drop in array {drop.array}", tell_ir_drop(drop))
    return draw(caption, 6.0, partial(_paint, drop=drop))


def _paint(figure: Figure, drop: IrDrop) -> None:
    grid = figure.add_gridspec(2, 2)
    panels = [figure.add_subplot(grid[place // 2, place % 2]) for place in range(4)]
    word, bit, device, output = panels
    _map(figure, word, _fall(drop) / MILLI, "fall from the driver in mV")
    _map(figure, bit, drop.bit_line_volt / MILLI, "bit-line voltage in mV")
    _map(figure, device, drop.device_ampere / MICRO, f"device current in {MICROAMPERE}")
    _outputs(output, drop)
    figure.legend(handles=output.get_lines()[1:], loc="outside lower right", ncols=2)
    for panel in panels:
        panel.tick_params(labelsize=8.5)


def _outputs(axes: Axes, drop: IrDrop) -> None:
    """Currents of the bit lines that are read, with ideal wires and with these."""
    read = ~np.isnan(drop.loss)
    place = np.arange(len(read))[read] + 0.5
    axes.axhline(0, color=INK, linewidth=0.6)
    for values, style in (
        (drop.ideal_ampere, {"label": "ideal wires", "markerfacecolor": "none", "color": INK}),
        (drop.output_ampere, {"label": "these wires", "color": BLUE, "markeredgewidth": 0}),
    ):
        axes.plot(place, values[read] / MICRO, linestyle="none", marker="o", markersize=3, **style)
    axes.set_title(f"bit-line current in {MICROAMPERE}", fontsize=9, pad=6)
    axes.set_xlabel("bit line")
    axes.set_xlim(0, len(read))
    axes.grid(visible=True, axis="y")


def _map(
    figure: Figure, axes: Axes, values: Float64[np.ndarray, "word_lines bit_lines"], title: str
) -> None:
    mesh = axes.pcolormesh(values, cmap=colormaps["cividis"], rasterized=True)
    axes.invert_yaxis()
    axes.set_xlabel("bit line")
    axes.set_ylabel("word line")
    bar = figure.colorbar(mesh, ax=axes, location="top", aspect=22)
    bar.set_label(title, fontsize=9)
    bar.ax.tick_params(labelsize=8.5)
    bar.ax.locator_params(nbins=4)
