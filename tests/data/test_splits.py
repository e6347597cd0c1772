from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.data import (
    FOLDS,
    SequenceDataset,
    Split,
    split_by_speaker,
    split_fold,
    split_hash,
    split_official,
)
from imssa.data.fsdd import SPEAKERS
from imssa.data.splits import fewer
from imssa.errors import DataError
from tests.data.samples import made_dataset

WHOLE = made_dataset()


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def assert_partition(split: Split, whole: SequenceDataset) -> None:
    names = [name for part in split.parts for name in part.names]
    assert len(names) == len(set(names)) == len(whole)
    assert set(names) == set(whole.names)
    for part in split.parts:
        rows = [whole.names.index(name) for name in part.names]
        assert np.array_equal(part.features, whole.features[rows])
        assert np.array_equal(part.labels, whole.labels[rows])


@given(fold=st.integers(0, FOLDS - 1), share=st.floats(0, 0.99), seed=st.integers(0, 2**32 - 1))
def test_folds_put_every_item_into_one_part(fold: int, share: float, seed: int) -> None:
    split = split_fold(WHOLE, fold, share, draw(seed))
    assert_partition(split, WHOLE)
    assert set(split.test.takes.tolist()) == set(range(5 * fold, 5 * fold + 5))
    assert len(split.test) == 60


@given(
    speakers=st.sets(st.sampled_from(SPEAKERS), min_size=1, max_size=5),
    share=st.floats(0, 0.99),
)
def test_speakers_put_every_item_into_one_part(speakers: set[str], share: float) -> None:
    split = split_by_speaker(WHOLE, tuple(speakers), share, draw())
    assert_partition(split, WHOLE)
    assert set(split.test.groups) == speakers
    assert not speakers & {*split.train.groups, *split.validation.groups}


def test_folds_test_every_item_once() -> None:
    tested = [name for f in range(FOLDS) for name in split_fold(WHOLE, f, 0.0, draw()).test.names]
    assert sorted(tested) == sorted(WHOLE.names)


def test_official_split_tests_takes_0_to_4() -> None:
    split = split_official(WHOLE, 0.1, draw())
    assert split.test.names == tuple(
        name for name in WHOLE.names if int(name.rsplit("_", 1)[1]) < 5
    )
    assert [len(part) for part in split.parts] == [480, 60, 60]


def test_validation_is_stratified() -> None:
    validation = split_official(WHOLE, 0.1, draw()).validation
    counts = Counter(zip(validation.labels.tolist(), validation.groups, strict=True))
    assert len(counts) == 12
    assert set(counts.values()) == {5}


def test_validation_depends_on_the_generator_and_not_on_the_order_of_items() -> None:
    first = split_official(WHOLE, 0.1, draw(1)).validation.names
    shuffled = WHOLE.subset(np.random.default_rng(9).permutation(len(WHOLE)))
    assert set(split_official(shuffled, 0.1, draw(1)).validation.names) == set(first)
    assert split_official(WHOLE, 0.1, draw(2)).validation.names != first


def test_validation_may_be_empty_and_never_takes_all() -> None:
    assert len(split_official(WHOLE, 0.0, draw()).validation) == 0
    assert len(split_official(WHOLE, 0.999, draw()).train) == 12


@pytest.mark.parametrize("fold", [-1, 10])
def test_fold_that_is_not_there_is_refused(fold: int) -> None:
    with pytest.raises(DataError, match=f"fold = {fold}: there are 10 folds, counted from 0"):
        split_fold(WHOLE, fold, 0.1, draw())


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(DataError, match=f"validation_share = {share:g}: the validation part is"):
        split_official(WHOLE, share, draw())


def test_unknown_speaker_is_refused() -> None:
    with pytest.raises(DataError, match=r"test speaker 'eve': .* Choose from george, jackson"):
        split_by_speaker(WHOLE, ("eve",), 0.1, draw())


def test_empty_parts_are_refused() -> None:
    with pytest.raises(DataError, match="an empty training part"):
        split_by_speaker(WHOLE, SPEAKERS, 0.1, draw())
    with pytest.raises(DataError, match="an empty test part"):
        split_fold(made_dataset(takes=5), 1, 0.1, draw())


def test_item_in_two_parts_is_refused() -> None:
    with pytest.raises(DataError, match="0_george_1 in two parts: no item lies in two parts"):
        Split(WHOLE.subset([0, 1]), WHOLE.subset([2]), WHOLE.subset([1, 3]))


def test_parts_of_different_data_sets_are_refused() -> None:
    other = SequenceDataset(
        features=np.ones((1, 1, 3), np.float32),
        lengths=np.array([1]),
        labels=np.array([0]),
        names=("x",),
        groups=("x",),
        takes=np.array([0]),
        class_names=("zero", "one"),
    )
    with pytest.raises(DataError, match="parts have different classes or features"):
        Split(WHOLE.subset([0]), WHOLE.subset([1]), other)


def test_hash_keeps_groups_apart_and_does_not_depend_on_the_seed() -> None:
    many = made_dataset(takes=2, speakers=tuple(f"speaker{n}" for n in range(400)))
    first, second = (split_hash(many, 0.2, 0.1, draw(seed)) for seed in (0, 1))
    assert_partition(first, many)
    groups = [{*part.groups} for part in first.parts]
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]
    assert first.test.names == second.test.names
    assert first.validation.names == second.validation.names
    for share, part in ((0.2, groups[2]), (0.8 * 0.1, groups[1])):
        assert abs(len(part) / 400 - share) < 4 * (share * (1 - share) / 400) ** 0.5


def test_official_split_needs_one() -> None:
    with pytest.raises(DataError, match="no split was published with these data"):
        split_official(replace(WHOLE, parts=()), 0.1, draw())


def test_published_validation_part_is_kept() -> None:
    parts = tuple(
        "validation" if t == 7 else p for t, p in zip(WHOLE.takes, WHOLE.parts, strict=True)
    )
    split = split_official(replace(WHOLE, parts=parts), 0.5, draw())
    assert set(split.validation.takes.tolist()) == {7}
    assert len(split.validation) == 12


@given(st.integers(1, 700))
def test_fewer_items_are_about_as_many_of_each_class(count: int) -> None:
    part = fewer(WHOLE, count, draw())
    assert len(part) == min(count, len(WHOLE))
    assert abs(np.diff(np.bincount(part.labels, minlength=2))[0]) <= 1
    rows = [WHOLE.names.index(name) for name in part.names]
    assert rows == sorted(rows)
