"""Pictures of a data set that was looked at: classes, lengths, levels, channels."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from imssa.data.checking import Looked
from imssa.data.sources import PARTS, Profile
from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    WIDTH_PIXELS,
    Caption,
    draw,
    short,
)
from imssa.program.files import write_atomically

COLORS: Final = {"train": BLUE, "validation": GREEN, "test": ORANGE}
CURVES: Final = (BLUE, ORANGE, GREEN, GREY)
MOST_CLASSES: Final = 60
BINS: Final = 40
Numbers = Mapping[str, list[float]]


def write_data_pictures(looked: Looked, folder: Path) -> list[Path]:
    """Writes ``classes.svg``, ``lengths.svg``, and one picture a measure and a profile.

    Args:
        looked: What a look at the data set showed.
        folder: Made when missing.

    Returns:
        The files.

    Raises:
        OutputError: The folder cannot be written.
    """
    files = []
    for name, drawing in _pictures(looked):
        file = folder / f"{name}.svg"
        write_atomically(file, drawing.standalone(WIDTH_PIXELS).encode())
        files.append(file)
    return files


def _pictures(looked: Looked) -> Iterator[tuple[str, Drawing]]:
    """Names and figures."""
    yield "classes", draw_classes(looked)
    yield "lengths", draw_lengths(looked)
    for name in looked.check.measures:
        yield _file_name(name), draw_measure(looked, name)
    for profile in looked.source.profiles():
        yield _file_name(profile.name), draw_profile(profile)


def _file_name(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _parts(looked: Looked) -> list[str]:
    found = set(looked.part.values())
    return [part for part in (*PARTS, *sorted(found - {*PARTS})) if part in found]


def draw_classes(looked: Looked) -> Drawing:
    """Items of each class, stacked by part."""
    counts = looked.check.counts
    shown = dict(list(counts.items())[:MOST_CLASSES])
    more = f"; the first {MOST_CLASSES} are shown" if len(counts) > MOST_CLASSES else ""
    sums = [sum(parts.values()) for parts in counts.values()]
    told = f"{looked.check.items} items of {len(counts)} classes, {min(sums)} to {max(sums)} each"
    caption = Caption("classes", "Items of each class", f"{told}{more}.")
    paint = partial(_paint_classes, counts=shown, parts=_parts(looked))
    return draw(caption, 0.9 + 0.22 * len(shown), paint)


def _paint_classes(
    figure: Figure, counts: Mapping[str, Mapping[str, int]], parts: list[str]
) -> None:
    axes = figure.subplots()
    left = np.zeros(len(counts))
    places = np.arange(len(counts))
    for part in parts:
        numbers = np.array([found.get(part, 0) for found in counts.values()], float)
        color = COLORS.get(part, BLUE)
        axes.barh(places, numbers, left=left, color=color, height=0.7, label=part)
        left += numbers
    axes.set_yticks(places, [short(label) for label in counts])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("items")
    axes.locator_params(axis="x", integer=True)
    axes.set_title("Items of each class", loc="left")
    _legend(figure, parts)


def draw_lengths(looked: Looked) -> Drawing:
    """Lengths of the items, by part."""
    timed = any(look.seconds is not None for look in looked.looks)
    unit = "length in s" if timed else "length in frames"
    lengths = [look.seconds if timed else float(look.frames) for look in looked.looks]
    values = _by_part(looked, [np.nan if length is None else length for length in lengths])
    return draw(
        Caption("lengths", "Lengths of the items", _told(unit, values)),
        2.6,
        partial(_paint_histogram, across=unit, values=values, odd=[]),
    )


def draw_measure(looked: Looked, name: str) -> Drawing:
    """A measure of the items, by part; those that are silent, clipped or else odd are marked."""
    measured = [look.measures.get(name, np.nan) for look in looked.looks]
    values = _by_part(looked, measured)
    odd = [
        value
        for value, look in zip(measured, looked.looks, strict=True)
        if look.faults and np.isfinite(value)
    ]
    faults = [fault.split(":")[0] for look in looked.looks for fault in look.faults]
    kinds = "".join(f"; {faults.count(kind)} {kind}" for kind in sorted(set(faults)))
    caption = Caption(
        _file_name(name), _capital(name), _told(name, values).removesuffix(".") + f"{kinds}."
    )
    return draw(caption, 2.6, partial(_paint_histogram, across=name, values=values, odd=odd))


def _by_part(looked: Looked, values: list[float]) -> Numbers:
    found: dict[str, list[float]] = {part: [] for part in _parts(looked)}
    for item, value in zip(looked.source.items, values, strict=True):
        if np.isfinite(value):
            found[looked.part.get(item.name, "all")].append(float(value))
    return {part: numbers for part, numbers in found.items() if numbers}


def _told(unit: str, values: Numbers) -> str:
    told = (
        f"{part} {min(numbers):.4g} to {max(numbers):.4g}, median {np.median(numbers):.4g}"
        for part, numbers in values.items()
    )
    return f"{unit}: {'; '.join(told) or 'none'}."


def _paint_histogram(figure: Figure, across: str, values: Numbers, odd: list[float]) -> None:
    axes = figure.subplots()
    everything = [value for numbers in values.values() for value in numbers]
    if everything:
        low, high = min(everything), max(everything)
        edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
        axes.hist(
            list(values.values()),
            bins=edges.tolist(),
            stacked=True,
            color=[COLORS.get(part, BLUE) for part in values],
            label=list(values),
        )
    if odd:
        axes.plot(odd, np.zeros(len(odd)), "|", color=INK, ms=14, clip_on=False, label="odd items")
    axes.set_xlabel(across)
    axes.set_ylabel("items")
    axes.locator_params(axis="y", integer=True)
    axes.set_title(_capital(across), loc="left")
    _legend(figure, [*values, *(["odd items"] if odd else [])])


def _legend(figure: Figure, labels: list[str]) -> None:
    if len(labels) > 1:
        figure.legend(loc="outside lower left", ncols=4, handlelength=1.0, columnspacing=1.0)


def draw_profile(profile: Profile) -> Drawing:
    """Curves over channels or time."""
    told = "; ".join(
        f"{name} {values.min():.4g} to {values.max():.4g}"
        for name, values in profile.curves.items()
    )
    caption = Caption(_file_name(profile.name), profile.name, f"{profile.up}: {told}.")
    return draw(caption, 2.6, partial(_paint_profile, profile=profile))


def _paint_profile(figure: Figure, profile: Profile) -> None:
    axes = figure.subplots()
    form = "o-" if len(profile.places) < 20 else "-"
    for color, (name, values) in zip(CURVES, profile.curves.items(), strict=False):
        axes.plot(profile.places, values, form, ms=4, color=color, label=name)
    axes.set_xlabel(profile.across)
    axes.set_ylabel(profile.up)
    axes.set_title(profile.name, loc="left")
    _legend(figure, list(profile.curves))
