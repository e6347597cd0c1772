"""Events: as the equations say, in pieces of any size, over levels and frequencies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imssa.ear import EarConfig, EarStream, Events, centre_frequencies, hear
from imssa.errors import ShapeError
from tests.reference import ear as reference

RATE_HERTZ = 16_000
SMALL = EarConfig(channels=9, lowest_hertz=150.0, highest_hertz=5000.0)


def noise(samples: int, seed: int = 3) -> np.ndarray:
    return (0.05 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def tone(hertz: float, decibel: float, seconds: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE_HERTZ)) / RATE_HERTZ
    return np.asarray(10 ** (decibel / 20) * np.sin(2 * np.pi * hertz * t), np.float32)


def pairs(events: Events) -> list[tuple[int, int]]:
    return list(zip(events.steps.tolist(), events.units.tolist(), strict=True))


def test_events_are_those_of_the_equations() -> None:
    sound = noise(10_000)
    expected = set(reference.events(sound, RATE_HERTZ, SMALL))
    found = set(pairs(hear(sound, RATE_HERTZ, SMALL)))
    assert len(expected) > 100
    assert len(expected ^ found) <= 0.01 * len(expected)  # float32 against float64 at the threshold
    other = EarConfig(channels=9, lowest_hertz=150.0, highest_hertz=5000.0, adaptation_seconds=0.05)
    moved = set(pairs(hear(sound, RATE_HERTZ, other)))
    assert len(expected ^ moved) > 0.1 * len(expected)


def test_events_come_in_the_order_of_time_and_channel() -> None:
    events = pairs(hear(noise(3000), RATE_HERTZ, EarConfig()))
    assert events == sorted(events)
    assert len(set(events)) == len(events)
    assert {unit for _, unit in events} == set(range(700))


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_pieces_of_any_size_give_the_same_events(cuts: list[int]) -> None:
    sound = noise(2000)
    stream = EarStream(SMALL, RATE_HERTZ)
    parts = [stream.push(part) for part in np.split(sound, sorted(cuts))]
    whole = hear(sound, RATE_HERTZ, SMALL)
    assert np.concatenate([part.steps for part in parts]).tolist() == whole.steps.tolist()
    assert np.concatenate([part.units for part in parts]).tolist() == whole.units.tolist()
    assert stream.steps == 2000


def test_single_samples_give_the_same_events() -> None:
    sound = noise(700)
    stream = EarStream(EarConfig(), RATE_HERTZ)
    parts = [pairs(stream.push(sound[i : i + 1])) for i in range(700)]
    assert [pair for part in parts for pair in part] == pairs(hear(sound, RATE_HERTZ, EarConfig()))


def test_more_events_than_the_buffer_holds() -> None:
    restless = EarConfig(
        *(64, 150.0, 5000.0), adaptation=0.0, refractory_seconds=0.0, membrane_seconds=1e-5
    )
    sound = noise(40_000)
    stream = EarStream(restless, RATE_HERTZ)
    whole = pairs(stream.push(sound))
    assert len(whole) > 2 * stream._room
    again = EarStream(restless, RATE_HERTZ)
    assert [p for part in np.array_split(sound, 40) for p in pairs(again.push(part))] == whole


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 4000.0])
def test_spikes_grow_with_the_level_over_sixty_decibels(hertz: float) -> None:
    levels = np.arange(-60.0, 0.1, 3.0)
    counts = [len(hear(tone(hertz, level), RATE_HERTZ, EarConfig()).units) for level in levels]
    assert counts[0] > 0
    assert np.diff(counts).min() > 0


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 4000.0])
def test_a_faint_tone_is_heard_at_its_own_place(hertz: float) -> None:
    units = hear(tone(hertz, -55.0), RATE_HERTZ, EarConfig()).units
    heard = centre_frequencies(EarConfig())[np.median(units).astype(int)]
    assert heard == pytest.approx(hertz, rel=0.08)


def test_a_steady_tone_is_answered_less_and_less() -> None:
    one = EarConfig(channels=1, lowest_hertz=1000.0, highest_hertz=1000.0)
    seconds = hear(tone(1000.0, -20.0, 1.0), RATE_HERTZ, one).times_seconds()
    intervals = np.diff(seconds)
    assert intervals[0] < 0.5 * intervals[-5:].mean()
    assert intervals.min() >= one.refractory_seconds
    late = np.diff(seconds[seconds > 0.5])
    assert late.std() < 0.2 * late.mean()  # it has settled


def test_silence_is_not_answered_and_ends_in_rest() -> None:
    stream = EarStream(SMALL, RATE_HERTZ)
    stream.push(noise(2000))
    stream.push(np.zeros(RATE_HERTZ, np.float32))
    assert len(stream.push(np.zeros(RATE_HERTZ, np.float32)).units) == 0
    assert not stream._states[:, :10].any()  # no numbers so small that they are slow
    assert len(hear(np.zeros(0, np.float32), RATE_HERTZ, SMALL).units) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_no_number_is_refused_and_not_heard(value: float) -> None:
    stream = EarStream(SMALL, RATE_HERTZ)
    bad = noise(100)
    bad[7] = value
    with pytest.raises(ShapeError, match="sound with sample 7 not finite"):
        stream.push(bad)
    assert pairs(stream.push(noise(2000))) == pairs(hear(noise(2000), RATE_HERTZ, SMALL))
