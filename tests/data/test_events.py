"""Spikes as events: one step each, with the true interval; judged by a loop over spikes."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.data import DataConfig, load, load_dataset, normalize
from imssa.data.events import EventFrontEnd, as_events
from imssa.ear import encode_folder
from imssa.errors import DataError
from tests.data.files import spike_arrays, write_spike_parts, write_spikes
from tests.ear.samples import SMALL, write_words


def slow(times: np.ndarray, channels: np.ndarray, config: EventFrontEnd) -> np.ndarray:
    """Spike by spike."""
    rows: list[list[int]] = []
    began = previous = 0.0
    for time, channel in zip(times.astype(float).tolist(), channels.tolist(), strict=True):
        joined = rows and (time == began or time < began + config.group_seconds)
        if not joined:
            if len(rows) == config.max_frames:
                break
            previous, began = began, time
            interval = 16 * math.log2(1 + (began - previous) / config.unit_seconds)
            rows.append([0] * (config.n_features - 1) + [min(255, round(interval))])
        rows[-1][channel // config.channels_summed] += 1
    return np.array(rows or [[0] * config.n_features])


@given(
    seed=st.integers(0, 999),
    summed=st.sampled_from([1, 7, 100, 700]),
    group=st.sampled_from([0.0, 1e-20, 1e-4, 1e-3, 0.05, 5.0]),
    max_frames=st.integers(1, 40),
)
def test_steps_equal_those_made_spike_by_spike(
    seed: int, summed: int, group: float, max_frames: int
) -> None:
    config = EventFrontEnd(channels_summed=summed, group_seconds=group, max_frames=max_frames)
    made = spike_arrays(seed, 1)
    times = np.round(made["times"][0], 2).astype(np.float16)
    channels = made["units"][0].astype(np.int64)
    assert np.array_equal(as_events(times, channels, config), slow(times, channels, config))


def test_intervals_can_be_read_back() -> None:
    """To half a step of a sixteenth of an octave, from one unit to the largest."""
    config = EventFrontEnd(n_channels=1, channels_summed=1, group_seconds=0)
    times = np.cumsum(np.geomspace(1e-4, 6.0, 200))
    steps = as_events(times, np.zeros(200, np.int64), config)
    read = config.unit_seconds * (2 ** (steps[:, -1] / 16) - 1)
    true = np.diff(times, prepend=0.0)
    error = np.log2((read + 1e-4) / (true + 1e-4))
    assert np.abs(error).max() <= 1 / 32 + 1e-9
    assert (steps[:, 0] == 1).all()


def test_what_is_too_large_for_a_byte_is_255() -> None:
    config = EventFrontEnd(n_channels=1, channels_summed=1, unit_seconds=1e-6, max_frames=2)
    times = np.concatenate([[3000.0], np.full(300, 3000.0)])
    assert as_events(times, np.zeros(301, np.int64), config).tolist() == [[255, 255]]


def test_no_spike_is_one_step_of_nothing() -> None:
    found = as_events(np.zeros(0), np.zeros(0, np.int64), EventFrontEnd())
    assert found.shape == (1, 71)
    assert not found.any()


def config(root: Path, **front_end: Any) -> DataConfig:
    fields = {"kind": "events", **front_end}
    return DataConfig.model_validate({"kind": "spikes", "root": root, "front_end": fields})


def test_files_are_read_as_events(tmp_path: Path) -> None:
    dataset = load_dataset(config(write_spike_parts(tmp_path), group_seconds=0))
    made = spike_arrays(0, 12)
    assert dataset.features.shape == (22, 512, 71)
    assert dataset.features.dtype == np.uint8
    assert dataset.features[:12, :, :-1].sum(axis=(1, 2)).tolist() == [
        len(t) for t in made["times"]
    ]
    assert dataset.lengths[:12].tolist() == [len(np.unique(t)) for t in made["times"]]


def test_later_events_are_left_out_and_the_length_is_bounded(tmp_path: Path) -> None:
    dataset = load_dataset(config(write_spike_parts(tmp_path), max_frames=3))
    assert dataset.features.shape[1] == 3
    assert dataset.lengths.max() == 3


def test_channels_out_of_range_are_named(tmp_path: Path) -> None:
    write_spikes(tmp_path / "all.h5", spike_arrays(0, 4))
    with pytest.raises(DataError, match="channels 0 to 9"):
        load_dataset(config(tmp_path / "all.h5", n_channels=10))


def test_from_recordings_through_the_ear_to_normalized_events(tmp_path: Path) -> None:
    for part in ("train", "test"):
        folder = write_words(tmp_path / part)
        encode_folder(folder, tmp_path / f"made_{part}.h5", SMALL, lambda *_: None, 1)
    asked = config(tmp_path, n_channels=40, channels_summed=4, max_frames=200)
    split = load(asked, np.random.default_rng(0))
    assert split.train.n_features == 11
    assert split.train.lengths.min() > 20
    normal, _ = normalize(split)
    assert normal.train.features.dtype == np.float32
    kept = np.arange(200) < normal.train.lengths[:, None]
    assert np.abs(normal.train.features[kept].mean(axis=0)).max() < 1e-4
