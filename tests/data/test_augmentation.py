from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imssa.data import AugmentationConfig, augment, true_frames
from imssa.errors import RecipeError

EVERYTHING = AugmentationConfig(
    speed_percent=30,
    channel_warp_percent=20,
    time_shift_frames=4,
    time_mask_frames=5,
    channel_mask_channels=3,
    noise_std=0.1,
)


def batch(seed: int = 0, items: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Frames numbered from 1, the same in all features, so that moves can be read off."""
    lengths = np.random.default_rng([7, seed]).integers(1, 12, items, endpoint=True)
    frames = np.where(true_frames(lengths, 12), np.arange(1, 13), 0).astype(np.float32)
    return np.repeat(frames[:, :, None], 6, axis=2), lengths


def changed(seed: int = 0, **fields: Any) -> tuple[np.ndarray, np.ndarray]:
    return augment(*batch(), np.random.default_rng(seed), AugmentationConfig(**fields))


def test_nothing_on_changes_nothing() -> None:
    features, lengths = changed()
    assert np.array_equal(features, batch()[0])
    assert np.array_equal(lengths, batch()[1])


@given(st.integers(0, 2**32 - 1))
def test_padding_stays_zero_lengths_stay_in_range_and_the_input_is_kept(seed: int) -> None:
    features, lengths = batch(seed, 20)
    before = features.copy()
    out, new_lengths = augment(features, lengths, np.random.default_rng(seed), EVERYTHING)
    assert np.array_equal(features, before)
    assert out.shape == features.shape
    assert out.dtype == np.float32
    assert ((new_lengths >= 1) & (new_lengths <= 12)).all()
    assert not out[~true_frames(new_lengths, 12)].any()


def test_equal_generators_give_equal_results_and_others_do_not() -> None:
    first, again, other = (
        augment(*batch(), np.random.default_rng(seed), EVERYTHING)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_shifts_move_frames_without_changing_them() -> None:
    features, lengths = changed(time_shift_frames=4)
    seen = set()
    for row, new, old in zip(features[:, :, 0], lengths, batch()[1], strict=True):
        kept = row[row > 0]
        assert np.array_equal(np.diff(kept), np.ones(len(kept) - 1))
        shift = int(np.flatnonzero(row)[0]) - int(kept[0]) + 1
        assert -4 <= shift <= 4
        assert new == min(old + shift, 12)
        seen.add(shift)
    assert seen == set(range(-4, 5))


def test_speed_reads_frames_at_even_steps() -> None:
    """Frames are numbered from 1, so that what is read at place p is 1 + p."""
    features, lengths = changed(speed_percent=30)
    speeds = []
    for row, new, old in zip(features[:, :, 0], lengths, batch()[1], strict=True):
        steps = np.diff(row[:new])
        assert row[0] == 1
        assert np.allclose(steps, steps[:1], atol=1e-5)
        assert row[new - 1] <= old + 1e-5
        if new > 1:
            assert 0.7 <= steps[0] <= 1.3
            speeds.append(float(steps[0]))
            # the next frame would lie behind the last, or behind the padded length
            assert row[new - 1] + steps[0] > old - 1e-4 or new == 12
    assert len(speeds) > 150
    assert abs(np.mean(speeds) - 1) < 4 * 0.3 / np.sqrt(3 * len(speeds))
    assert min(speeds) < 0.75
    assert max(speeds) > 1.25


def test_speed_agrees_with_numpy_row_by_row() -> None:
    drawn = np.random.default_rng(3)
    lengths = drawn.integers(2, 20, 30, endpoint=True)
    features = drawn.standard_normal((30, 20, 2), np.float32)
    features *= true_frames(lengths, 20)[:, :, None]
    found, new = augment(
        features, lengths, np.random.default_rng(4), AugmentationConfig(speed_percent=40)
    )
    speeds = 1 + np.random.default_rng(4).uniform(-0.4, 0.4, 30)
    for row in range(30):
        places = np.arange(20) * speeds[row]
        places = places[places <= lengths[row] - 1 + 1e-9]
        assert new[row] == len(places)
        for feature in range(2):
            values = features[row, : lengths[row], feature]
            slow = np.interp(places, np.arange(lengths[row]), values)
            assert np.allclose(found[row, : new[row], feature], slow, atol=1e-5)


def test_channel_warp_agrees_with_numpy_row_by_row() -> None:
    features = np.random.default_rng(3).standard_normal((30, 4, 9), np.float32)
    lengths = np.full(30, 4)
    found, new = augment(
        features, lengths, np.random.default_rng(4), AugmentationConfig(channel_warp_percent=20)
    )
    assert np.array_equal(new, lengths)
    factors = 1 + np.random.default_rng(4).uniform(-0.2, 0.2, 30)
    for row in range(30):
        for frame in range(4):
            warped = np.interp(np.arange(9) * factors[row], np.arange(9), features[row, frame])
            assert np.allclose(found[row, frame], warped, atol=1e-5)


def test_time_masks_are_one_run_and_leave_a_frame() -> None:
    features, lengths = changed(time_mask_frames=5)
    widths = []
    for row, length in zip(features, lengths, strict=True):
        zero = np.flatnonzero(~row[:length].any(axis=1))
        assert len(zero) <= min(5, length - 1)
        assert len(zero) == 0 or zero[-1] - zero[0] == len(zero) - 1
        widths.append(len(zero))
    assert set(widths) == set(range(6))
    assert np.array_equal(lengths, batch()[1])


def test_channel_masks_are_one_run_over_all_frames() -> None:
    features, _ = changed(channel_mask_channels=3)
    widths = set()
    for row in features:
        zero = np.flatnonzero(row[0] == 0)
        assert np.array_equal(zero, np.flatnonzero(~row.any(axis=0)))
        assert len(zero) == 0 or zero[-1] - zero[0] == len(zero) - 1
        widths.add(len(zero))
    assert widths == {0, 1, 2, 3}


def test_noise_has_the_deviation_asked_for() -> None:
    features, lengths = changed(noise_std=0.5)
    noise = (features - batch()[0])[true_frames(lengths, 12)]
    standard_error = 0.5 / np.sqrt(2 * noise.size)
    assert abs(noise.std() - 0.5) < 4 * standard_error
    assert abs(noise.mean()) < 4 * 0.5 / np.sqrt(noise.size)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time_shift_frames": 12}, "time_shift_frames = 12: it must lie below the padded length"),
        ({"time_mask_frames": 40}, "time_mask_frames = 40: .* 12. Set time_mask_frames below 12"),
        ({"channel_mask_channels": 6}, "channel_mask_channels = 6: .* number of features 6"),
    ],
)
def test_changes_as_large_as_the_sequences_are_refused(
    fields: dict[str, int], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        changed(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"noise_std": 0.0}, "noise_std"),
        ({"time_shift_frames": 0}, "time_shift_frames"),
        ({"speed_percent": 0}, "speed_percent"),
        ({"speed_percent": 60}, "speed_percent"),
        ({"channel_warp_percent": 51}, "channel_warp_percent"),
        ({"warp": 1}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AugmentationConfig.model_validate(fields)
