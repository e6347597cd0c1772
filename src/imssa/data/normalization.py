"""Zero mean and unit deviation per feature, learned from the training part alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from imssa.data.dataset import SequenceDataset, read_only, true_frames
from imssa.data.sources import Values
from imssa.data.splits import Split
from imssa.errors import ShapeError

BLOCK_VALUES: Final = 2**25
"""Values that are looked at together; smaller data sets are one block."""


@dataclass(frozen=True, eq=False)
class Normalization:
    """x -> (x - mean) / std per feature; padding stays zero.

    Args:
        mean: float32 (features,).
        std: float32 (features,), positive.

    Raises:
        ShapeError: The two differ in shape, are not finite, or std is not positive.

    Example:
        >>> features = np.array([[[1.0], [3.0], [0.0]]], np.float32)
        >>> norm = Normalization.fit(features, np.array([2]))
        >>> norm.apply(features, np.array([2])).ravel().tolist()
        [-1.0, 1.0, 0.0]
    """

    mean: np.ndarray
    std: np.ndarray

    def __post_init__(self) -> None:
        for field in ("mean", "std"):
            object.__setattr__(self, field, read_only(getattr(self, field), np.float32))
        fits = self.mean.ndim == 1 and self.mean.shape == self.std.shape
        if not (fits and np.isfinite(self.mean).all() and np.isfinite(self.std).all()):
            raise ShapeError(
                given=f"mean of shape {self.mean.shape} and std of shape {self.std.shape}",
                rule="both hold one finite number per feature",
                remedy="Fit the normalization to finite features.",
            )
        if not (self.std > 0).all():
            raise ShapeError(
                given=f"std of {self.std.min():g}",
                rule="a deviation is positive",
                remedy="Use 1 for a feature that never changes.",
            )

    @classmethod
    def fit(
        cls,
        features: Values,
        lengths: Int64[np.ndarray, " items"],
    ) -> "Normalization":
        """Mean and deviation over the true frames; a feature that never changes gets std 1.

        Args:
            features: (items, length, features), of the training part.
            lengths: (items,).

        Raises:
            ShapeError: There is no item.
        """
        if not len(features):
            raise ShapeError(
                given="no items",
                rule="a normalization is learned from at least one sequence",
                remedy="Give the training part.",
            )
        count = int(lengths.sum())
        mean = sum(frames.sum(axis=0) for frames in _frames(features, lengths)) / count
        squares = (((frames - mean) ** 2).sum(axis=0) for frames in _frames(features, lengths))
        std = np.sqrt(sum(squares) / count)
        constant = std <= 1e-6 * np.maximum(np.abs(mean), 1e-30)
        std[constant] = 1.0
        return cls(mean.astype(np.float32), std.astype(np.float32))

    def apply(
        self,
        features: Values,
        lengths: Int64[np.ndarray, " items"],
    ) -> Float32[np.ndarray, "items length features"]:
        """Normalized features, zero where padded.

        Args:
            features: (items, length, features).
            lengths: (items,).

        Raises:
            ShapeError: Another number of features than it was fitted to.
        """
        if features.shape[-1] != len(self.mean):
            raise ShapeError(
                given=f"{features.shape[-1]} features a frame",
                rule=f"this normalization was fitted to {len(self.mean)}",
                remedy="Use the front end that the model was trained with.",
            )
        true = true_frames(lengths, features.shape[1])
        found: np.ndarray = features - self.mean  # float32, also where features are bytes
        found /= self.std
        found[~true] = 0
        return found

    def apply_to(self, dataset: SequenceDataset) -> SequenceDataset:
        """The data set with normalized features."""
        return replace(dataset, features=self.apply(dataset.features, dataset.lengths))


def _frames(
    features: np.ndarray, lengths: Int64[np.ndarray, " items"]
) -> Iterator[Float64[np.ndarray, "frames features"]]:
    """The true frames, many items at a time."""
    rows = max(1, BLOCK_VALUES // max(1, features.shape[1] * features.shape[2]))
    for first in range(0, len(features), rows):
        block = slice(first, first + rows)
        true = true_frames(lengths[block], features.shape[1])
        yield features[block][true].astype(np.float64)


def normalize(split: Split) -> tuple[Split, Normalization]:
    """All parts of a split, normalized by what its training part alone says."""
    normalization = Normalization.fit(split.train.features, split.train.lengths)
    parts = (normalization.apply_to(part) for part in split.parts)
    return Split(*parts), normalization
