"""Figures of who lives where: the kernels of each array, its phases, and what it does not hold."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Int8
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from imssa.evaluation.figures.arrays import put_number
from imssa.evaluation.figures.devices import MARKS
from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.figures.svg import INK, Caption, draw
from imssa.evaluation.occupancy import CROSSING, FREE, Inhabitant, Occupancy
from imssa.evaluation.words import grouped, percent
from imssa.program.operations import Phase

MOST_PANELS: Final = 24
PALE: Final = 0.3
ACROSS: Final = 4
NEVER_WRITTEN: Final = (0.5, 0.5, 0.5, 0.13)
BETWEEN: Final = (0.5, 0.5, 0.5, 0.42)
"""Half clear, so that they suit light and dark ground."""
Colors = Mapping[Inhabitant, Any]


class Held(NamedTuple):
    """What one chip makes of an array.

    Attributes:
        chip: Which chip, in words.
        defects: +1 stuck high, -1 stuck low, -2 open, 0 sound.
        missed: Pairs whose weight the chip does not hold.
    """

    chip: str
    defects: Int8[np.ndarray, "word_lines bit_lines"]
    missed: Bool[np.ndarray, "word_lines pairs"]


def tell_residents(one: Occupancy, held: Held | None) -> str:
    """What ``draw_residents`` shows, in sentences with the numbers."""
    kernels = f"{one.kernels} kernel{'' if one.kernels == 1 else 's'}"
    lines, pairs = one.owner.shape
    told = (
        f"Array {one.array}: {', '.join((kernels, *one.parts))} on {one.word_lines_used} of {lines} "
        f"word lines and {one.pairs_used} of {pairs} pairs, {percent(one.utilization)} of the cells."
    )
    if held is None:
        return told
    stuck = [f"{int((held.defects == kind).sum())} {name}" for kind, _, _, name in MARKS]
    return (
        f"{told} {held.chip}: {', '.join(stuck)}; {grouped(int(held.missed.sum()))} weights are not "
        "held."
    )


def draw_residents(
    one: Occupancy, held: Held | None, colors: Colors, name: str = "residents"
) -> Drawing:
    """Who lives on an array, with its stuck devices and the weights that it does not hold.

    Args:
        one: The array.
        held: What one chip makes of it; None: not known.
        colors: Of each inhabitant.
        name: Prefix of the figure's ids.
    """
    caption = Caption(name, f"Who lives on array {one.array}", tell_residents(one, held))
    return draw(caption, 4.4, partial(_paint_residents, one=one, held=held, colors=colors))


def _paint_residents(figure: Figure, one: Occupancy, held: Held | None, colors: Colors) -> None:
    axes = figure.subplots()
    _owners(axes, one, colors, None)
    lines, pairs = one.owner.shape
    for number, inhabitant in enumerate(one.inhabitants):
        put_number(axes, one.owner == number, inhabitant, 9.0)
    axes.set_xlabel("bit line (two make a pair)")
    axes.set_ylabel("word line")
    axes.set_aspect(min(1.0, 2 * pairs / lines) if lines else "auto")
    handles: list[Any] = []
    if held is not None:
        _marks(axes, held, size=min(1.0, max(64.0 / lines, 0.3)))
        handles += [_legible(line) for line in axes.get_legend_handles_labels()[0]]
    for value, color, label in (
        (CROSSING, BETWEEN, "between two: held at zero"),
        (FREE, NEVER_WRITTEN, "never written"),
    ):
        if (one.owner == value).any():
            handles.append(Patch(facecolor=color, edgecolor=INK, linewidth=0.4, label=label))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _legible(line: Any) -> Line2D:
    """The same mark in the page's own ink, since a legend stands on the page and not on a map."""
    copy = Line2D([], [], linestyle="none", label=line.get_label())
    copy.update_from(line)
    if line.get_markeredgewidth() > 0.5:
        copy.set(markeredgecolor=INK, path_effects=[])
    return copy


def _owners(
    axes: Axes, one: Occupancy, colors: Colors, active: Bool[np.ndarray, "lines pairs"] | None
) -> None:
    """Cells in the colours of their owners; what is not active is pale."""
    table = [BETWEEN, NEVER_WRITTEN, *(to_rgba(colors[i]) for i in one.inhabitants)]
    shown = ListedColormap(table)(one.owner - CROSSING)
    if active is not None:
        shown[~active & (one.owner != FREE), 3] *= PALE
    lines, pairs = one.owner.shape
    axes.imshow(shown, interpolation="none", extent=(0, 2 * pairs, lines, 0), aspect="auto")
    axes.set_xlim(0, 2 * pairs)
    axes.set_ylim(lines, 0)


def _marks(axes: Axes, held: Held, size: float) -> None:
    """Stuck devices by shape and colour, and a ring around each weight that is not held."""
    for kind, marker, color, label in MARKS:
        rows, columns = np.nonzero(held.defects == kind)
        if len(rows):
            text = f"{label}: {len(rows)}"
            axes.plot(columns + 0.5, rows + 0.5, marker, color=color, label=text)
            edge = {"markeredgecolor": "black", "markeredgewidth": 0.35}
            axes.get_lines()[-1].set(markersize=4.2 * size, **edge)
            tell(axes, columns + 0.5, rows + 0.5, _where(rows, columns, f"{label}, bit line"))
    rows, pairs = np.nonzero(held.missed)
    if len(rows):
        label = f"weight not held: {len(rows)}"
        axes.plot(2 * pairs + 1.0, rows + 0.5, linestyle="none", marker="s", label=label, color="k")
        axes.get_lines()[-1].set(
            markerfacecolor="none",
            markeredgewidth=0.9,
            markersize=6.4 * size,
            path_effects=[withStroke(linewidth=2.4, foreground="white")],
        )
        tell(axes, 2 * pairs + 1.0, rows + 0.5, _where(rows, pairs, "weight not held, pair"))


def _where(rows: Any, columns: Any, what: str) -> list[str]:
    return [f"{what} {c}, word line {r}" for r, c in zip(rows, columns, strict=True)]


def tell_phases(found: Sequence[Occupancy], phases: Sequence[Phase]) -> str:
    """What ``draw_phases`` shows, in a sentence with the numbers."""
    shown = min(len(phases), MOST_PANELS)
    rest = f" (the first {shown} are drawn)" if shown < len(phases) else ""
    return (
        f"{len(phases)} reads (phases) of a time step on {len(found)} array"
        f"{'' if len(found) == 1 else 's'}{rest}: a colour a kernel, pale what the phase neither "
        "drives nor reads."
    )


def draw_phases(
    found: Sequence[Occupancy], phases: Sequence[Phase], colors: Colors, name: str = "phases"
) -> Drawing:
    """Each phase of a time step: the lines that it drives and reads, in their owners' colours."""
    caption = Caption(name, "Phases of a time step", tell_phases(found, phases))
    shown = phases[:MOST_PANELS]
    across = min(ACROSS, max(len(shown), 2))
    down = -(-len(shown) // across)
    paint = partial(_paint_phases, found=found, phases=shown, colors=colors, across=across)
    return draw(caption, max(1.2, 4.3 / across * down * 1.12), paint)


def _paint_phases(
    figure: Figure,
    found: Sequence[Occupancy],
    phases: Sequence[Phase],
    colors: Colors,
    across: int,
) -> None:
    down = -(-len(phases) // across)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for number, (axes, phase) in enumerate(zip(panels, phases, strict=False)):
        one = found[phase.array]
        active = np.zeros(one.owner.shape, bool)
        active[np.ix_(phase.word_lines, phase.pairs)] = True
        _owners(axes, one, colors, active)
        axes.set_title(f"{number}: array {phase.array}", fontsize=8.5, pad=3)
        tell(axes, one.owner.shape[1], one.owner.shape[0] / 2, [_told(number, phase)])
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_visible(bool(axes.images))


def _told(number: int, phase: Phase) -> str:
    return (
        f"phase {number}, array {phase.array}:\ndrives {len(phase.word_lines)} word lines, reads "
        f"{len(phase.pairs)} pairs"
    )
