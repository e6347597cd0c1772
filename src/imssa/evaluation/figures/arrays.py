"""Pictures of a program's arrays: who lives where, weight codes, stuck devices. PNG, on white."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib.style
import numpy as np
from jaxtyping import Int8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap, hsv_to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from imssa.errors import FileFormatError, OutputError
from imssa.evaluation.figures.devices import MARKS
from imssa.evaluation.figures.svg import GREY
from imssa.evaluation.occupancy import CROSSING, FREE, Inhabitant, Occupancy, occupancies
from imssa.hardware.defect_map import read_defect_map
from imssa.hardware.files import write_whole
from imssa.program.program import ArrayContents, Program

DOTS_PER_INCH: Final = 130
MOST_NAMED: Final = 24
MOST_SMALL: Final = 64
GOLDEN: Final = 0.6180339887498949
NEVER_WRITTEN: Final = "#e8e8e8"
BETWEEN: Final = "#c9c9c9"
PARTS: Final = ("#4d4d4d", "#8c6d46", "#5f7a8a", "#7a5f8a", "#5f8a6a")
STYLE: Final[dict[str, Any]] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.facecolor": "white",
}

Defects = Int8[np.ndarray, "word_lines bit_lines"]


def write_array_pictures(program: Program, folder: Path) -> list[Path]:
    """Writes ``arrays.png``, all arrays side by side, and a larger picture of each.

    Args:
        program: What is drawn; stuck devices where its chip names a defect map that can be read.
        folder: Made when missing.

    Returns:
        The files.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            given=str(folder),
            rule=f"it cannot be a folder of pictures ({error.strerror or error})",
            remedy="Name another folder.",
        ) from error
    found, defects = occupancies(program), known_defects(program)
    colors = colors_of(found)
    pages = [("arrays.png", _small_multiples(program, found, colors))]
    for one, contents, stuck in zip(found, program.arrays, defects, strict=True):
        drawn = _whole(program, one, contents, stuck, colors)
        pages.append((f"array-{one.array:03d}.png", drawn))
    files = []
    for name, image in pages:
        write_whole(folder / name, lambda file, image=image: file.write(image))  # type: ignore[misc]
        files.append(folder / name)
    return files


def known_defects(program: Program) -> list[Defects | None]:
    """Known defects of each array; None where no map is named, or it is not there any more."""
    chip = program.chip
    nothing: list[Defects | None] = [None] * len(program.arrays)
    if chip.defect_map is None:
        return nothing
    shape = (chip.arrays.word_lines, chip.arrays.bit_lines)
    try:
        found = read_defect_map(chip.defect_map, chip.arrays.count, shape)
    except FileFormatError:
        return nothing
    return list(found.arrays[: len(program.arrays)])


def colors_of(found: tuple[Occupancy, ...]) -> dict[Inhabitant, Any]:
    """A colour a kernel, of the hues of its layer; dense parts in dull ones."""
    everyone = sorted({one for occupancy in found for one in occupancy.inhabitants})
    kernels = [one for one in everyone if one.is_kernel]
    layers = sorted({one.layer for one in kernels})
    colors: dict[Inhabitant, Any] = {}
    for one in kernels:
        place = layers.index(one.layer)
        turn = (one.feature * GOLDEN) % 1.0
        hue = (place + 0.85 * turn) / len(layers)
        light = (0.93, 0.74, 0.84)[one.feature % 3]
        colors[one] = hsv_to_rgb((hue, 0.4 + 0.18 * (one.feature % 2), light))
    for number, one in enumerate(one for one in everyone if not one.is_kernel):
        colors[one] = to_rgba(PARTS[number % len(PARTS)])
    return colors


def _image(size: tuple[float, float], words: str, paint: Callable[[Figure], None]) -> bytes:
    """A PNG; the same whatever the user's matplotlib settings."""
    buffer = io.BytesIO()
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained", dpi=DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        paint(figure)
        figure.savefig(buffer, format="png", metadata={"Software": None, "Description": words})
    return buffer.getvalue()


def tell_array(one: Occupancy) -> str:
    """What a picture of an array shows, in a sentence with the numbers."""
    kernels = f"{one.kernels} kernel{'' if one.kernels == 1 else 's'}"
    lines, pairs = one.owner.shape
    return (
        f"Array {one.array}: {', '.join((kernels, *one.parts))}; {one.word_lines_used} of {lines} "
        f"word lines, {one.pairs_used} of {pairs} pairs, {one.utilization:.1%} of the cells."
    )


def _whole(
    program: Program,
    one: Occupancy,
    contents: ArrayContents,
    defects: Defects | None,
    colors: dict[Inhabitant, Any],
) -> bytes:
    named = min(len(one.inhabitants), MOST_NAMED) + 3
    height = 5.6 + 0.17 * (-(-named // 4) + 1)

    def paint(figure: Figure) -> None:
        figure.suptitle(tell_array(one), fontsize=10)
        left, right = figure.subplots(1, 2, sharey=True)
        _paint_owners(left, one, colors, 9.0)
        left.set_title("who lives where")
        _paint_codes(figure, right, program, contents)
        if defects is not None:
            _paint_defects(right, defects)
        _paint_raised(right, contents)
        left.set_ylabel("word line")
        for axes in (left, right):
            axes.set_xlabel("bit line (two make a pair)")
        handles = _legend(one, colors) + right.get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="outside lower center", ncols=4)

    return _image((10.0, height), tell_array(one), paint)


def _paint_owners(
    axes: Axes, one: Occupancy, colors: dict[Inhabitant, Any], font_size: float
) -> None:
    table = [to_rgba(BETWEEN), to_rgba(NEVER_WRITTEN), *(colors[i] for i in one.inhabitants)]
    lines, pairs = one.owner.shape
    edges = (2 * np.arange(pairs + 1), np.arange(lines + 1))
    shown = one.owner - CROSSING  # CROSSING is the first colour, FREE the second
    axes.pcolormesh(*edges, shown, cmap=ListedColormap(table), vmin=-0.5, vmax=len(table) - 0.5)
    axes.set_xlim(0, 2 * pairs)
    axes.set_ylim(lines, 0)
    for number, inhabitant in enumerate(one.inhabitants):
        put_number(axes, one.owner == number, inhabitant, font_size)


def put_number(axes: Axes, cells: np.ndarray, inhabitant: Inhabitant, font_size: float) -> None:
    """The number of a kernel, where its block is in one piece and large enough to be written on."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    whole = np.ptp(rows) + 1 == len(rows) and np.ptp(columns) + 1 == len(columns)
    large = len(rows) * 16 >= cells.shape[0] and len(columns) * 16 >= cells.shape[1]
    if inhabitant.is_kernel and whole and large:
        x, y = columns[0] + columns[-1] + 1, (rows[0] + rows[-1] + 1) / 2
        axes.text(
            x,
            y,
            str(inhabitant.feature),
            ha="center",
            va="center",
            fontsize=font_size,
            color="black",
        )


def _paint_codes(figure: Figure, axes: Axes, program: Program, contents: ArrayContents) -> None:
    """Weights as shares of what a pair can hold; cells never written are grey."""
    share = contents.codes * contents.siemens_per_step / program.chip.window_siemens
    shown = np.ma.masked_array(share, mask=~contents.written)
    axes.set_facecolor(NEVER_WRITTEN)
    lines, pairs = share.shape
    edges = (2 * np.arange(pairs + 1), np.arange(lines + 1))
    mesh = axes.pcolormesh(*edges, shown, cmap="PuOr", vmin=-1.0, vmax=1.0)
    axes.set_title("weight codes")
    figure.colorbar(mesh, ax=axes, shrink=0.7, aspect=35, label="share of the pair's range")


def _paint_defects(axes: Axes, defects: Defects) -> None:
    for kind, marker, color, label in MARKS:
        rows, columns = np.nonzero(defects == kind)
        if len(rows):
            axes.plot(
                columns + 0.5,
                rows + 0.5,
                linestyle="none",
                marker=marker,
                markersize=3.6 * _mark_size(len(defects)),
                color=color,
                markeredgecolor="black",
                markeredgewidth=0.3,
                label=f"{label}: {len(rows)} devices",
            )


def _mark_size(word_lines: int) -> float:
    """Marks are as large as a device of a 64-line array, and smaller on larger ones."""
    return min(1.0, max(64.0 / word_lines, 0.25))


def _paint_raised(axes: Axes, contents: ArrayContents) -> None:
    """Pairs that stand above the bottom of the window, so that one device answers for the other."""
    if contents.common_mode is None or not contents.common_mode.any():
        return
    rows, pairs = np.nonzero(contents.common_mode)
    axes.plot(
        2 * pairs + 1.0,
        rows + 0.5,
        linestyle="none",
        marker="s",
        markersize=5.2 * _mark_size(len(contents.codes)),
        markerfacecolor="none",
        markeredgecolor="black",
        markeredgewidth=0.6,
        label=f"raised for a stuck partner: {len(rows)} pairs",
    )


def _legend(one: Occupancy, colors: dict[Inhabitant, Any]) -> list[Any]:
    handles: list[Any] = [
        Patch(color=colors[i], label=i.words) for i in one.inhabitants[:MOST_NAMED]
    ]
    more = len(one.inhabitants) - MOST_NAMED
    if more > 0:
        handles.append(Patch(color="none", label=f"and {more} more"))
    for value, color, label in (
        (CROSSING, BETWEEN, "between two: held at zero"),
        (FREE, NEVER_WRITTEN, "never written"),
    ):
        if (one.owner == value).any():
            handles.append(Patch(facecolor=color, edgecolor=GREY, linewidth=0.4, label=label))
    return handles


def _small_multiples(
    program: Program, found: tuple[Occupancy, ...], colors: dict[Inhabitant, Any]
) -> bytes:
    """All arrays side by side."""
    shown = found[:MOST_SMALL]
    across = min(len(shown), max(3, int(np.ceil(np.sqrt(len(shown) * 1.6)))))
    down = -(-len(shown) // across)
    kernels = len({i for one in found for i in one.inhabitants if i.is_kernel})
    inhabited = sum(one.inhabited_cells for one in found) / sum(one.owner.size for one in found)
    words = (
        f"{kernels} kernels on {len(found)} arrays of {program.chip.name}, "
        f"{inhabited:.1%} of the cells, {len(program.phases)} phases a time step"
    )
    if len(shown) < len(found):
        words += f" (the first {len(shown)} arrays)"

    def paint(figure: Figure) -> None:
        figure.suptitle(words, fontsize=10)
        for axes, one in zip(
            figure.subplots(down, across, squeeze=False).flat, shown, strict=False
        ):
            _paint_owners(axes, one, colors, 6.5)
            axes.set_title(f"array {one.array}: {one.utilization:.0%}", fontsize=8)
        for axes in figure.axes:
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_visible(bool(axes.collections))

    return _image((max(1.7 * across, 6.0), 1.9 * down + 0.5), words, paint)
