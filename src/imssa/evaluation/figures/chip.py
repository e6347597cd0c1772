"""Figures of what the chip computes: traces of states, impulse responses, poles."""

from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.figures.svg import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    VERMILLION,
    Caption,
    draw,
    short,
)
from imssa.evaluation.pictures import ImpulseResponses, KernelTrace, Poles
from imssa.evaluation.words import PLUS_MINUS

SHOWN_STATES: Final = 8
NOTHING: Final = 1e-9
"""Smaller values are what floating-point sums leave of zero."""
FARTHEST_POLE: Final = 1.5
PLOT_WIDTH: Final = 3.6
"""Inches that labels leave of a figure's width."""
BEYOND: Final = 10.0
"""A response that misses by more is unstable, and its number says nothing more."""
Samples = Float64[np.ndarray, " steps"]


def draw_trace(trace: KernelTrace, name: str = "trace") -> Drawing:
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
    reference, chip = (np.where(np.abs(run) < NOTHING, 0.0, run) for run in (reference, chip))
    axes.plot(trace.steps, reference, color=BLUE, linewidth=1.7, label=short(trace.float_label))
    dashes = (0, (3, 1.2))
    label = short(trace.chip_label)
    axes.plot(trace.steps, chip, color=ORANGE, linewidth=1.2, linestyle=dashes, label=label)
    axes.axhline(0, color=INK, linewidth=0.5, alpha=FAINT)
    axes.locator_params(axis="y", nbins=4)


def draw_poles(poles: Poles, name: str = "poles") -> Drawing:
    """Poles of all modes in the complex plane: float, quantized, and on one chip."""
    caption = Caption(name, "Poles of all modes", tell_poles(poles))
    every = [
        p for p in (poles.float_poles, poles.quantized_poles, poles.chip_poles) if p is not None
    ]
    across, up = _reach(np.concatenate(every))
    height = 1.0 + min(3.0, PLOT_WIDTH * (up[1] - up[0]) / (across[1] - across[0]))
    return draw(caption, height, partial(_paint_poles, poles=poles))


def tell_poles(poles: Poles) -> str:
    """What ``draw_poles`` shows, in a sentence with the numbers."""
    slowest = [float(np.abs(p).max()) for p in (poles.float_poles, poles.quantized_poles)]
    told = (
        f"{len(poles.float_poles)} float poles up to magnitude {slowest[0]:.4f} and "
        f"{len(poles.quantized_poles)} quantized ones ({poles.realization}) up to {slowest[1]:.4f}"
    )
    if poles.chip_poles is not None and len(poles.chip_poles):
        size = np.abs(poles.chip_poles)
        told += (
            f"; as {poles.chip} holds them up to {size.max():.4f}, {int((size >= 1).sum())} of "
            f"{len(size)} on or beyond the unit circle"
        )
    return f"{told}. Drawn is the upper pole of each conjugate pair; inside the unit circle a mode is stable."


def _paint_poles(figure: Figure, poles: Poles) -> None:
    axes = figure.subplots()
    turn = np.linspace(-np.pi, np.pi, 721)
    axes.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=0.8)
    axes.axhline(0.0, color=INK, linewidth=0.5, alpha=FAINT)
    kinds = [
        (poles.float_poles, "o", BLUE, "float"),
        (poles.quantized_poles, "x", VERMILLION, f"quantized, {short(poles.realization)}"),
    ]
    if poles.chip_poles is not None:
        kinds.append((poles.chip_poles, "+", GREEN, "on chip"))
    kinds = [(np.where(p.imag < 0, p.conj(), p), m, c, label) for p, m, c, label in kinds]
    for values, marker, color, label in kinds:
        axes.plot(values.real, values.imag, marker, color=color, fillstyle="none", label=label)
        axes.get_lines()[-1].set(markersize=4.6, markeredgewidth=1.0)
        tell(axes, values.real, values.imag, [_told_pole(value, label) for value in values])
    across, up = _reach(np.concatenate([values for values, *_ in kinds]))
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    axes.set_aspect("equal")
    axes.grid(visible=True)
    axes.set_xlabel("real part (line: unit circle)")
    axes.set_ylabel("imaginary part")
    figure.legend(handles=axes.get_lines()[2:], loc="outside upper center", ncols=len(kinds))


def _reach(every: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of both axes, with room for all poles; far beyond the unit circle none is followed."""
    near = every[np.abs(every) <= FARTHEST_POLE]
    real, imag = near.real, np.abs(near.imag)
    margin = 0.05 * max(np.ptp(real), imag.max(), 0.05)
    left, right = min(real.min(), 0.9) - margin, max(real.max(), 1.0) + margin
    return (float(left), float(right)), (float(-margin), float(imag.max() + margin))


def _told_pole(pole: complex, label: str) -> str:
    return (
        f"{label}: {pole.real:.4f} {PLUS_MINUS} {abs(pole.imag):.4f}i\nmagnitude {abs(pole):.4f}, "
        f"{np.degrees(np.angle(pole)):.1f}\N{DEGREE SIGN} a step"
    )


def tell_response(response: ImpulseResponses) -> str:
    """What ``draw_response`` shows, in a sentence with the numbers."""
    return (
        f"{response.kernel}, number {response.rank} of {response.kernels} by how well "
        f"{response.chip} holds it: the chip's response misses that of the integer network by "
        f"{_share(response.chip_error)} of its norm. Shapes in floats and integers agree by "
        f"{response.likeness:.2f} (1: the same)."
    )


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if value < BEYOND else f"more than {BEYOND:.0f} times"


def draw_response(response: ImpulseResponses, name: str = "response") -> Drawing:
    """What a kernel answers to an impulse: in floats, in integers, on a chip."""
    caption = Caption(name, f"Impulse response of {response.kernel}", tell_response(response))
    return draw(caption, 2.6, partial(_paint_response, response=response))


def _paint_response(figure: Figure, response: ImpulseResponses) -> None:
    axes = figure.subplots()
    axes.axhline(0, color=INK, linewidth=0.5, alpha=FAINT)
    for values, color, dashes, label in (
        (response.software, BLUE, "-", "float"),
        (response.quantized, ORANGE, (0, (4, 1.2)), "quantized"),
        (response.on_chip, GREEN, (0, (1.2, 1.0)), "on chip"),
    ):
        axes.plot(response.steps, values, color=color, linestyle=dashes, lw=1.6, label=label)
    largest = max(np.abs(response.software).max(), np.abs(response.quantized).max(), 1e-12)
    axes.set_ylim(-1.5 * largest, 1.5 * largest)
    axes.set_title(response.kernel, loc="left")
    axes.set_xlabel("time step after the impulse")
    axes.set_ylabel("output, float units")
    figure.legend(handles=axes.get_lines()[1:], loc="outside lower center", ncols=3)
