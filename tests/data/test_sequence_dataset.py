from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imssa.data import SequenceDataset
from imssa.errors import ShapeError
from tests.data.samples import made_dataset


def dataset(**changes: Any) -> SequenceDataset:
    fields: dict[str, Any] = {
        "features": np.ones((2, 3, 1), np.float32),
        "lengths": np.array([3, 3]),
        "labels": np.array([0, 1]),
        "names": ("a", "b"),
        "groups": ("eve", "bob"),
        "takes": np.array([0, 7]),
        "class_names": ("no", "yes"),
    }
    return SequenceDataset(**(fields | changes))


def test_subset_keeps_the_order_asked_for() -> None:
    chosen = dataset().subset([1, 0])
    assert chosen.names == ("b", "a")
    assert chosen.groups == ("bob", "eve")
    assert chosen.takes.tolist() == [7, 0]
    assert (len(chosen), chosen.n_features) == (2, 1)


def test_subset_may_be_empty() -> None:
    assert len(dataset().subset([])) == 0


def test_arrays_cannot_be_written_and_the_callers_can() -> None:
    features = np.ones((2, 3, 1), np.float32)
    made = dataset(features=features)
    features[:] = 5
    assert made.features.max() == 1
    for array in (made.features, made.lengths, made.labels, made.takes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_fields_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):
        dataset().names = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.ones((2, 3), np.float32)}, r"features of shape \(2, 3\)"),
        ({"features": np.ones((2, 3, 1), np.int64)}, "type int64: features are floats"),
        (
            {"features": np.full((2, 3, 1), np.nan, np.float32)},
            "6 NaN or infinite values: every value of a data set is finite",
        ),
        ({"lengths": np.array([3])}, r"lengths of shape \(1,\) .* there are 2 items"),
        ({"labels": np.array([0.0, 1.0])}, "labels of shape .* type float64: labels are integers"),
        ({"names": ("a",)}, "1 names for 2 items"),
        ({"groups": ("a", "b", "c")}, "3 groups for 2 items"),
        ({"lengths": np.array([3, 0])}, "length 0 of item b: a length lies between 1 and .* 3"),
        ({"lengths": np.array([4, 3])}, "length 4 of item a"),
        ({"lengths": np.array([2, 3])}, "non-zero padding: frames from an item's length on"),
        ({"labels": np.array([0, 2])}, "label 2: labels index the 2 class names"),
        ({"labels": np.array([-1, 0])}, "label -1"),
        ({"names": ("a", "a")}, "names with 'a' more than once: names are distinct"),
        ({"class_names": ("no", "no")}, "class_names with 'no' more than once"),
    ],
)
def test_bad_fields_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        dataset(**changes)


def test_replacing_a_field_checks_again() -> None:
    with pytest.raises(ShapeError, match="label 5"):
        replace(dataset(), labels=np.array([0, 5]))


def test_rows_that_follow_each_other_are_not_copied() -> None:
    made = made_dataset()
    assert np.shares_memory(made.subset(range(10, 40)).features, made.features)
    assert not np.shares_memory(made.subset([1, 3]).features, made.features)
    for rows in ([3, 2], [0], [], [598, 599], [-2, -1]):
        assert np.array_equal(made.subset(rows).features, made.features[rows])


def test_counts_stay_bytes() -> None:
    made = replace(made_dataset(2), features=np.ones((24, 1, 2), np.uint8))
    assert made.features.dtype == np.uint8
    assert made.subset([1]).features.dtype == np.uint8
