"""Pairs with a stuck device still hold their weights, as the simulated devices tell."""

import itertools

import numpy as np
import pytest

from imssa.hardware import ChipDescription
from imssa.hardware.pairs import pair_targets
from imssa.mapping.differential import common_mode, held_intervals, mirrored, pair_kinds
from tests.reference.networks import chip_with

STATES = (0, 1, -1, -2)
PAIRS = list(itertools.product(STATES, STATES))


def conductance_of(state: int, target: float, chip: ChipDescription) -> float:
    """What a device holds after an exact writing."""
    held = {1: chip.g_max_siemens, -1: chip.g_min_siemens, -2: 0.0}
    return held.get(state, target)


@pytest.mark.parametrize("bottom", [0.0, 25e-6])
@pytest.mark.parametrize("largest", [1, 7])
@pytest.mark.parametrize("states", PAIRS)
def test_the_partner_brings_the_weight_as_near_as_it_can(
    states: tuple[int, int], largest: int, bottom: float
) -> None:
    """Against trying every common mode: none comes nearer."""
    chip = chip_with().model_copy(update={"g_min_siemens": bottom})
    step = np.array([chip.window_siemens / largest])
    defects = np.array([states], np.int8)
    for weight in range(-largest, largest + 1):
        codes = np.array([[weight]])

        def distance(common: int, codes: np.ndarray = codes, weight: int = weight) -> float:
            targets = pair_targets(codes, step, bottom, np.array([[common]]))[0]
            assert targets.max() <= chip.g_max_siemens * (1 + 1e-12)
            plus, minus = (conductance_of(s, t, chip) for s, t in zip(states, targets, strict=True))
            return abs(float((plus - minus) / step[0]) - weight)

        chosen = int(common_mode(codes, np.array([largest]), defects)[0, 0])
        room = largest - abs(weight)
        assert 0 <= chosen <= room
        best = min(distance(common) for common in range(room + 1))
        assert distance(chosen) == pytest.approx(best, abs=1e-9)
        low, high = held_intervals(chip)[pair_kinds(defects)[0, 0]] * largest
        outside = max(low - weight, weight - high, 0.0)
        if bottom == 0.0:
            assert best == pytest.approx(outside, abs=1e-9)
        else:  # an open device is no whole number of steps below the bottom
            assert best >= outside - 1e-9


@pytest.mark.parametrize("states", PAIRS)
def test_negating_a_weight_is_exchanging_the_devices(states: tuple[int, int]) -> None:
    chip = chip_with().model_copy(update={"g_min_siemens": 1e-5})
    kind = pair_kinds(np.array([states], np.int8))
    other = pair_kinds(np.array([states[::-1]], np.int8))
    assert mirrored(kind) == other
    low, high = held_intervals(chip)[kind[0, 0]]
    assert held_intervals(chip)[other[0, 0]].tolist() == [-high, -low]
