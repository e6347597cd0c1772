"""The figure of a study: accuracy with standard errors along an axis, one line for each other value."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from imssa.errors import StudyError
from imssa.evaluation.figures import svg
from imssa.evaluation.words import percent
from imssa.program.files import write_atomically
from imssa.study.config import Label
from imssa.study.definition import Study
from imssa.study.summary import Mean, Place, means
from imssa.study.table import Table

COLOURS: Final = (
    *(svg.BLUE, svg.VERMILLION, svg.GREEN, svg.ORANGE, svg.PURPLE, svg.SKY, svg.GREY, svg.INK),
)
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")


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


def layout_of(study: Study) -> Layout:
    """The layout that a study asks for, with what it leaves out filled in."""
    wanted, names = study.config.figure, study.columns
    measures = wanted.measures or study.config.measure.accuracies
    x = wanted.x or next(_left_for_x(study))
    free = [n for n in names if n not in (x, wanted.panels)]
    lines = wanted.lines
    if lines is None:
        lines = (*free[:1], *(["measure"] if len(measures) > 1 else []))
    panels = wanted.panels or next((n for n in free if n not in lines), None)
    if len(measures) > 1 and "measure" not in (x, *lines, panels):
        lines = (*lines, "measure")  # different measures have no common mean
    return Layout(x, tuple(lines), panels)


def _left_for_x(study: Study) -> Iterator[str]:
    wanted = study.config.figure
    taken = (*(wanted.lines or ()), wanted.panels)
    return (name for name in study.columns if name not in taken)


def curves_of(study: Study, table: Table) -> Curves:
    """What the figure of a study shows.

    Raises:
        StudyError: Nothing was measured yet.
    """
    layout, wanted = layout_of(study), study.config.figure.measures
    rows = [row for row in table if wanted is None or row["measure"] in wanted]
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
    drawn = {"svg": draw_study(study, curves).encode(), "pdf": _pdf(study, curves)}
    files = []
    for kind, content in {**drawn, "csv": points_as_csv(curves).encode()}.items():
        path = folder / f"{study.config.name}.{kind}"
        write_atomically(path, content)
        files.append(path)
    return tuple(files)


def draw_study(study: Study, curves: Curves) -> str:
    """The figure as SVG text."""
    caption = svg.Caption(
        study.config.name.replace(".", "-"), study.config.question, tell_study(curves)
    )
    return svg.draw(caption, _height(curves), lambda figure: _paint(figure, study, curves))


def tell_study(curves: Curves) -> str:
    """The figure in words: each line by its ends."""
    told = []
    for panel in curves.panels():
        for line, points in curves.lines(panel).items():
            (first, a), (last, b) = points[0], points[-1]
            name = _named(curves.layout, line, panel)
            told.append(f"{name}: {percent(a.mean)} at {first}, {percent(b.mean)} at {last}")
    return f"Accuracy along {curves.layout.x}. {'; '.join(told)}. Bars: standard errors."


def points_as_csv(curves: Curves) -> str:
    """The points of the figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*curves.layout.names, "mean", "standard_error", "chips", "points"])
    for place, mean in curves.points.items():
        writer.writerow([*place, *vars(mean).values()])
    return text.getvalue()


def _named(layout: Layout, line: Place, panel: Label | None) -> str:
    words = [
        f"{_short(n)} {v}" if n != "measure" else str(v)
        for n, v in zip(layout.lines, line, strict=True)
    ]
    return ", ".join([*([f"{panel}"] if panel is not None else []), *words]) or "all"


def _short(name: str) -> str:
    """A key's last word: axes are long names in a narrow figure."""
    return name.rsplit(".", 1)[-1].replace("_", " ")


def _height(curves: Curves) -> float:
    lines = max(len(curves.lines(panel)) for panel in curves.panels())
    return 0.5 + 2.3 * len(curves.panels()) + 0.19 * -(-lines // 2)


def _pdf(study: Study, curves: Curves) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.style.context(["default", svg.STYLE]):
        size = (svg.WIDTH_INCHES, _height(curves))
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasPdf(figure)
        _paint(figure, study, curves)
        nothing = {"CreationDate": None, "Creator": None, "Producer": None}
        figure.savefig(buffer, format="pdf", metadata=nothing)
    return buffer.getvalue()


def _paint(figure: Figure, study: Study, curves: Curves) -> None:
    panels = curves.panels()
    grid = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid[:, 0], panels, strict=True):
        _paint_panel(axes, study, curves, panel)
        if panel is not None:
            axes.set_title(svg.short(f"{_short(str(curves.layout.panels))} {panel}"), loc="left")
    settings = study.config.figure
    grid[-1, 0].set_xlabel(svg.plain(settings.x_label or _short(curves.layout.x)))
    handles, labels = grid[0, 0].get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside lower center", ncols=2)


def _paint_panel(axes: Axes, study: Study, curves: Curves, panel: Label | None) -> None:
    ticks: list[Label] = list(dict.fromkeys(p[-1] for p in curves.points))
    numeric = all(isinstance(t, int | float) and not isinstance(t, bool) for t in ticks)
    for number, (line, points) in enumerate(curves.lines(panel).items()):
        at = [
            float(x) * study.config.figure.scale if numeric else ticks.index(x) for x, _ in points
        ]
        _paint_line(
            axes, number, at, [mean for _, mean in points], _named(curves.layout, line, None)
        )
    if not numeric:
        axes.set_xticks(np.arange(len(ticks)), [svg.short(str(t)) for t in ticks])
    axes.set_ylabel("accuracy in %")
    axes.grid(visible=True)


def _paint_line(axes: Axes, number: int, at: Sequence[Any], points: list[Mean], name: str) -> None:
    order = np.argsort(at, kind="stable")
    axes.errorbar(
        np.array(at)[order],
        np.array([100 * p.mean for p in points])[order],
        yerr=np.array([100 * p.standard_error for p in points])[order],
        color=COLOURS[number % len(COLOURS)],
        marker=MARKERS[number % len(MARKERS)],
        linestyle=("-", "--", ":")[number // len(COLOURS) % 3],
        markersize=4,
        capsize=2.5,
        elinewidth=1.0,
        label=svg.plain(name),
    )
