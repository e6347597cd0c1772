"""The filter bank against SciPy's gammatone filters and the closed form."""

import numpy as np
import pytest
import scipy.signal

from imssa.ear import EarConfig, bandwidth_hertz, centre_frequencies, filtered
from imssa.errors import RecipeError
from tests.reference.ear import impulse_responses

BANK = EarConfig(channels=7, lowest_hertz=100.0, highest_hertz=6500.0)
LENGTH = 8192


def responses(config: EarConfig = BANK, rate_hertz: int = 16_000) -> np.ndarray:
    """Impulse responses of our filters, (channels, LENGTH)."""
    impulse = np.zeros(LENGTH, np.float32)
    impulse[0] = 1
    return filtered(impulse, rate_hertz, config).T.astype(np.float64)


def far(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference in any channel, relative to the channel's largest value."""
    return float((np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max())


@pytest.mark.parametrize("rate_hertz", [16_000, 22_050, 48_000])
def test_impulse_responses_are_samples_of_the_closed_form(rate_hertz: int) -> None:
    expected = impulse_responses(BANK, rate_hertz, LENGTH)
    assert far(responses(rate_hertz=rate_hertz), expected) < 2e-5
    moved = EarConfig(channels=7, lowest_hertz=101.0, highest_hertz=6500.0)
    assert far(responses(moved, rate_hertz), expected) > 1e-3


def test_impulse_responses_are_those_of_scipy() -> None:
    found = responses()
    for frequency, ours in zip(centre_frequencies(BANK), found, strict=True):
        taps, _ = scipy.signal.gammatone(frequency, "fir", fs=16_000, numtaps=LENGTH)
        scale = taps @ ours / (ours @ ours)  # SciPy's gain is 1 but for the mirror image
        assert scale == pytest.approx(1.0, abs=2e-3)
        assert far(scale * ours[None], taps[None]) < 1e-4


def test_frequency_responses_are_those_of_scipys_recursive_filter() -> None:
    hertz = np.fft.rfftfreq(LENGTH, 1 / 16_000)
    found = np.abs(np.fft.rfft(responses(), axis=1))
    for frequency, ours in zip(centre_frequencies(BANK)[1:-1], found[1:-1], strict=True):
        numerator, denominator = scipy.signal.gammatone(frequency, "iir", fs=16_000)
        theirs = np.abs(scipy.signal.freqz(numerator, denominator, hertz, fs=16_000)[1])
        band = theirs > 0.1  # down to -20 dB; below, its zeros are placed otherwise
        decibel = 20 * np.log10(ours[band] / theirs[band])
        assert np.abs(decibel).max() < 0.6


def test_gain_is_one_at_the_centre_and_half_power_lies_at_the_bandwidth() -> None:
    found = responses()
    n = np.arange(LENGTH)
    for frequency, ours in zip(centre_frequencies(BANK), found, strict=True):

        def gain(hertz: float, ours: np.ndarray = ours) -> float:
            return float(np.abs(ours @ np.exp(-2j * np.pi * hertz * n / 16_000)))

        assert gain(frequency) == pytest.approx(1.0, abs=1e-4)
        # |1 + i d / b|^-4 = 2^-1/2 where d = b (2^1/4 - 1)^1/2
        half = 1.019 * bandwidth_hertz(np.array([frequency]))[0] * np.sqrt(2**0.25 - 1)
        for side in (-half, half):
            assert gain(frequency + side) == pytest.approx(np.sqrt(0.5), rel=0.02)


def test_channels_lie_evenly_on_the_bandwidth_scale() -> None:
    f = centre_frequencies(EarConfig())
    assert len(f) == 700
    assert f[[0, -1]] == pytest.approx([60.0, 7000.0])
    steps = np.diff(f) / bandwidth_hertz((f[1:] + f[:-1]) / 2)
    assert steps == pytest.approx(np.full(699, steps[0]), rel=1e-4)


def test_bandwidth_at_one_kilohertz_is_that_of_the_paper() -> None:
    assert bandwidth_hertz(np.array([1000.0]))[0] == pytest.approx(132.6, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"channels": 0}, "channels = 0: it lies from 1 to 65536"),
        ({"roots": 9}, "roots = 9"),
        ({"drive": float("nan")}, "drive = nan"),
        ({"membrane_seconds": 0.0}, "membrane_seconds = 0"),
        ({"lowest_hertz": 8000.0}, "channels from 8000 to 7000 Hz: the lowest frequency stands"),
    ],
)
def test_parameters_out_of_range_are_refused(changes: dict[str, float], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        EarConfig(**changes)  # type: ignore[arg-type]


def test_rate_without_room_for_the_highest_channel_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"at 8000 Hz with channels up to 6500 Hz.* to 3500 Hz"):
        responses(rate_hertz=8000)
