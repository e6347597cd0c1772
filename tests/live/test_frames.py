"""Frames of a stream are those of the whole recording, frame grid included."""

import numpy as np
import pytest

from imssa.data import FrontEndConfig, log_mel
from imssa.live import FrameStream
from tests.data.samples import recording

CONFIG = FrontEndConfig()


def streamed(samples: np.ndarray, seed: int, longest: int) -> np.ndarray:
    drawn, stream = np.random.default_rng(seed), FrameStream(CONFIG, 8000)
    found, at = [], 0
    while at < len(samples):
        size = int(drawn.integers(1, longest))
        found.append(stream.push(samples[at : at + size])[0])
        at += size
    return np.concatenate([*found, stream.finish()[0]])


@pytest.mark.parametrize("length", [1, 199, 200, 201, 280, 281, 1000, 4321])
@pytest.mark.parametrize("longest", [20, 90, 2000])
def test_frames_are_those_of_the_offline_front_end(length: int, longest: int) -> None:
    samples = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    expected = log_mel(recording(samples), CONFIG)
    found = streamed(samples, length, longest)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


def test_levels_are_powers_in_decibel() -> None:
    time = np.arange(4000) / 8000
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    levels = FrameStream(CONFIG, 8000).push(tone)[1]
    assert np.abs(levels - 10 * np.log10(0.125)).max() < 2.0  # bands overlap to less than 1


def test_memory_does_not_grow() -> None:
    stream = FrameStream(CONFIG, 8000)
    for _ in range(50):
        stream.push(np.zeros(777, np.float32))
    assert len(stream._kept) < 200
