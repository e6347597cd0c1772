"""What a page's script is told about a figure: where its lines and points are, and in which words.

The figure is complete without it. Places are shares of the figure's width and height, so that they
hold at any size.
"""

import json
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

MOST_POINTS: Final = 4000
"""Of one axes; a figure with more is not told of, to keep pages small."""

Told = list[tuple[Axes, Any, Any, Sequence[str]]]
_TOLD: "WeakKeyDictionary[Any, Told]" = WeakKeyDictionary()


def tell(axes: Axes, x: Any, y: Any, words: Sequence[str]) -> None:
    """Says in words what stands at points of an axes, for readers who rest on them.

    Args:
        axes: Of a figure that ``draw`` paints.
        x: In data units, one a point.
        y: In data units.
        words: One text a point.
    """
    found = _TOLD.setdefault(axes.get_figure(root=True), [])
    found.append((axes, np.atleast_1d(x).astype(float), np.atleast_1d(y).astype(float), words))


def forget(figure: Figure) -> None:
    """Lets go of what was told of a figure that no page shows."""
    _TOLD.pop(figure, None)


def label_series(figure: Figure) -> list[str]:
    """Marks labelled lines, so that they can be switched off by name; gives the names in order."""
    names: list[str] = []
    for number, line in enumerate(line for axes in figure.axes for line in _labelled(axes)):
        name = str(line.get_label())
        if name not in names:
            names.append(name)
        line.set_gid(f"series-{names.index(name)}-{number}")
    return names


def _labelled(axes: Axes) -> list[Line2D]:
    return [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]


def hover_data(figure: Figure, names: list[str]) -> str:
    """The lines and told points of a painted figure as JSON; empty where there are none.

    Args:
        figure: After it was laid out.
        names: Of ``label_series``.
    """
    told = _TOLD.pop(figure, [])
    parts = []
    for axes in figure.axes:
        part = _of_axes(axes, [entry[1:] for entry in told if entry[0] is axes], names)
        if part is not None:
            parts.append(part)
    if not parts:
        return ""
    return json.dumps({"series": names, "axes": parts}, separators=(",", ":"), allow_nan=False)


def _of_axes(axes: Axes, told: list[Any], names: list[str]) -> dict[str, Any] | None:
    lines = [_series(axes, line, names) for line in _labelled(axes) if _is_curve(line)]
    points = [
        [*_place(axes, x, y), words]
        for xs, ys, all_words in told
        for x, y, words in zip(xs, ys, all_words, strict=True)
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


def _is_curve(line: Line2D) -> bool:
    """Whether a line joins several places from left to right."""
    x = np.asarray(line.get_xdata(), float)
    return len(x) > 2 and line.get_linestyle() != "None" and bool(np.all(np.diff(x) > 0))


def _series(axes: Axes, line: Line2D, names: list[str]) -> dict[str, Any]:
    """One curve: its places, and its values to four digits."""
    x, y = (np.asarray(v, float) for v in (line.get_xdata(), line.get_ydata()))
    kept = np.isfinite(x) & np.isfinite(y)
    places = [_place(axes, a, b) for a, b in zip(x[kept], y[kept], strict=True)]
    return {
        "name": names.index(str(line.get_label())),
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
