"""Figures of what the chip computes: traces of states, poles."""

from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.evaluation.figures.svg import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    VERMILLION,
    Caption,
    draw,
    short,
)
from imssa.evaluation.pictures import KernelTrace, Poles

SHOWN_STATES: Final = 8
Samples = Float64[np.ndarray, " steps"]


def draw_trace(trace: KernelTrace, name: str = "trace") -> str:
    """States and output of one kernel over time, two runs over each other."""
    error = np.sqrt(np.mean((trace.chip_output - trace.float_output) ** 2))
    states = trace.float_states.shape[1]
    shown = min(SHOWN_STATES, states)
    caption = Caption(
        name,
        f"Output and states of {trace.kernel}",
        f"{trace.float_label} and {trace.chip_label} ({trace.chip}) over {len(trace.steps)} time "
        f"steps of {trace.sequence}; the outputs differ by {error:.3g} {trace.unit} (root mean "
        f"square). {shown} of {states} states are shown.",
    )
    rows = (shown + 1) // 2
    return draw(caption, 2.1 + 1.0 * rows, partial(_paint_trace, trace=trace, shown=shown))


def _paint_trace(figure: Figure, trace: KernelTrace, shown: int) -> None:
    rows = (shown + 1) // 2
    grid = figure.add_gridspec(1 + rows, 2, height_ratios=[1.6] + [1.0] * rows)
    top = figure.add_subplot(grid[0, :])
    _two_runs(top, trace, trace.float_output, trace.chip_output)
    top.set_title(f"output in {short(trace.unit)}", loc="left")
    figure.legend(handles=top.get_lines()[:2], loc="outside upper right", ncols=2)
    for state in range(shown):
        panel = figure.add_subplot(grid[1 + state // 2, state % 2])
        _two_runs(panel, trace, trace.float_states[:, state], trace.chip_states[:, state])
        panel.set_title(f"state {state}", loc="left", fontsize=9, pad=2)
        panel.tick_params(labelsize=8.5, labelbottom=state >= shown - 2)
        if state >= shown - 2:
            panel.set_xlabel("time step")


def _two_runs(axes: Axes, trace: KernelTrace, reference: Samples, chip: Samples) -> None:
    axes.plot(trace.steps, reference, color=BLUE, linewidth=1.7, label=short(trace.float_label))
    dashes = (0, (3, 1.2))
    label = short(trace.chip_label)
    axes.plot(trace.steps, chip, color=ORANGE, linewidth=1.2, linestyle=dashes, label=label)
    axes.axhline(0, color=INK, linewidth=0.5, alpha=FAINT)
    axes.locator_params(axis="y", nbins=4)


def draw_poles(poles: Poles, name: str = "poles") -> str:
    """Poles of all modes in the complex plane, float and quantized."""
    slowest = [float(np.abs(p).max()) for p in (poles.float_poles, poles.quantized_poles)]
    caption = Caption(
        name,
        "Poles of all modes",
        f"{len(poles.float_poles)} float poles up to magnitude {slowest[0]:.4f} and "
        f"{len(poles.quantized_poles)} quantized ones ({poles.realization}) up to {slowest[1]:.4f}; "
        "inside the unit circle a mode is stable.",
    )
    return draw(caption, 3.6, partial(_paint_poles, poles=poles))


def _paint_poles(figure: Figure, poles: Poles) -> None:
    axes = figure.subplots()
    both = np.concatenate([poles.float_poles, poles.quantized_poles])
    turn = np.linspace(-np.pi, np.pi, 721)
    axes.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=0.8)
    for values, marker, color, label in (
        (poles.float_poles, "o", BLUE, "float"),
        (poles.quantized_poles, "x", VERMILLION, f"quantized, {short(poles.realization)}"),
    ):
        axes.plot(
            values.real,
            values.imag,
            linestyle="none",
            marker=marker,
            markersize=4.5,
            markerfacecolor="none",
            color=color,
            markeredgewidth=1.0,
            label=label,
        )
    margin = 0.08 * max(np.ptp(both.real), np.ptp(both.imag), 0.05)
    axes.set_xlim(both.real.min() - margin, max(both.real.max(), 1.0) + margin)
    axes.set_ylim(both.imag.min() - margin, both.imag.max() + margin)
    axes.grid(visible=True)
    axes.set_xlabel("real part (line: unit circle)")
    axes.set_ylabel("imaginary part")
    figure.legend(handles=axes.get_lines()[1:], loc="outside upper center", ncols=2)
