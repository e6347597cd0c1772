"""Further figures of a study's page: maps over two axes, clouds of a search, accuracy against a cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from imssa.evaluation.figures import svg
from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import tell
from imssa.evaluation.words import percent
from imssa.study.config import Label
from imssa.study.figure import mean_in_words
from imssa.study.naming import is_number, place_in_words, short_names, value_in_words
from imssa.study.summary import Mean, Place

DARK: Final = 0.55
"""Share of the colour scale from which numbers in cells are white."""

MOST_NUMBERS: Final = 9
"""Columns of a map up to which its cells hold numbers."""

Grid = Float64[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Map:
    """Means over two axes.

    Attributes:
        rows: Name of the axis from top to bottom.
        columns: Name of the axis from left to right.
        points: Mean by (row, column).
    """

    rows: str
    columns: str
    points: dict[Place, Mean]

    def values(self, place: int) -> list[Label]:
        """The values of one axis (0: rows, 1: columns), in order."""
        return sorted({point[place] for point in self.points}, key=lambda v: (str(type(v)), v))

    def grid(self) -> Grid:
        """Accuracies in per cent; NaN where nothing was measured."""
        rows, columns = self.values(0), self.values(1)
        found = [[self.points.get((row, column)) for column in columns] for row in rows]
        return np.array([[np.nan if m is None else 100 * m.mean for m in row] for row in found])


def draw_map(shown: Map, title: str, name: str, ends: tuple[float, float]) -> Drawing:
    """A map of accuracies over two axes.

    Args:
        shown: The means.
        title: Of what.
        name: Prefix of the figure's ids.
        ends: Lowest and highest accuracy of the colours, in per cent.
    """
    grid = shown.grid()
    told = f"Accuracy from {np.nanmin(grid):.1f} to {np.nanmax(grid):.1f} %."
    caption = svg.Caption(name, title, told)
    height = 1.0 + min(3.6, 0.34 * len(grid))
    return svg.draw(caption, height, partial(_paint_map, shown=shown, title=title, ends=ends))


def _paint_map(figure: Figure, shown: Map, title: str, ends: tuple[float, float]) -> None:
    axes, grid = figure.subplots(), shown.grid()
    names = short_names([shown.rows, shown.columns])
    rows, columns = shown.values(0), shown.values(1)
    low, high = ends[0], max(ends[1], ends[0] + 1e-9)
    places = np.arange(len(columns)), np.arange(len(rows))
    axes.pcolormesh(
        *places,
        np.ma.masked_invalid(grid),
        cmap="Blues",
        vmin=low,
        vmax=high,
        edgecolors=svg.INK,
        linewidth=0.3,
    )
    if len(columns) <= MOST_NUMBERS:
        _write_numbers(axes, grid, (grid - low) / (high - low))
    for row, column in np.argwhere(np.isfinite(grid)):
        place = {shown.rows: rows[row], shown.columns: columns[column]}
        mean = shown.points[tuple(place.values())]
        tell(axes, column, row, [f"{place_in_words(place, names)}:\n{mean_in_words(mean)}"])
    for axis, values, name in (
        (axes.xaxis, columns, shown.columns),
        (axes.yaxis, rows, shown.rows),
    ):
        axis.set_ticks(np.arange(len(values)), [svg.short(value_in_words(name, v)) for v in values])
        axis.set_label_text(svg.short(names[name]))
    axes.set_title(svg.plain(title), loc="left")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _write_numbers(axes: Axes, grid: Grid, share: Grid) -> None:
    for row, column in np.argwhere(np.isfinite(grid)):
        color = "white" if share[row, column] > DARK else "black"
        words = f"{grid[row, column]:.1f}"
        axes.text(column, row, words, ha="center", va="center", color=color, fontsize=9)


def draw_cloud(
    column: str,
    measures: Mapping[str, Mapping[Place, Mean]],
    columns: Sequence[str],
    name: str,
    *,
    log: bool,
) -> Drawing:
    """Accuracy of all points of a search over one of its axes.

    Args:
        column: The axis.
        measures: Means by place, by measure.
        columns: All axes, in the order of a place.
        name: Prefix of the figure's ids.
        log: Whether the axis is logarithmic.
    """
    title = f"Accuracy of each point over {short_names(columns)[column]}"
    means = [100 * mean.mean for found in measures.values() for mean in found.values()]
    told = f"{len(means)} values from {min(means):.1f} to {max(means):.1f} %."
    paint = partial(_paint_cloud, column=column, measures=measures, columns=columns, log=log)
    return svg.draw(svg.Caption(name, title, told), 2.6, paint)


def _paint_cloud(
    figure: Figure,
    column: str,
    measures: Mapping[str, Mapping[Place, Mean]],
    columns: Sequence[str],
    *,
    log: bool,
) -> None:
    axes, names = figure.subplots(), short_names(columns)
    place = list(columns).index(column)
    ticks = list(dict.fromkeys(p[place] for found in measures.values() for p in found))
    numeric = all(map(is_number, ticks))
    for number, (measure, found) in enumerate(measures.items()):
        at = [float(p[place]) if numeric else float(ticks.index(p[place])) for p in found]
        share = [100 * mean.mean for mean in found.values()]
        axes.errorbar(
            at,
            share,
            yerr=[100 * mean.standard_error for mean in found.values()],
            fmt=("o", "s", "^", "D")[number % 4],
            color=(svg.BLUE, svg.VERMILLION, svg.GREEN, svg.ORANGE)[number % 4],
            markersize=4,
            elinewidth=0.8,
            label=measure,
        )
        words = [
            f"{measure}, {place_in_words(dict(zip(columns, p, strict=True)), names)}:\n"
            f"{mean_in_words(mean)}"
            for p, mean in found.items()
        ]
        tell(axes, at, share, words, measure)
    if not numeric:
        axes.set_xticks(np.arange(len(ticks)), [svg.short(str(t)) for t in ticks])
        axes.set_xlim(-0.5, len(ticks) - 0.5)
    elif log:
        svg.log_axis(axes)
    elif all(float(tick) % 1 == 0 for tick in ticks):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_xlabel(svg.plain(names[column]))
    axes.set_ylabel("accuracy in %")
    axes.grid(visible=True)
    if len(measures) > 1:
        figure.legend(loc="outside lower center", ncols=3)


@dataclass(frozen=True)
class Trade:
    """Points by cost and accuracy.

    Attributes:
        label: The cost with its unit.
        measure: The accuracy.
        columns: Axes, in the order of a place.
        points: Cost and accuracy by place.
        front: Places that no other beats, by rising cost.
    """

    label: str
    measure: str
    columns: Sequence[str]
    points: Mapping[Place, tuple[float, Mean]]
    front: Sequence[Place]

    def words(self, place: Place) -> str:
        """A point in words."""
        cost, mean = self.points[place]
        at = place_in_words(dict(zip(self.columns, place, strict=True)), short_names(self.columns))
        return f"{at}:\n{percent(mean.mean)} for {cost:.3g} ({self.label})"


def draw_trade(trade: Trade, name: str) -> Drawing:
    """Accuracy against a cost, with the front of the points that no other beats.

    Args:
        trade: The points.
        name: Prefix of the figure's ids.
    """
    told = "; ".join(trade.words(place).replace("\n", " ") for place in trade.front)
    caption = svg.Caption(
        name, f"{trade.measure}: accuracy against {trade.label}", f"Front: {told}."
    )
    return svg.draw(caption, 3.2, partial(_paint_trade, trade=trade))


def _paint_trade(figure: Figure, trade: Trade) -> None:
    axes = figure.subplots()
    beaten = [place for place in trade.points if place not in set(trade.front)]
    for places, label, color, look in (
        (beaten, "beaten by another", svg.GREY, "o"),
        (trade.front, "front: beaten by none", svg.BLUE, "s-"),
    ):
        if not places:
            continue
        costs = [trade.points[place][0] for place in places]
        shares = [100 * trade.points[place][1].mean for place in places]
        bars = [100 * trade.points[place][1].standard_error for place in places]
        axes.errorbar(
            *(costs, shares, bars),
            fmt=look,
            color=color,
            markersize=4.5,
            elinewidth=0.8,
            label=label,
        )
        tell(axes, costs, shares, [trade.words(place) for place in places], label)
    costs = [cost for cost, _ in trade.points.values()]
    if min(costs) > 0 and max(costs) > 10 * min(costs):
        svg.log_axis(axes)
    axes.set_xlabel(svg.plain(trade.label))
    axes.set_ylabel("accuracy in %")
    axes.grid(visible=True)
    figure.legend(loc="outside lower center", ncols=2)
