"""Figures of written devices: conductance maps, actual against target, programming error."""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64, Int8
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.svg import (
    BLUE,
    INK,
    ORANGE,
    PURPLE,
    RASTER_BLUE,
    SKY,
    VERMILLION,
    Caption,
    draw,
)
from imssa.evaluation.pictures import ConductanceMap, WritingLaw
from imssa.evaluation.words import MICROSIEMENS, PLUS_MINUS, grouped, microsiemens
from imssa.evaluation.writing import BINS
from imssa.hardware.defects import OPEN, SOUND, STUCK_HIGH, STUCK_LOW

MICRO: Final = 1e-6
MOST_DOTS: Final = 6000
FEW_TARGETS: Final = 16
GOLDEN: Final = (np.sqrt(5.0) - 1.0) / 2.0
MARKS: Final = (
    (STUCK_HIGH, "^", VERMILLION, "stuck high"),
    (STUCK_LOW, "v", SKY, "stuck low"),
    (OPEN, "X", PURPLE, "open"),
)
"""Defect code, marker, colour and name."""
_DIFFERENCE: Final = "actual \N{MINUS SIGN} target"

Floats = Float64[np.ndarray, " devices"]


class _Written(NamedTuple):
    """All written devices of some arrays, in siemens."""

    target: Floats
    actual: Floats
    defects: Int8[np.ndarray, " devices"]

    @property
    def error(self) -> Floats:
        """Actual minus target of the sound ones."""
        return np.asarray((self.actual - self.target)[self.defects == SOUND])


def _written(arrays: Sequence[ConductanceMap]) -> _Written:
    masks = [~np.isnan(array.target_siemens) for array in arrays]
    parts = ("target_siemens", "actual_siemens", "defects")
    return _Written(
        *(
            np.concatenate([getattr(a, part)[m] for a, m in zip(arrays, masks, strict=True)])
            for part in parts
        )
    )


def _counts(defects: Int8[np.ndarray, "*cells"]) -> str:
    counts = [(int((defects == kind).sum()), name) for kind, _, _, name in MARKS]
    return ", ".join(f"{grouped(count)} {name}" for count, name in counts)


def tell_conductance(array: ConductanceMap) -> str:
    """What ``draw_conductance`` shows, in sentences with the numbers."""
    written = ~np.isnan(array.target_siemens)
    error = _written([array]).error
    spread = microsiemens(float(error.std())) if error.size else "nothing"
    return (
        f"Array {array.array}, {array.chip}: {grouped(int(written.sum()))} of "
        f"{grouped(written.size)} devices are written; sound ones miss their target by {spread} "
        f"(standard deviation); of all devices {_counts(array.defects)}."
    )


def draw_conductance(array: ConductanceMap, name: str = "conductance") -> Drawing:
    """Target beside actual conductance of every device; stuck and open devices are marked."""
    caption = Caption(name, f"Conductances of array {array.array}", tell_conductance(array))
    return draw(caption, 3.7, partial(_paint_conductance, array=array))


def _paint_conductance(figure: Figure, array: ConductanceMap) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    top = array.g_max_siemens / MICRO
    _map(left, array.target_siemens / MICRO, top)
    mesh = _map(right, array.actual_siemens / MICRO, top)
    left.set_title("target")
    right.set_title("actual")
    left.set_ylabel("word line")
    left.set_xlabel("bit line")
    right.set_xlabel("bit line")
    for kind, marker, color, label in MARKS:
        rows, columns = np.nonzero(array.defects == kind)
        if kind == OPEN and not len(rows):
            continue
        _dots(right, columns + 0.5, rows + 0.5, (marker, color, f"{label}: {len(rows)}"))
    handles = right.get_lines()
    figure.legend(handles=handles, loc="outside lower center", ncols=3, markerscale=1.8)
    figure.colorbar(
        mesh, ax=[left, right], location="top", shrink=0.6, label=MICROSIEMENS, aspect=30
    )


def _dots(axes: Axes, x: Floats, y: Floats, look: tuple[str, str, str]) -> None:
    """Marks of defects: marker, colour and label."""
    marker, color, label = look
    axes.plot(
        x,
        y,
        linestyle="none",
        marker=marker,
        markersize=3.4,
        color=color,
        markeredgecolor="white",
        markeredgewidth=0.3,
        label=label,
    )


def _map(axes: Axes, micro: Float64[np.ndarray, "word_lines bit_lines"], top: float) -> AxesImage:
    """One map, a dot a device; cells never written are left clear."""
    axes.set_facecolor((0.5, 0.5, 0.5, 0.18))
    lines, columns = micro.shape
    return axes.imshow(
        np.ma.masked_invalid(micro),
        cmap=colormaps["cividis"],
        vmin=0.0,
        vmax=top,
        interpolation="none",
        aspect="auto",
        extent=(0, columns, lines, 0),
    )


def tell_actual_against_target(arrays: Sequence[ConductanceMap], law: WritingLaw) -> str:
    """What ``draw_actual_against_target`` shows, in sentences with the numbers."""
    devices = _written(arrays)
    sound = devices.defects == SOUND
    shown = min(MOST_DOTS, int(sound.sum()))
    sideways = " spread sideways," if _few(devices) else ""
    return (
        f"{grouped(len(sound))} written devices of {arrays[0].chip}: {grouped(int(sound.sum()))} "
        f"sound ({grouped(shown)} drawn,{sideways} blue), {_counts(devices.defects)}. Line: actual "
        f"= target; below, the difference of the two, sound devices only. Band: the chip's {law.words}, mean {PLUS_MINUS} one sigma at each target; "
        f"sigma from {microsiemens(float(law.level_sigma_siemens.min()))} to "
        f"{microsiemens(float(law.level_sigma_siemens.max()))}."
    )


def _few(devices: _Written) -> bool:
    return len(np.unique(devices.target)) <= FEW_TARGETS


def draw_actual_against_target(
    arrays: Sequence[ConductanceMap], law: WritingLaw, name: str = "written"
) -> Drawing:
    """Actual against target conductance of all written devices, and the band of the chip's law.

    Args:
        arrays: Arrays of one chip.
        law: Of that chip, from :func:`imssa.evaluation.writing.writing_law`.
        name: Prefix of the figure's ids.
    """
    told = tell_actual_against_target(arrays, law)
    caption = Caption(name, "Actual against target conductance", told)
    paint = partial(
        _paint_scatter, devices=_written(arrays), law=law, top=arrays[0].g_max_siemens / MICRO
    )
    return draw(caption, 5.2, paint)


def _paint_scatter(figure: Figure, devices: _Written, law: WritingLaw, top: float) -> None:
    """Both conductances above, and their difference, which is much smaller, below."""
    whole, error = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    target = devices.target + (
        _sideways(devices.target) * 0.03 * top * MICRO if _few(devices) else 0.0
    )
    sound = np.flatnonzero(devices.defects == SOUND)
    sound = sound[:: max(1, -(-len(sound) // MOST_DOTS))]
    for axes, base in ((whole, 0.0), (error, 1.0)):
        level = law.level_siemens
        middle = (1.0 - base) * level + law.level_mean_siemens
        low, high = middle - law.level_sigma_siemens, middle + law.level_sigma_siemens
        band = axes.fill_between(level / MICRO, low / MICRO, high / MICRO, color=ORANGE, alpha=0.6)
        band.set(linewidth=0, zorder=3, label=f"law {PLUS_MINUS} sigma")
        ends = np.array([0.0, top])
        axes.plot(ends, (1.0 - base) * ends, color=INK, lw=0.8, label="actual = target", zorder=4)
        shown = (devices.actual - base * devices.target) / MICRO
        (dots,) = axes.plot(target[sound] / MICRO, shown[sound], "o", color=RASTER_BLUE, alpha=0.6)
        dots.set(markersize=2.0, markeredgewidth=0, rasterized=True, label="sound", zorder=2)
    for kind, marker, color, label in MARKS:
        found = devices.defects == kind
        if found.any():
            x, y = target[found] / MICRO, devices.actual[found] / MICRO
            _dots(whole, x, y, (marker, color, label))
    whole.set_ylabel(f"actual in {MICROSIEMENS}")
    error.set_ylabel(f"{_DIFFERENCE} in {MICROSIEMENS}")
    error.set_xlabel(f"target in {MICROSIEMENS}")
    handles, labels = whole.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, markerscale=1.8)


def _sideways(targets: Floats) -> Floats:
    """Places in (-1, 1) that never pile up: multiples of the golden ratio, in order of target."""
    order = np.argsort(np.argsort(targets, kind="stable"), kind="stable")
    return np.asarray(2.0 * np.modf(GOLDEN * (order + 1.0))[0] - 1.0)


def tell_programming_error(arrays: Sequence[ConductanceMap], law: WritingLaw) -> str:
    """What ``draw_programming_error`` shows, in sentences with the numbers."""
    error = _written(arrays).error
    mean, sigma = (float(error.mean()), float(error.std())) if error.size else (0.0, 0.0)
    outside = int((np.abs(error) > law.edge_siemens[-1]).sum())
    how = f"{grouped(law.sampled)} devices drawn from it" if law.sampled else "closed form"
    beyond = f" {grouped(outside)} devices lie beyond the bins." if outside else ""
    return (
        f"Actual minus target of {grouped(len(error))} sound written devices of {arrays[0].chip}: "
        f"mean {microsiemens(mean, 3)}, sigma {microsiemens(sigma, 3)}. The chip's {law.words} "
        f"({how}) has mean {microsiemens(law.mean_siemens, 3)} and sigma "
        f"{microsiemens(law.sigma_siemens, 3)} over the same targets.{beyond}"
    )


def draw_programming_error(
    arrays: Sequence[ConductanceMap], law: WritingLaw, name: str = "error"
) -> Drawing:
    """Histogram of actual minus target of sound written devices, under the density of the law.

    Args:
        arrays: Arrays of one chip.
        law: Of that chip, from :func:`imssa.evaluation.writing.writing_law`.
        name: Prefix of the figure's ids.
    """
    caption = Caption(name, "Programming error", tell_programming_error(arrays, law))
    return draw(caption, 3.2, partial(_paint_error, error=_written(arrays).error, law=law))


def _paint_error(figure: Figure, error: Floats, law: WritingLaw) -> None:
    axes = figure.subplots()
    edges = law.edge_siemens[:: max(1, (len(law.edge_siemens) - 1) // BINS)] / MICRO
    share = 1.0 / (max(len(error), 1) * (edges[1] - edges[0]))
    counts, _ = np.histogram(error / MICRO, edges)
    axes.stairs(counts * share, edges, fill=True, color=BLUE, alpha=0.55, label="devices")
    density = law.density_per_siemens * MICRO
    axes.stairs(density, law.edge_siemens / MICRO, color=VERMILLION, linewidth=1.4, label="law")
    expected = density.reshape(len(counts), -1).mean(axis=1) * (edges[1] - edges[0])
    used = np.flatnonzero((counts > 0) | (expected > 2e-4))
    if used.size:
        axes.set_xlim(edges[used[0]], edges[used[-1] + 1])
    axes.set_ylim(0.0, None)
    axes.set_xlabel(f"{_DIFFERENCE} in {MICROSIEMENS}")
    axes.set_ylabel(f"density per {MICROSIEMENS}")
    figure.legend(loc="outside lower center", ncols=2)
