"""The gate: where it opens, where it closes, what it forgets."""

import math

import numpy as np
import pytest

from imssa.errors import RecipeError
from imssa.live import Gate, GateConfig
from imssa.live.gate import NoiseFloor, Stretch

HOP = 0.01
USUAL = GateConfig()


def stretches(levels: list[float], config: GateConfig = USUAL) -> list[Stretch]:
    gate = Gate(config, HOP)
    found = [gate.push(level) for level in levels]
    return [one for one in [*found, gate.close()] if one is not None]


def test_a_word_between_silences_is_found_to_the_frame() -> None:
    levels = [-60.0] * 100 + [-30.0] * 40 + [-60.0] * 100
    assert stretches(levels) == [Stretch(100, 140)]


def test_a_stop_within_a_word_does_not_end_it_and_a_pause_does() -> None:
    stop = [-60.0] * 50 + [-30.0] * 20 + [-60.0] * 15 + [-30.0] * 20 + [-60.0] * 50
    assert stretches(stop) == [Stretch(50, 105)]
    pause = [-60.0] * 50 + [-30.0] * 20 + [-60.0] * 30 + [-30.0] * 20 + [-60.0] * 50
    assert stretches(pause) == [Stretch(50, 70), Stretch(100, 120)]


def test_hysteresis_keeps_what_lies_between_the_thresholds() -> None:
    fading = [-60.0] * 50 + [-30.0] * 10 + [-52.0] * 30 + [-60.0] * 50
    assert stretches(fading) == [Stretch(50, 90)]
    never_loud = [-60.0] * 50 + [-52.0] * 30 + [-60.0] * 50
    assert stretches(never_loud) == []


def test_clicks_are_no_words() -> None:
    click = [-60.0] * 50 + [-20.0] + [-60.0] * 50
    tick = [-60.0] * 50 + [-20.0] * 3 + [-60.0] * 50
    assert stretches(click) == stretches(tick) == []


def test_the_floor_follows_steady_noise() -> None:
    """Noise that sets in opens the gate once, and is background after that."""
    noise = [-60.0] * 300 + [-40.0] * 1000 + [-20.0] * 30 + [-40.0] * 100
    found = stretches(noise)
    assert found[-1] == Stretch(1300, 1330)
    assert all(one.end <= 300 + 300 + 200 for one in found[:-1])


def test_digital_silence_is_no_yardstick() -> None:
    assert stretches([-100.0] * 100 + [-70.0] * 100 + [-100.0] * 50) == []


def test_what_never_ends_is_cut() -> None:
    levels = [-60.0] * 50 + [-30.0] * 500
    found = stretches(levels, GateConfig(longest_seconds=1.0))
    assert found[:2] == [Stretch(50, 150, cut=True), Stretch(150, 250, cut=True)]


@pytest.mark.parametrize(("frames", "cut"), [(90, False), (99, False), (130, True)])
def test_what_ends_by_itself_is_not_cut(frames: int, cut: bool) -> None:
    """Also where the silence that ends it lies beyond the longest word; the rest of a cut word is marked."""
    levels = [-60.0] * 50 + [-30.0] * frames + [-60.0] * 60
    found = stretches(levels, GateConfig(longest_seconds=1.0))
    assert [one.end - one.begin for one in found] == ([100, 30] if cut else [frames])
    assert [one.cut for one in found] == [cut] * len(found)


def test_the_floor_is_the_smallest_of_a_window() -> None:
    drawn = np.random.default_rng(0).uniform(-80, -20, 400)
    floor = NoiseFloor(frames=25, smoothed=1)
    found = [floor.push(float(level)) for level in drawn]
    assert np.allclose(found, [drawn[max(0, i - 24) : i + 1].min() for i in range(400)])
    assert len(floor._rising) <= 25


@pytest.mark.parametrize(
    "wrong",
    [
        {"close_decibel": 12.0},
        {"close_decibel": 0.0},
        {"hang_seconds": 0.0},
        {"longest_seconds": 0.05},
        {"longest_seconds": math.inf},
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="gate"):
        GateConfig(**wrong)
