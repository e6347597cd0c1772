"""What a page's script is told about a figure: where its lines and points are, and in which words.

The figure is complete without it. Places are shares of the figure's width and height, so that they
hold at any size.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

MOST_POINTS: Final = 4000
"""Of one axes; a figure with more is not told of, to keep pages small."""


@dataclass(frozen=True)
class _Points:
    """Points of an axes with words; they go when their series is switched off."""

    axes: Axes
    x: Any
    y: Any
    words: Sequence[str]
    series: str | None


Told = list[_Points]
_TOLD: "WeakKeyDictionary[Any, Told]" = WeakKeyDictionary()


def tell(axes: Axes, x: Any, y: Any, words: Sequence[str], series: str | None = None) -> None:
    """Says in words what stands at points of an axes, for readers who rest on them.

    Args:
        axes: Of a figure that ``draw`` paints.
        x: In data units, one a point.
        y: In data units.
        words: One text a point.
        series: Label of the line that they belong to; None: of none.
    """
    found = _TOLD.setdefault(axes.get_figure(root=True), [])
    at, up = (np.atleast_1d(values).astype(float) for values in (x, y))
    found.append(_Points(axes, at, up, words, series))


def forget(figure: Figure) -> None:
    """Lets go of what was told of a figure that no page shows."""
    _TOLD.pop(figure, None)


def label_series(figure: Figure) -> list[str]:
    """Marks labelled lines and their bars, so that they can be switched off; gives the names in order."""
    names: list[str] = []
    number = 0
    for axes in figure.axes:
        for name, parts in _labelled(axes):
            if name not in names:
                names.append(name)
            for part in parts:
                part.set_gid(f"series-{names.index(name)}-{number}")
                number += 1
    return names


def _labelled(axes: Axes) -> Iterator[tuple[str, list[Artist]]]:
    """Labels with what is drawn for them: the line first, then its error bars."""
    for line in axes.get_lines():
        if not str(line.get_label()).startswith("_"):
            yield str(line.get_label()), [line]
    for bars in axes.containers:
        if isinstance(bars, ErrorbarContainer) and not str(bars.get_label()).startswith("_"):
            line, caps, lines = bars.lines
            yield str(bars.get_label()), [line, *caps, *lines]


def hover_data(figure: Figure, names: list[str]) -> str:
    """The lines and told points of a painted figure as JSON; empty where there are none.

    Args:
        figure: After it was laid out.
        names: Of ``label_series``.
    """
    told = _TOLD.pop(figure, [])
    parts = []
    for axes in figure.axes:
        part = _of_axes(axes, [entry for entry in told if entry.axes is axes], names)
        if part is not None:
            parts.append(part)
    if not parts:
        return ""
    return json.dumps({"series": names, "axes": parts}, separators=(",", ":"), allow_nan=False)


def _of_axes(axes: Axes, told: Told, names: list[str]) -> dict[str, Any] | None:
    lines = [
        _series(axes, parts[0], names.index(name))
        for name, parts in _labelled(axes)
        if isinstance(parts[0], Line2D) and _is_curve(parts[0])
    ]
    points = [
        [*_place(axes, x, y), words, *_numbered(entry.series, names)]
        for entry in told
        for x, y, words in zip(entry.x, entry.y, entry.words, strict=True)
        if np.isfinite(x) and np.isfinite(y)
    ]
    count = len(points) + sum(len(line["at"]) for line in lines)
    if not 0 < count <= MOST_POINTS:
        return None
    box = axes.get_position()
    part: dict[str, Any] = {"box": _rounded([box.x0, 1 - box.y1, box.x1, 1 - box.y0])}
    if lines:
        part |= {"lines": lines, "x": axes.get_xlabel()}
    if points:
        part["points"] = points
    return part


def _numbered(series: str | None, names: list[str]) -> list[int]:
    return [names.index(series)] if series in names else []


def _is_curve(line: Line2D) -> bool:
    """Whether a line joins several places from left to right."""
    x = np.asarray(line.get_xdata(), float)
    return len(x) > 2 and line.get_linestyle() != "None" and bool(np.all(np.diff(x) > 0))


def _series(axes: Axes, line: Line2D, number: int) -> dict[str, Any]:
    """One curve: its places, and its values to four digits."""
    x, y = (np.asarray(v, float) for v in (line.get_xdata(), line.get_ydata()))
    kept = np.isfinite(x) & np.isfinite(y)
    places = [_place(axes, a, b) for a, b in zip(x[kept], y[kept], strict=True)]
    return {
        "name": number,
        "at": places,
        "x": [float(f"{v:.4g}") for v in x[kept]],
        "y": [float(f"{v:.4g}") for v in y[kept]],
    }


def _place(axes: Axes, x: float, y: float) -> list[float]:
    """Shares of the figure's width and height, from the upper left."""
    at = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    box = axes.get_position()
    return _rounded([box.x0 + at[0] * box.width, 1 - (box.y0 + at[1] * box.height)])


def _rounded(values: list[Any]) -> list[float]:
    return [round(float(value), 4) for value in values]
