"""The value that the data stage hands on: padded sequences with labels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64

from imssa.errors import ShapeError

BLOCK: Final = 1024
"""Items that are looked at together."""


def read_only(array: np.ndarray, dtype: type[np.generic]) -> np.ndarray:
    """An array of the asked type that nobody can write to; copied only where needed."""
    frozen = array.astype(dtype, copy=array.flags.writeable)
    frozen.setflags(write=False)
    return frozen


def true_frames(
    lengths: Int64[np.ndarray, " items"], length: int
) -> Bool[np.ndarray, "items length"]:
    """Mask (items, length): True where a frame belongs to its sequence, False where it is padding.

    Example:
        >>> true_frames(np.array([1, 3]), 3).astype(int).tolist()
        [[1, 0, 0], [1, 1, 1]]
    """
    return np.arange(length) < lengths[:, None]


@dataclass(frozen=True, eq=False)
class SequenceDataset:
    """Labelled sequences of one common, zero-padded length.

    Args:
        features: float32 or, for counts, uint8 (items, length, features); frames from an item's length
            on are zero.
        lengths: int64 (items,); true number of frames, 1 to length.
        labels: int64 (items,); index into ``class_names``.
        names: One distinct name per item, for instance "0_george_3".
        groups: Whom or what an item came from (the speaker), one per item.
        takes: int64 (items,); index of the recording within its label and group, from 0.
        class_names: One distinct name per class.
        parts: Part of the official split per item, "train", "validation" or "test"; empty: there
            is no such split.

    A data set may have no items, as the validation part of a split without validation.
    The arrays are kept read-only; ``torch.tensor(dataset.features)`` copies one.

    Raises:
        ShapeError: A field of the wrong shape, kind or range.

    Example:
        >>> dataset = SequenceDataset(
        ...     features=np.ones((2, 3, 1), np.float32), lengths=np.array([3, 3]),
        ...     labels=np.array([0, 1]), names=("a", "b"), groups=("eve", "eve"),
        ...     takes=np.array([0, 0]), class_names=("no", "yes"))
        >>> dataset.subset([1]).names
        ('b',)
    """

    features: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    groups: tuple[str, ...]
    takes: np.ndarray
    class_names: tuple[str, ...]
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for check in (_check_features, _check_items, _check_lengths, _check_labels, _check_names):
            check(self)
        kept = np.uint8 if self.features.dtype == np.uint8 else np.float32
        object.__setattr__(self, "features", read_only(self.features, kept))
        for field in ("lengths", "labels", "takes"):
            object.__setattr__(self, field, read_only(getattr(self, field), np.int64))
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "groups", tuple(self.groups))
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "parts", tuple(self.parts))

    def __len__(self) -> int:
        """Number of items."""
        return len(self.names)

    @property
    def n_features(self) -> int:
        """Features a frame."""
        return int(self.features.shape[2])

    def subset(self, indices: Sequence[int] | Int64[np.ndarray, " chosen"]) -> "SequenceDataset":
        """The items of the given indices, in the order given."""
        chosen = np.asarray(indices, dtype=np.int64)
        return SequenceDataset(
            features=_rows(self.features, chosen),
            lengths=self.lengths[chosen],
            labels=self.labels[chosen],
            names=tuple(self.names[i] for i in chosen),
            groups=tuple(self.groups[i] for i in chosen),
            takes=self.takes[chosen],
            class_names=self.class_names,
            parts=tuple(self.parts[i] for i in chosen) if self.parts else (),
        )


def _rows(values: np.ndarray, chosen: Int64[np.ndarray, " chosen"]) -> np.ndarray:
    """Some rows; a view, not a copy, where they follow each other (the parts of a published split)."""
    inside = len(chosen) and chosen[0] >= 0 and chosen[-1] < len(values)
    if inside and bool((np.diff(chosen) == 1).all()):
        return values[int(chosen[0]) : int(chosen[-1]) + 1]
    return np.asarray(values[chosen])


def _blocks(items: int) -> Iterator[slice]:
    """Items in blocks, so that a check needs little memory."""
    return (slice(first, first + BLOCK) for first in range(0, items, BLOCK))


def _check_features(dataset: SequenceDataset) -> None:
    features = dataset.features
    kind = np.issubdtype(features.dtype, np.floating) or features.dtype == np.uint8
    if features.ndim != 3 or not kind:
        raise ShapeError(
            given=f"features of shape {features.shape} and type {features.dtype}",
            rule="features are floats, or bytes, of shape (items, length, features)",
            remedy="Pad the sequences to one length and stack them.",
        )
    wrong = sum(int((~np.isfinite(features[block])).sum()) for block in _blocks(len(features)))
    if wrong:
        raise ShapeError(
            given=f"features with {wrong} NaN or infinite values",
            rule="every value of a data set is finite",
            remedy="Check the front end and the recordings.",
        )


def _check_items(dataset: SequenceDataset) -> None:
    items = dataset.features.shape[0]
    for field in ("lengths", "labels", "takes"):
        array = getattr(dataset, field)
        if array.shape != (items,) or not np.issubdtype(array.dtype, np.integer):
            raise ShapeError(
                given=f"{field} of shape {array.shape} and type {array.dtype}",
                rule=f"{field} are integers, one per item, and there are {items} items",
                remedy=f"Give {field} as an integer array of shape ({items},).",
            )
    for field in ("names", "groups", "parts"):
        count = len(getattr(dataset, field))
        if count != items and (field != "parts" or count):
            raise ShapeError(
                given=f"{count} {field} for {items} items",
                rule=f"{field} hold one entry per item",
                remedy=f"Give {items} {field}.",
            )


def _check_lengths(dataset: SequenceDataset) -> None:
    lengths, longest = dataset.lengths, dataset.features.shape[1]
    wrong = np.flatnonzero((lengths < 1) | (lengths > longest))
    if wrong.size:
        raise ShapeError(
            given=f"length {lengths[wrong[0]]} of item {dataset.names[wrong[0]]}",
            rule=f"a length lies between 1 and the padded length {longest}",
            remedy="Drop empty sequences, or pad to the longest.",
        )
    padding = (
        dataset.features[block][~true_frames(lengths[block], longest)].any()
        for block in _blocks(len(lengths))
    )
    if any(padding):
        raise ShapeError(
            given="features with non-zero padding",
            rule="frames from an item's length on are zero",
            remedy="Set them to zero after every change of the features.",
        )


def _check_labels(dataset: SequenceDataset) -> None:
    wrong = (dataset.labels < 0) | (dataset.labels >= len(dataset.class_names))
    if wrong.any():
        raise ShapeError(
            given=f"label {dataset.labels[wrong][0]}",
            rule=f"labels index the {len(dataset.class_names)} class names",
            remedy="Count labels from 0 in the order of class_names.",
        )


def _check_names(dataset: SequenceDataset) -> None:
    for field in ("names", "class_names"):
        entries = getattr(dataset, field)
        twice = [entry for entry, count in Counter(entries).items() if count > 1]
        if twice:
            raise ShapeError(
                given=f"{field} with {twice[0]!r} more than once",
                rule=f"{field} are distinct",
                remedy="Give every entry a name of its own.",
            )
