"""Sequences that are features already: numbers in arrays, one row a frame."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from imssa.data.front_ends import FrontEnd, PlainFrontEnd
from imssa.data.sources import (
    Features,
    Item,
    Profile,
    Seen,
    Source,
    padded,
    wrong_front_end,
)
from imssa.errors import DataError, RecipeError


class SequenceSource(Source):
    """Labelled arrays of shape (frames, features).

    Args:
        values: One array an item, or one array (items, frames, features).
        items: Their names, labels and parts.
        class_names: In the order of the class indices.
        scale: What values are multiplied with; bytes stay bytes until then.

    Raises:
        DataError: There is no item.
    """

    def __init__(
        self,
        values: Sequence[np.ndarray] | np.ndarray,
        items: tuple[Item, ...],
        class_names: tuple[str, ...],
        scale: float = 1.0,
    ) -> None:
        if not items:
            raise DataError(
                given=f"sequences of {', '.join(class_names)}",
                rule="there is none",
                remedy="Check the files.",
            )
        self._values, self._scale = values, np.float32(scale)
        self.items, self.class_names = items, class_names

    @property
    def n_features(self) -> int:
        """Features of a frame."""
        return int(self._values[0].shape[1])

    def features(self, front_end: FrontEnd) -> Features:
        """The values as they are, or in another order; see ``Source.features``."""
        if not isinstance(front_end, PlainFrontEnd):
            raise wrong_front_end(front_end, "none")
        limit = front_end.max_frames
        longest = max(len(value) for value in self._values)
        length = longest if limit is None else min(limit, longest)
        kept = (value[:length] for value in self._values)
        order = front_end.order(length)
        if order is not None:
            self._check_one_length(length)
            kept = (value[order] for value in kept)
        found, lengths = padded(kept, length, len(self.items), self._values[0].shape[1])
        if self._scale != 1:
            found *= self._scale
        return found, lengths

    def _check_one_length(self, length: int) -> None:
        short = next((i for i, value in enumerate(self._values) if len(value) < length), None)
        if short is not None:
            raise RecipeError(
                given=f"a permutation with item {self.items[short].name} of "
                f"{len(self._values[short])} frames",
                rule=f"frames are only put in another order where all items have {length}",
                remedy="Leave permutation_seed out.",
            )

    def fingerprints(self) -> Iterator[bytes]:
        """SHA-256 of each item's shape and values."""
        for value in self._values:
            found = hashlib.sha256(repr((value.shape, value.dtype.str)).encode())
            found.update(np.ascontiguousarray(value).tobytes())
            yield found.digest()

    def looks(self) -> Iterator[Seen]:
        """Length of each item, and whether it never changes."""
        for value in self._values:
            still = len(value) > 1 and bool((value == value[0]).all())
            ends = {}
            if value.size:
                ends["smallest value"] = float(self._scale * value.min())
                ends["largest value"] = float(self._scale * value.max())
            faults = ("constant: every frame is the same",) if still else ()
            yield Seen(len(value), faults=faults, measures=ends)

    def profiles(self) -> tuple[Profile, ...]:
        """Range of each feature over all items."""
        ends = [_ends(value) for value in self._values if value.size]
        if not ends:
            return ()
        low, high = (np.array(end) for end in zip(*ends, strict=True))
        curves = {"smallest": low.min(axis=0), "largest": high.max(axis=0)}
        scaled = {name: values * np.float64(self._scale) for name, values in curves.items()}
        places = np.arange(low.shape[1], dtype=np.float64)
        return (Profile("Range of each feature", "feature", "value", places, scaled),)


def _ends(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return value.min(axis=0), value.max(axis=0)
