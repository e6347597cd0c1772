import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.data import Normalization, normalize, split_fold
from imssa.errors import ShapeError
from tests.data.samples import made_dataset


def padded(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 8, 5, endpoint=True)
    features = generator.normal(3, 2, (5, 8, 2)).astype(np.float32)
    features[np.arange(8) >= lengths[:, None]] = 0
    return features, lengths


@given(st.integers(0, 2**32 - 1))
def test_true_frames_get_mean_zero_and_deviation_one(seed: int) -> None:
    features, lengths = padded(seed)
    applied = Normalization.fit(features, lengths).apply(features, lengths)
    frames = np.concatenate([row[:count] for row, count in zip(applied, lengths, strict=True)])
    assert np.abs(frames.mean(axis=0)).max() < 1e-5
    if len(frames) > 5:
        np.testing.assert_allclose(frames.std(axis=0), 1, rtol=1e-4)
    assert applied.dtype == np.float32
    assert not applied[np.arange(8) >= lengths[:, None]].any()


def test_feature_that_never_changes_becomes_zero() -> None:
    features = np.full((2, 3, 1), 7.1, np.float32)
    norm = Normalization.fit(features, np.array([3, 3]))
    assert norm.std.tolist() == [1.0]
    assert np.abs(norm.apply(features, np.array([3, 3]))).max() < 1e-6


def test_only_the_training_part_counts() -> None:
    split = split_fold(made_dataset(), 3, 0.1, np.random.default_rng(0))
    normalized, norm = normalize(split)
    frames = split.train.features[:, 0]
    np.testing.assert_allclose(norm.mean, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(norm.std, frames.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        normalized.test.features[:, 0], (split.test.features[:, 0] - norm.mean) / norm.std
    )
    assert normalized.validation.names == split.validation.names


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ([0.0], [1.0, 1.0], r"mean of shape \(1,\) and std of shape \(2,\)"),
        ([np.nan], [1.0], "both hold one finite number per feature"),
        ([0.0], [0.0], "std of 0: a deviation is positive"),
    ],
)
def test_bad_values_are_refused(mean: list[float], std: list[float], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Normalization(np.array(mean, np.float32), np.array(std, np.float32))


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(ShapeError, match="no items: a normalization is learned from at least one"):
        Normalization.fit(np.zeros((0, 3, 1), np.float32), np.zeros(0, np.int64))


def test_another_number_of_features_is_refused() -> None:
    norm = Normalization(np.zeros(2, np.float32), np.ones(2, np.float32))
    with pytest.raises(ShapeError, match="3 features a frame: this normalization was fitted to 2"):
        norm.apply(np.zeros((1, 4, 3), np.float32), np.array([4]))


def test_bytes_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.random.default_rng(0)
    lengths = drawn.integers(1, 9, 40, endpoint=True)
    counts = drawn.integers(0, 255, (40, 9, 3), np.uint8)
    counts[np.arange(9) >= lengths[:, None]] = 0
    floats = counts.astype(np.float32)
    whole = Normalization.fit(floats, lengths)
    frames = floats[np.arange(9) < lengths[:, None]].astype(np.float64)
    assert np.array_equal(whole.mean, frames.mean(axis=0).astype(np.float32))
    assert np.array_equal(whole.std, frames.std(axis=0).astype(np.float32))
    assert np.array_equal(whole.apply(counts, lengths), whole.apply(floats, lengths))
    monkeypatch.setattr("imssa.data.normalization.BLOCK_VALUES", 100)
    parted = Normalization.fit(counts, lengths)
    assert np.array_equal(parted.mean, whole.mean)
    np.testing.assert_allclose(parted.std, whole.std, rtol=1e-6)
