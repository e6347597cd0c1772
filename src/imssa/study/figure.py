"""The figure of a study: accuracy with standard errors along an axis, one line for each other value."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from imssa.errors import StudyError
from imssa.evaluation.figures import svg
from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.words import PLUS_MINUS, percent
from imssa.program.files import write_atomically
from imssa.study.config import ANSWERING, COSTS, Label
from imssa.study.definition import Study
from imssa.study.front import front_of, with_cost
from imssa.study.naming import is_number, place_in_words, short_names, value_in_words
from imssa.study.summary import POOLED, Mean, Place, means
from imssa.study.table import Table

COLOURS: Final = (
    *(svg.BLUE, svg.VERMILLION, svg.GREEN, svg.ORANGE, svg.PURPLE, svg.SKY, svg.GREY, svg.INK),
)
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
DODGE: Final = 0.5
"""Width over which the lines of a named value are spread."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Which column of the results goes where.

    Attributes:
        x: Along the figure.
        lines: One line for each combination of these.
        panels: One panel for each value; None: one panel.
    """

    x: str
    lines: tuple[str, ...]
    panels: str | None

    @property
    def names(self) -> list[str]:
        """All columns, in the order of `Place`."""
        return [*([self.panels] if self.panels else []), *self.lines, self.x]


@dataclass(frozen=True)
class Curves:
    """What a figure shows.

    Attributes:
        layout: Columns.
        points: Means by value of the columns.
    """

    layout: Layout
    points: dict[Place, Mean]

    def panels(self) -> list[Label | None]:
        """The values of the panels."""
        return list(dict.fromkeys(p[0] for p in self.points)) if self.layout.panels else [None]

    def lines(self, panel: Label | None) -> dict[Place, list[tuple[Label, Mean]]]:
        """The lines of a panel: values along x with means."""
        found: dict[Place, list[tuple[Label, Mean]]] = {}
        for place, mean in self.points.items():
            own, rest = (place[0], place[1:]) if self.layout.panels else (None, place)
            if own == panel:
                found.setdefault(rest[:-1], []).append((rest[-1], mean))
        return found

    def alone(self, panel: Label | None) -> "Curves":
        """One panel as a figure of its own."""
        kept = {p: m for p, m in self.points.items() if panel is None or p[0] == panel}
        return Curves(self.layout, kept)

    @property
    def ends(self) -> Ends:
        """Lowest and highest accuracy in per cent, bars included, with some room."""
        low = min(100 * (m.mean - m.standard_error) for m in self.points.values())
        high = max(100 * (m.mean + m.standard_error) for m in self.points.values())
        room = 0.05 * max(high - low, 2.0)
        return low - room, high + room


def layout_of(study: Study) -> Layout:
    """The layout that a study asks for, with what it leaves out filled in."""
    wanted, names = study.config.figure, study.columns
    measures = wanted.measures or [m for m in study.config.measure.accuracies if m in ANSWERING]
    x = wanted.x or next(_left_for_x(study))
    free = [n for n in names if n not in (x, wanted.panels, *POOLED)]
    lines = wanted.lines
    if lines is None:
        lines = (*free[:1], *(["measure"] if len(measures) > 1 else []))
    panels = wanted.panels
    if panels is None and x not in COSTS:  # over a cost, points of all other axes stand together
        panels = next((n for n in free if n not in lines), None)
    if len(measures) > 1 and "measure" not in (x, *lines, panels):
        lines = (*lines, "measure")  # different measures have no common mean
    return Layout(x, tuple(lines), panels)


def _left_for_x(study: Study) -> Iterator[str]:
    """Axes that may be x, those that are averaged over last."""
    wanted = study.config.figure
    taken = (*(wanted.lines or ()), wanted.panels)
    left = (name for name in study.columns if name not in taken)
    return iter(sorted(left, key=lambda name: name in POOLED))


def curves_of(study: Study, table: Table) -> Curves:
    """What the figure of a study shows.

    Raises:
        StudyError: Nothing was measured yet.
    """
    layout = layout_of(study)
    chosen = study.config.figure.measures or ANSWERING
    rows = [row for row in table if row["measure"] in chosen]
    if layout.x in COSTS:
        rows = with_cost(rows, table, layout.x, study.columns)
    points = means(rows, layout.names, study.columns)
    if not points:
        raise StudyError(
            given=f"figure of study {study.config.name}",
            rule="nothing was measured yet",
            remedy="Run the study first.",
        )
    return Curves(layout, points)


def write_figure(study: Study, table: Table, folder: Path) -> tuple[Path, ...]:
    """Writes the figure as SVG and PDF, and its points as CSV; gives the files.

    Raises:
        StudyError: Nothing was measured yet.
        OutputError: They cannot be written.
    """
    curves = curves_of(study, table)
    drawing, points = draw_study(study, curves), points_as_csv(curves)
    contents = {"svg": drawing.standalone().encode(), "pdf": drawing.pdf(), "csv": points.encode()}
    files = []
    for kind, content in contents.items():
        path = folder / f"{study.config.name}.{kind}"
        write_atomically(path, content)
        files.append(path)
    return tuple(files)


def draw_study(study: Study, curves: Curves, name: str = "", ends: Ends | None = None) -> Drawing:
    """The figure, panel below panel.

    Args:
        study: The study.
        curves: What it shows.
        name: Prefix of the figure's ids; empty: the study's name.
        ends: Of the axis of accuracy in per cent; None: what the curves need.
    """
    caption = svg.Caption(
        name or study.config.name.replace(".", "-"), study.config.question, tell_study(curves)
    )
    paint = partial(_paint, study=study, curves=curves, ends=ends or curves.ends)
    return svg.draw(caption, _height(curves), paint)


def tell_study(curves: Curves) -> str:
    """The figure in words: each line by its ends."""
    if curves.layout.x in COSTS:
        return _tell_front(curves)
    told = []
    for panel in curves.panels():
        for line, points in curves.lines(panel).items():
            (first, a), (last, b) = points[0], points[-1]
            name = _named(curves.layout, line, panel)
            told.append(f"{name}: {percent(a.mean)} at {first}, {percent(b.mean)} at {last}")
    return f"Accuracy along {curves.layout.x}. {'; '.join(told)}. Bars: standard errors."


def _tell_front(curves: Curves) -> str:
    """The points that no other beats, in words."""
    unit = "J" if curves.layout.x == "energy" else "s"
    points = [(float(place[-1]), mean.mean) for place, mean in curves.points.items()]
    told = (f"{percent(accuracy)} at {cost:.3g} {unit}" for cost, accuracy in front_of(points))
    return f"Accuracy against {short_names([curves.layout.x])[curves.layout.x]} of a time step. Front: {', '.join(told)}."


def points_as_csv(curves: Curves) -> str:
    """The points of the figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*curves.layout.names, "mean", "standard_error", "chips", "points"])
    for place, mean in curves.points.items():
        writer.writerow([*place, *vars(mean).values()])
    return text.getvalue()


def _named(layout: Layout, line: Place, panel: Label | None) -> str:
    words = place_in_words(dict(zip(layout.lines, line, strict=True)), short_names(layout.names))
    if panel is None or layout.panels is None:
        return words or "all"
    return ", ".join(filter(None, [value_in_words(layout.panels, panel), words]))


def _height(curves: Curves) -> float:
    lines = max(len(curves.lines(panel)) for panel in curves.panels())
    return 0.5 + 2.3 * len(curves.panels()) + 0.19 * -(-lines // 2)


class _Line(NamedTuple):
    """One line of a panel: where it stands along x, its means, and what is said at each."""

    number: int
    name: str
    at: list[float]
    means: list[Mean]
    words: list[str]


def _paint(figure: Figure, study: Study, curves: Curves, ends: Ends) -> None:
    panels, layout = curves.panels(), curves.layout
    names = short_names(layout.names)
    grid = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid[:, 0], panels, strict=True):
        _paint_panel(axes, study, curves, panel)
        if panel is not None and layout.panels is not None:
            title = f"{names[layout.panels]} {value_in_words(layout.panels, panel)}"
            axes.set_title(svg.short(title), loc="left")
    grid[-1, 0].set_ylim(*ends)
    grid[-1, 0].set_xlabel(svg.plain(study.config.figure.x_label or names[layout.x]))
    legend: dict[str, Any] = {}  # a panel may lack some of the lines
    for axes in grid[:, 0]:
        handles, labels = axes.get_legend_handles_labels()
        legend = {**legend, **dict(zip(labels, handles, strict=True))}
    if len(legend) > 1:
        figure.legend(legend.values(), legend.keys(), loc="outside lower center", ncols=2)


def _paint_panel(axes: Axes, study: Study, curves: Curves, panel: Label | None) -> None:
    ticks: list[Label] = list(dict.fromkeys(p[-1] for p in curves.points))
    numeric, layout = all(map(is_number, ticks)), curves.layout
    found = curves.lines(panel)
    order = list(dict.fromkeys(line for p in curves.panels() for line in curves.lines(p)))
    spread = np.linspace(-DODGE / 2, DODGE / 2, len(found)) if len(found) > 1 else np.zeros(1)
    for number, (line, points) in enumerate(found.items()):
        if numeric:
            at = [float(x) * study.config.figure.scale for x, _ in points]
        else:
            at = [float(ticks.index(x) + spread[number]) for x, _ in points]
        name, means_ = svg.plain(_named(layout, line, None)), [mean for _, mean in points]
        words = [f"{name}, {_at(layout, x)}:\n{mean_in_words(mean)}" for x, mean in points]
        _paint_line(axes, _Line(order.index(line), name, at, means_, words), joined=numeric)
    if numeric and all(float(t) * study.config.figure.scale % 1 == 0 for t in ticks):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if not numeric:
        axes.set_xticks(np.arange(len(ticks)), [svg.short(str(t)) for t in ticks])
        axes.set_xlim(-0.5, len(ticks) - 0.5)
    if study.config.figure.x in COSTS:
        _paint_front(axes, study, curves, panel)
    axes.set_ylabel("accuracy in %")
    axes.grid(visible=True)


def _paint_front(axes: Axes, study: Study, curves: Curves, panel: Label | None) -> None:
    """Steps along the points that no other beats; the lines between dots mean nothing and go."""
    for container in axes.containers:
        container[0].set_linestyle("none")
    every = [point for points in curves.lines(panel).values() for point in points]
    front = front_of([(float(x), mean.mean) for x, mean in every])
    cost, accuracy = np.array(front).T
    scale = study.config.figure.scale
    axes.step(cost * scale, 100 * accuracy, where="post", color=svg.GREY, label="front", zorder=1)


def _at(layout: Layout, x: Label) -> str:
    return place_in_words({layout.x: x}, short_names(layout.names))


def mean_in_words(mean: Mean) -> str:
    """A mean with its standard error and what it is over."""
    over = f"{mean.points} points" if mean.points > 1 else f"{mean.chips} chips"
    told = f"{percent(mean.mean)} {PLUS_MINUS} {percent(mean.standard_error)} standard error"
    return told if mean.chips == 1 else f"{told}, {over}"


def _paint_line(axes: Axes, line: _Line, *, joined: bool) -> None:
    order = np.argsort(line.at, kind="stable")
    at, values, errors = (
        np.array(v, float)[order]
        for v in (
            line.at,
            [100 * m.mean for m in line.means],
            [100 * m.standard_error for m in line.means],
        )
    )
    styles = ("-", "--", ":")
    axes.errorbar(
        at,
        values,
        yerr=errors,
        color=COLOURS[line.number % len(COLOURS)],
        marker=MARKERS[line.number % len(MARKERS)],
        linestyle=styles[line.number // len(COLOURS) % 3] if joined else "none",
        markersize=4,
        capsize=2.5,
        elinewidth=1.0,
        label=line.name,
    )
    tell(axes, at, values, [line.words[n] for n in order], line.name)
