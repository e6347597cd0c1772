"""What every format gives: a source of labelled items that become features."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from imssa.data.front_ends import FrontEnd
from imssa.errors import DataError, RecipeError

Values = Float32[np.ndarray, "items length features"] | UInt8[np.ndarray, "items length features"]
"""Counts are kept as bytes: a quarter of the memory, for sets that fill it."""
Features = tuple[Values, Int64[np.ndarray, " items"]]
PARTS: Final = ("train", "validation", "test")
SplitName = Literal["official", "speaker", "fold", "hash"]


@dataclass(frozen=True)
class Item:
    """One labelled sequence, whatever holds its values.

    Args:
        name: Distinct within its data set.
        label: Its class.
        group: Whom or what it came from (the speaker); empty: not known.
        take: Which of its label and group, from 0.
        part: Part of the official split (one of ``PARTS``); empty: there is none.
    """

    name: str
    label: str
    group: str = ""
    take: int = 0
    part: str = ""


@dataclass(frozen=True)
class Request:
    """What is to be read.

    Args:
        root: A folder or file of the user; None: it lies in the package.
        words: The classes wanted; None: all.
        speaker_pattern: Regular expression that finds the speaker in a file's name, its first
            group; only where a format has no rule of its own.
    """

    root: Path | None = None
    words: tuple[str, ...] | None = None
    speaker_pattern: str | None = None


@dataclass(frozen=True)
class Seen:
    """What a look at one item showed.

    Args:
        seconds: Its duration; None: it has no clock.
        rate_hertz: Sampling rate; None: it has none.
        frames: Samples, frames or events.
        faults: What is wrong or odd with it.
        measures: Loudness, rates, ranges: by a name that says the unit.
    """

    frames: int
    seconds: float | None = None
    rate_hertz: int | None = None
    faults: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """Curves over channels or time that are made from all items together.

    Args:
        name: What it is, in words.
        across: What stands at the horizontal axis, with its unit.
        up: What stands at the vertical axis, with its unit.
        places: Horizontal.
        curves: Vertical, by the name of each curve.
    """

    name: str
    across: str
    up: str
    places: Float64[np.ndarray, " places"]
    curves: Mapping[str, Float64[np.ndarray, " places"]]


class Source(ABC):
    """Items of a data set, and how they become features.

    Attributes:
        items: In a fixed order.
        class_names: In the order of the class indices.
    """

    items: tuple[Item, ...]
    class_names: tuple[str, ...]

    @abstractmethod
    def features(self, front_end: FrontEnd) -> Features:
        """Features (items, length, features), zero where padded, and lengths (items,).

        Raises:
            DataError: An item cannot be used.
            RecipeError: The front end does not fit.
        """

    @abstractmethod
    def fingerprints(self) -> Iterator[bytes]:
        """SHA-256 of what each item holds, its name and label apart."""

    @abstractmethod
    def looks(self) -> Iterator[Seen]:
        """What a look at each item shows; a bad one is told, not raised."""

    def profiles(self) -> tuple[Profile, ...]:
        """Curves over channels or time; none where a format has none."""
        return ()

    def unread(self) -> tuple[str, ...]:
        """Files that lie beside the items, hold the like, and are not read; none where a format has none."""
        return ()

    def contents(self) -> dict[str, bytes]:
        """Fingerprint of each item by its name, in their order."""
        names = (item.name for item in self.items)
        return dict(zip(names, self.fingerprints(), strict=True))

    def digest(self) -> str:
        """SHA-256 of the names and contents of all items, in their order, as hexadecimal digits."""
        total = hashlib.sha256()
        for item, fingerprint in zip(self.items, self.fingerprints(), strict=True):
            total.update(hashlib.sha256(item.name.encode()).digest())
            total.update(fingerprint)
        return total.hexdigest()


@dataclass(frozen=True)
class DataFormat:
    """A format that a recipe can name: what it holds and how to read it.

    Args:
        kind: Its name in a recipe.
        corpus: Which data it holds; formats of one corpus share names, groups and takes.
        words: Every class it has, in the order of the class indices; None: the data say.
        needs_root: Whether the user must name a folder or file.
        front_ends: Front ends that fit, the usual one first.
        splits: Splits that make sense, the usual one first.
        open: Request -> source. Reads names and headers, and decodes what it must.
        licence: Under which the data may be used, as far as their publishers say.
        where: Where to get the data.
    """

    kind: str
    corpus: str
    words: tuple[str, ...] | None
    needs_root: bool
    front_ends: tuple[str, ...]
    splits: tuple[SplitName, ...]
    open: Callable[[Request], Source]
    licence: str
    where: str


def chosen_classes(
    known: Iterable[str], words: tuple[str, ...] | None, where: str
) -> tuple[str, ...]:
    """The classes of a data set that are wanted, in the order of the data set.

    Raises:
        DataError: A wanted class is not there, or fewer than two are.

    Example:
        >>> chosen_classes(("a", "b", "c"), ("c", "a"), "here")
        ('a', 'c')
    """
    known = tuple(known)
    wanted = known if words is None else words
    missing = [word for word in wanted if word not in known]
    if missing or len(wanted) < 2:
        raise DataError(
            given=f"{where} with the classes {_some(known)}",
            rule=f"there is no class {missing[0]!r}" if missing else "two or more are needed",
            remedy="Choose words from the classes that are there.",
        )
    return tuple(word for word in known if word in wanted)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(name[:40] for name in names[:40]) or "(none)"
    return shown + (f" and {len(names) - 40} more" if len(names) > 40 else "")


def wrong_front_end(front_end: FrontEnd, wanted: str) -> RecipeError:
    """The refusal of a front end that cannot read a source's items."""
    return RecipeError(
        given=f"front end {front_end.kind!r}",
        rule=f"these data are read by the front end {wanted!r}",
        remedy=f"Set front_end.kind = {wanted!r}, or name data that fit the network.",
    )


def require_root(root: Path | None, get_it: str, *, folder: bool = False) -> Path:
    """The folder or file that a user named.

    Raises:
        DataError: There is none.
    """
    there = root is not None and (root.is_dir() if folder else root.exists())
    if root is None or not there:
        rule = "this is not a folder" if folder else "there is no such folder or file"
        raise DataError(given=f"data root {root}", rule=rule, remedy=get_it)
    return root


def padded(values: Iterable[np.ndarray], length: int, items: int, n_features: int) -> Features:
    """Sequences (frames, n_features) of at most ``length`` frames as one array, zero behind them."""
    features = np.zeros((items, length, n_features), np.float32)
    lengths = np.zeros(items, np.int64)
    for row, value in enumerate(values):
        features[row, : len(value)] = value
        lengths[row] = len(value)
    return features, lengths


def padded_counts(
    values: Iterable[np.ndarray], length: int, items: int, n_features: int
) -> Features:
    """As ``padded`` for whole numbers that are not negative: bytes if none is above 255."""
    features: np.ndarray = np.zeros((items, length, n_features), np.uint8)
    lengths = np.zeros(items, np.int64)
    for row, value in enumerate(values):
        if features.dtype == np.uint8 and value.size and value.max() > 255:
            features = features.astype(np.float32)
        features[row, : len(value)] = value
        lengths[row] = len(value)
    return features, lengths
