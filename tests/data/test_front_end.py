import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from imssa.data import FrontEndConfig, log_mel
from imssa.data.front_end import (
    band_edges_hertz,
    extract,
    hertz_from_mel,
    loudest_stretch,
    mel_filters,
    mel_from_hertz,
    power_spectra,
)
from imssa.errors import RecipeError
from tests.data.samples import recording, tone

CONFIG = FrontEndConfig()
NOISE = np.random.default_rng(1).uniform(-1, 1, 1000).astype(np.float32)


def slow_log_mel(samples: np.ndarray, config: FrontEndConfig, rate_hertz: int) -> np.ndarray:
    """The same by loops and a matrix of the discrete Fourier transform, as in a textbook."""
    frame, hop = round(config.frame_seconds * rate_hertz), round(config.hop_seconds * rate_hertz)
    points = 256
    n, k = np.arange(frame), np.arange(points // 2 + 1)
    dft = np.exp(-2j * np.pi * np.outer(k, n) / points)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (n + 0.5) / frame)
    edges = np.linspace(
        2595 * np.log10(1 + config.min_hertz / 700), 2595 * np.log10(1 + 4000 / 700), 18
    )
    rows = []
    start = 0
    while True:
        piece = np.zeros(frame)
        taken = samples[start : start + frame]
        piece[: len(taken)] = taken
        power = np.abs(dft @ (window * piece)) ** 2 / (points * (window**2).sum())
        power[1:-1] *= 2
        row = []
        for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
            band = 0.0
            for bin_index in k:
                mel = 2595 * np.log10(1 + bin_index * rate_hertz / points / 700)
                rise, fall = (mel - low) / (centre - low), (high - mel) / (high - centre)
                band += max(0.0, min(rise, fall)) * power[bin_index]
            row.append(np.log(band + config.floor_power))
        rows.append(row)
        if start + frame >= len(samples):
            return np.array(rows)
        start += hop


def test_features_equal_the_textbooks() -> None:
    ours = log_mel(recording(NOISE), CONFIG)
    theirs = slow_log_mel(NOISE, CONFIG, 8000)
    assert ours.shape == theirs.shape == (11, 16)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_textbook_notices_a_wrong_window() -> None:
    theirs = slow_log_mel(NOISE * np.float32(1.001), CONFIG, 8000)
    assert not np.allclose(log_mel(recording(NOISE), CONFIG), theirs, rtol=1e-6)


def test_mel_scale_against_published_values() -> None:
    hertz = np.array([0.0, 1000.0, 4000.0, 8000.0])
    np.testing.assert_allclose(mel_from_hertz(hertz), [0, 999.99, 2146.06, 2840.02], atol=0.01)
    np.testing.assert_allclose(hertz_from_mel(mel_from_hertz(hertz)), hertz, atol=1e-9)


@given(st.floats(150, 3600))
def test_tone_is_strongest_in_the_band_with_the_nearest_centre(hertz: float) -> None:
    centres = mel_from_hertz(band_edges_hertz(CONFIG, 8000))[1:-1]
    distance = np.sort(np.abs(centres - mel_from_hertz(np.array([hertz]))))
    assume(distance[1] - distance[0] > 40)
    features = log_mel(recording(tone(hertz)), CONFIG)
    nearest = np.argmin(np.abs(centres - mel_from_hertz(np.array([hertz]))))
    assert features[5].argmax() == nearest


@given(st.integers(0, 2**32 - 1))
def test_powers_sum_to_the_mean_square_under_the_window(seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, 200).astype(np.float32)
    window = np.sin(np.pi * (np.arange(200) + 0.5) / 200) ** 2
    mean_square = ((window * samples) ** 2).sum() / (window**2).sum()
    power = power_spectra(samples, CONFIG, 8000)
    assert power.shape == (1, 129)
    assert power.sum() == pytest.approx(mean_square, rel=1e-9)


def test_inner_bands_share_every_frequency_fully() -> None:
    edges = band_edges_hertz(CONFIG, 8000)
    hertz = np.arange(129) * 8000 / 256
    inside = (hertz >= edges[1]) & (hertz <= edges[-2])
    np.testing.assert_allclose(mel_filters(CONFIG, 8000).sum(axis=0)[inside], 1, atol=1e-12)


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (200, 1), (201, 2), (280, 2), (281, 3), (8000, 99)]
)
def test_every_sample_lies_in_a_frame(samples: int, frames: int) -> None:
    assert len(log_mel(recording(tone(440, samples / 8000)), CONFIG)) == frames


def test_last_sample_counts() -> None:
    click = np.zeros(1001, np.float32)
    click[-20] = 1
    features = log_mel(recording(click), CONFIG)
    assert features[-1].max() > features[0].max()


def test_long_recordings_keep_their_loudest_stretch() -> None:
    quiet = np.random.default_rng(2).normal(0, 1e-4, 8000).astype(np.float32)
    samples = quiet.copy()
    samples[4000:5600] += tone(700, 0.2)
    config = FrontEndConfig(max_frames=20)
    kept = loudest_stretch(log_mel(recording(samples), config), 20)
    start = next(
        s
        for s in range(99)
        if np.array_equal(log_mel(recording(samples), config)[s : s + 20], kept)
    )
    assert 47 <= start <= 51


def test_short_recordings_are_padded_with_zeros() -> None:
    pieces = [recording(tone(440, seconds)) for seconds in (0.1, 0.2, 2.0)]
    features, lengths = extract(pieces, CONFIG)
    assert features.shape == (3, 64, 16)
    assert lengths.tolist() == [9, 19, 64]
    assert not features[0, 9:].any()
    assert np.array_equal(features[1, :19], log_mel(pieces[1], CONFIG))


def test_with_a_peak_floor_the_level_of_a_recording_does_not_matter() -> None:
    config = FrontEndConfig(max_frames=20, floor_power=1e-16, peak_floor=1e-5)
    samples = (tone(700, 0.6) * np.linspace(0, 1, 4800) ** 2).astype(np.float32)
    features, lengths = extract([recording(samples), recording(samples / 32)], config)
    np.testing.assert_allclose(features[0], features[1], atol=1e-4)
    powers = np.exp(log_mel(recording(samples), config).astype(float))[-20:]
    np.testing.assert_allclose(features[0], np.log(powers / powers.max() + 1e-5), atol=1e-4)
    assert lengths.tolist() == [20, 20]


def test_silence_with_a_peak_floor_is_finite() -> None:
    silence = recording(np.zeros(800, np.float32))
    assert np.allclose(extract([silence], FrontEndConfig(peak_floor=1e-5))[0], 0, atol=1e-4)


def test_no_recordings_give_no_items() -> None:
    features, lengths = extract([], CONFIG)
    assert (features.shape, lengths.shape) == ((0, 64, 16), (0,))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (FrontEndConfig(n_mels=128), "n_mels = 128 .* band 2 is narrower than the 31.25 Hz"),
        (FrontEndConfig(max_hertz=5000), "50 to 5000 Hz: a recording at 8000 Hz holds .* 4000 Hz"),
        (FrontEndConfig(min_hertz=4000), "front end from 4000 to 4000 Hz"),
    ],
)
def test_front_ends_that_do_not_fit_the_rate_are_refused(
    config: FrontEndConfig, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        log_mel(recording(tone(440)), config)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_mels": 0}, "n_mels"),
        ({"hop_seconds": 0.05}, "hop_seconds = 0.05: a hop longer than a frame skips samples. Set"),
        ({"max_hertz": 20}, "max_hertz = 20: the upper edge lies above the lower. Set max_hertz"),
        ({"floor_power": 0}, "floor_power"),
        ({"peak_floor": 1}, "peak_floor"),
        ({"max_frames": 0}, "max_frames"),
        ({"mels": 3}, "Extra inputs are not permitted"),
        ({"min_hertz": float("nan")}, "finite number"),
    ],
)
def test_wrong_settings_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FrontEndConfig.model_validate(fields)


def test_both_faults_are_reported_at_once() -> None:
    with pytest.raises(ValidationError, match=r"hop_seconds = 1: .* max_hertz = 20: "):
        FrontEndConfig(hop_seconds=1, max_hertz=20)
