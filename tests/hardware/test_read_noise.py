"""Read noise: devices that differ, and how its variance reaches the weights."""

import numpy as np
import pytest
from scipy import stats

from imssa.errors import ShapeError
from imssa.hardware import load_chip, write_devices
from imssa.hardware.devices import (
    DeadLines,
    PowerReadNoise,
    PowerSpreadReadNoise,
    RelativeReadNoise,
)
from imssa.hardware.pairs import read_variance
from imssa.kernels.random import Key

TYPICAL = PowerReadNoise(slope=0.782, intercept=-2.168, frozen_above_siemens=50e-6)
HARSH = PowerSpreadReadNoise(slope=0.782, intercept=-2.168, frozen_above_siemens=50e-6)
CHIPS = np.arange(20)
TAOX = load_chip("taox-64")
STEP = np.full(32, 150e-6)
TARGETS = np.random.default_rng(1).uniform(0, 150e-6, (64, 64))


def test_harsh_devices_are_noisy_or_quiet_for_good() -> None:
    """Mao et al.: exp(z) with unit z; the root mean square is e times a typical device's."""
    chip = TAOX.model_copy(update={"read_noise": HARSH})
    first, again = (write_devices(TARGETS, chip, Key.root(2), CHIPS) for _ in range(2))
    assert first.noise_factor is not None
    assert again.noise_factor is not None
    assert np.array_equal(first.noise_factor, again.noise_factor)
    logs = np.log(first.noise_factor.ravel())
    assert stats.kstest(logs, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(logs[:-1], logs[1:])[0, 1]) < 4 / np.sqrt(logs.size)
    G = first.conductance_siemens
    ratio = HARSH.sigma_of(G, first.noise_factor) / np.maximum(TYPICAL.sigma(G), 1e-30)
    assert np.median(ratio) == pytest.approx(1.0, rel=4 * 1.2533 / np.sqrt(G.size))


def test_harsh_devices_of_an_instance_are_the_same_in_any_company() -> None:
    chip = TAOX.model_copy(update={"read_noise": HARSH})
    together = write_devices(TARGETS, chip, Key.root(3), np.array([7, 2])).noise_factor
    alone = write_devices(TARGETS, chip, Key.root(3), np.array([2])).noise_factor
    assert together is not None
    assert alone is not None
    assert np.array_equal(together[1], alone[0])


def test_variance_of_a_harsh_pair_is_that_of_its_two_devices() -> None:
    chip = TAOX.model_copy(update={"read_noise": HARSH})
    devices = write_devices(TARGETS, chip, Key.root(4), CHIPS[:2])
    G, factor = devices.conductance_siemens, devices.noise_factor
    assert factor is not None
    one = (TYPICAL.sigma(G) * factor) ** 2
    expected = (one[..., 0::2] + one[..., 1::2]) / STEP**2
    assert read_variance(G, chip, STEP, factor) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_forgotten_factors_are_noticed() -> None:
    chip = TAOX.model_copy(update={"read_noise": HARSH})
    devices = write_devices(TARGETS, chip, Key.root(5), CHIPS[:1])
    with pytest.raises(ShapeError, match="noise_factor"):
        read_variance(devices.conductance_siemens, chip, STEP)


def test_typical_devices_need_no_factor() -> None:
    devices = write_devices(TARGETS, TAOX, Key.root(6), CHIPS[:1])
    assert devices.noise_factor is None
    assert write_devices(TARGETS, TAOX.only(), Key.root(6), CHIPS[:1]).noise_factor is None


def test_open_devices_are_silent() -> None:
    """Even where the law is the same at all conductances."""
    law = RelativeReadNoise(sigma_siemens=1.5e-6)
    dead = DeadLines(word_line_rate=0.3)
    chip = TAOX.only().model_copy(update={"read_noise": law, "dead_lines": dead})
    devices = write_devices(TARGETS, chip, Key.root(7), CHIPS)
    variance = read_variance(devices.conductance_siemens, chip, STEP, devices.noise_factor)
    silent = devices.defects[..., 0::2] == -2
    assert 0 < silent.mean() < 1
    assert not np.broadcast_to(variance, silent.shape)[silent].any()
    loud = np.broadcast_to(variance, silent.shape)[~silent]
    assert loud == pytest.approx(2 * (1.5e-6 / 150e-6) ** 2, rel=1e-3)
