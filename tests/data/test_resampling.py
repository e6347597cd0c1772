"""Resampling against SciPy's, in blocks of any size."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from imssa.data import FrontEndConfig
from imssa.data.folder import open_folder
from imssa.data.resampling import Resampler, low_pass, resampled
from imssa.data.sources import Request
from imssa.errors import DataError
from tests.data.samples import audio_bytes, tone

RATES = ((8000, 16000), (16000, 8000), (44100, 16000), (22050, 16000), (48000, 16000))


@pytest.mark.parametrize(("low", "high"), RATES)
def test_resampled_is_what_scipy_gives(low: int, high: int) -> None:
    samples = (np.random.default_rng(1).standard_normal(3000) / 20).astype(np.float32)
    common = np.gcd(low, high)
    expected = resample_poly(samples.astype(float), high // common, low // common)
    found = resampled(samples, low, high)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-7


@pytest.mark.parametrize(("low", "high"), RATES)
def test_blocks_give_the_same_samples_in_constant_memory(low: int, high: int) -> None:
    drawn = np.random.default_rng(2)
    samples = (drawn.standard_normal(4000) / 20).astype(np.float32)
    stream, found, at = Resampler(low, high), [], 0
    while at < len(samples):
        size = int(drawn.integers(1, 300))
        found.append(stream.push(samples[at : at + size]))
        at += size
    found.append(stream.finish())
    assert (np.concatenate(found) == resampled(samples, low, high)).all()
    assert len(stream._kept) < 1000


def test_one_rate_changes_nothing() -> None:
    samples = tone(440)
    assert (resampled(samples, 8000, 8000) == samples).all()
    stream = Resampler(8000, 8000)
    assert (stream.push(samples) == samples).all()
    assert not len(stream.finish())


def test_a_folder_of_several_rates_needs_a_rate_in_the_front_end(tmp_path: Path) -> None:
    for word, hertz in (("low", 300), ("high", 900)):
        (tmp_path / word).mkdir()
        for rate in (8000, 16000):
            content = audio_bytes(tone(hertz, 0.3, rate), rate)
            (tmp_path / word / f"{rate}.wav").write_bytes(content)
    source = open_folder(Request(tmp_path))
    assert sorted(look.rate_hertz or 0 for look in source.looks()) == [8000, 8000, 16000, 16000]
    with pytest.raises(DataError, match="sampled at 16000 Hz"):
        source.features(FrontEndConfig())
    features, lengths = source.features(FrontEndConfig(rate_hertz=8000))
    assert len(set(lengths.tolist())) == 1
    middle = features[:, 5:20]
    assert np.abs(middle[0] - middle[1]).max() < 0.7  # one tone at two rates, in nepers


def test_filters_are_kept_for_a_bounded_number_of_rates() -> None:
    bound = low_pass.cache_info().maxsize
    assert bound is not None
    for rate in range(2, bound + 10):
        low_pass(1, rate)
    assert low_pass.cache_info().currsize <= bound
