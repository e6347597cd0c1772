"""A saved network asked recordings of another source: classes are the same by name."""

import numpy as np
import pytest

from imssa.data import SequenceDataset
from imssa.errors import DataError
from imssa.experiment.evaluate import _labelled_as


def recordings(*names: str) -> SequenceDataset:
    count = 2 * len(names)
    return SequenceDataset(
        features=np.ones((count, 3, 1), np.float32),
        lengths=np.full(count, 3, np.int64),
        labels=np.arange(count, dtype=np.int64) % len(names),
        names=tuple(f"{n}.wav" for n in range(count)),
        groups=("one",) * count,
        takes=np.arange(count, dtype=np.int64),
        class_names=names,
    )


def test_labels_follow_the_names_of_classes() -> None:
    """A folder lists its classes by alphabet, Speech Commands as the recipe does."""
    part = recordings("no", "up", "yes")
    found = _labelled_as(part, ("yes", "no", "up"))
    assert found.class_names == ("yes", "no", "up")
    said = [
        [part.class_names[n] for n in part.labels],
        [found.class_names[n] for n in found.labels],
    ]
    assert said[0] == said[1]
    assert found.labels.tolist() != part.labels.tolist()


def test_fewer_classes_are_asked_and_foreign_ones_refused() -> None:
    assert _labelled_as(recordings("up", "no"), ("yes", "no", "up")).labels.tolist() == [2, 1, 2, 1]
    with pytest.raises(DataError, match="recordings of maybe: the network knows yes, no"):
        _labelled_as(recordings("yes", "maybe"), ("yes", "no"))
