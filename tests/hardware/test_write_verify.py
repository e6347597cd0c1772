"""The pulse loop: against a slow loop device by device, and what it promises."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imssa.hardware import StuckDevices, WrittenDevices, load_chip, write_devices
from imssa.hardware.devices import (
    IncrementPulse,
    PowerReadNoise,
    ProportionalPulse,
    Pulse,
    WriteVerifyProgramming,
)
from imssa.hardware.law import Draws
from imssa.hardware.writing_law import Cells
from imssa.kernels.random import Key

MICRO = 1e-6
TOLERANCE = 5e-6
TAOX = load_chip("taox-64").only()
NOISE = PowerReadNoise(slope=0.782, intercept=-2.168, frozen_above_siemens=50e-6)
SHARE = ProportionalPulse(set_share=0.7, reset_share=0.5, spread=0.3, least_siemens=1e-6)
AIMED = ProportionalPulse(set_share=1.0, reset_share=1.0, spread=0.3, least_siemens=5e-6)
STEPS = IncrementPulse(set_siemens=3e-6, reset_siemens=2e-6, growth=0.5, spread=0.4)
CHIPS = np.arange(20)

Floats = NDArray[np.float64]


def law(pulse: Pulse = SHARE, **changes: Any) -> WriteVerifyProgramming:
    return WriteVerifyProgramming(tolerance_siemens=TOLERANCE, pulse=pulse, **changes)


def weights(seed: int) -> tuple[Floats, Floats]:
    """Random signed weights in siemens, and the targets of their pairs."""
    values = np.random.default_rng(seed).uniform(-150e-6, 150e-6, (64, 32))
    pairs = np.stack([np.maximum(values, 0), np.maximum(-values, 0)], -1)
    return values, pairs.reshape(64, 64)


def written(
    programming: WriteVerifyProgramming,
    targets: Floats,
    stuck: StuckDevices | None = None,
    chips: NDArray[np.int64] = CHIPS,
) -> WrittenDevices:
    chip = TAOX.model_copy(update={"programming": programming, "stuck": stuck})
    return write_devices(targets, chip, Key.root(1), chips)


def weight_errors(devices: WrittenDevices, values: Floats) -> Floats:
    G = devices.conductance_siemens
    return np.asarray(G[..., 0::2] - G[..., 1::2] - values)


def slow_loop(
    programming: WriteVerifyProgramming, target: float, held: float, numbers: Any
) -> tuple[float, int, bool]:
    """One device, one pulse after the other."""
    conductance = 0.0 if np.isnan(held) else held
    pulses, run, direction = 0, 0, 0.0
    while True:
        noise = programming.verify_noise
        sigma = 0.0 if noise is None else float(noise.sigma(np.array([conductance]))[0])
        read = conductance + sigma * numbers("verify", pulses)
        if abs(target - read) <= programming.tolerance_siemens:
            return conductance, pulses, False
        if pulses == programming.max_pulses:
            return conductance, pulses, True
        aim = min(max(target, 0.0), 150e-6) - read
        run = run + 1 if np.sign(aim) == direction else 0
        direction = np.sign(aim)
        z, up = numbers("pulse", pulses), aim > 0
        pulse = programming.pulse
        if isinstance(pulse, ProportionalPulse):
            mean = aim * (pulse.set_share if up else pulse.reset_share)
            step = mean + max(pulse.spread * abs(mean), pulse.least_siemens) * z
        else:
            assert isinstance(pulse, IncrementPulse)
            first = pulse.set_siemens if up else -pulse.reset_siemens
            step = first * (1 + pulse.growth * run) * (1 + pulse.spread * z)
        if np.isnan(held):
            conductance = max(conductance + step, 0.0)
        pulses += 1


@pytest.mark.parametrize("pulse", [SHARE, STEPS])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_it_equals_a_slow_loop_over_devices(pulse: Pulse, noise: PowerReadNoise | None) -> None:
    programming = law(pulse, verify_noise=noise, max_pulses=12)
    rng = np.random.default_rng(2)
    targets = rng.uniform(0, 150e-6, (3, 4, 6))
    held = np.where(rng.random(targets.shape) < 0.2, rng.uniform(0, 150e-6, targets.shape), np.nan)
    draws = Draws(Key.root(3), np.array([4, 0, 7]), (4, 6))
    outcome = programming.write(Cells(targets, held, 0.0, 150e-6), draws)
    assert outcome.pulses is not None
    assert outcome.failed is not None
    for place in np.ndindex(targets.shape):

        def numbers(purpose: str, pulse: int, place: tuple[int, ...] = place) -> float:
            return float(draws.child(purpose, pulse).normals()[place])

        conductance, pulses, failed = slow_loop(
            programming, float(targets[place]), float(held[place]), numbers
        )
        assert outcome.conductance_siemens[place] == pytest.approx(conductance, rel=1e-12)
        assert outcome.pulses[place] == pulses
        assert outcome.failed[place] == failed


def test_without_noise_every_device_ends_within_the_tolerance() -> None:
    _, targets = weights(3)
    devices = written(law(), targets)
    assert devices.failed is not None
    assert not devices.failed.any()
    assert np.abs(devices.conductance_siemens - targets).max() <= TOLERANCE
    assert devices.pulses is not None
    assert np.all((devices.pulses == 0) == (targets <= TOLERANCE))


def test_verify_noise_stays_in_the_devices() -> None:
    _, targets = weights(4)
    quiet = written(law(), targets).conductance_siemens - targets
    noisy = written(law(verify_noise=NOISE), targets).conductance_siemens - targets
    assert np.abs(noisy).max() > TOLERANCE
    assert noisy.std() > 1.1 * quiet.std()


def test_few_pulses_leave_failures_that_are_reported() -> None:
    _, targets = weights(5)
    devices = written(law(STEPS, max_pulses=3), targets)
    assert devices.failed is not None
    assert devices.pulses is not None
    far = np.abs(devices.conductance_siemens - targets) > TOLERANCE
    assert np.array_equal(devices.failed, far)
    assert 0.1 < far.mean() < 0.9
    assert np.all(devices.pulses[far] == 3)


def test_stuck_devices_fail_and_keep_what_they_hold() -> None:
    _, targets = weights(6)
    stuck = StuckDevices(high_rate=0.1, low_rate=0.1)
    devices = written(law(max_pulses=30), targets, stuck)
    G, defects = devices.conductance_siemens, devices.defects
    assert np.all(G[defects == 1] == 150e-6)
    assert np.all(G[defects == -1] == 0.0)
    assert devices.failed is not None
    wrong = (defects != 0) & (np.abs(G - targets) > TOLERANCE)
    assert np.array_equal(devices.failed, wrong)


def test_a_pair_ends_at_one_tolerance() -> None:
    """Two devices of their own have each an error within the tolerance; the pair has one."""
    _, targets = weights(7)
    targets = np.minimum(targets + 20e-6, 150e-6)  # so that both devices have something to do
    values = targets[:, 0::2] - targets[:, 1::2]
    single = weight_errors(written(law(AIMED), targets), values)
    devices = written(law(AIMED, verify="pair"), targets)
    paired = weight_errors(devices, values)
    assert np.abs(paired).max() <= TOLERANCE
    assert np.abs(single).max() > 1.5 * TOLERANCE
    assert paired.std() < 0.8 * single.std()
    assert devices.failed is not None
    assert not devices.failed.any()


def test_a_pair_takes_up_what_a_stuck_partner_does_wrong() -> None:
    values, targets = weights(8)
    stuck = StuckDevices(high_rate=0.03, low_rate=0.03)
    one = written(law(max_pulses=40), targets, stuck)
    two = written(law(max_pulses=40, verify="pair"), targets, stuck)
    assert two.failed is not None
    assert np.array_equal(two.failed[..., 0::2], two.failed[..., 1::2])
    defects = two.defects
    lone = (defects[..., 0::2] != 0) ^ (defects[..., 1::2] != 0)
    # what a sound device between 0 and 150 uS can reach beside the stuck one
    held = np.where(defects == 1, 150e-6, np.where(defects == -1, 0.0, np.nan))
    plus, minus = held[..., 0::2], held[..., 1::2]
    low = np.where(np.isnan(plus), -minus, plus - 150e-6)
    high = np.where(np.isnan(plus), 150e-6 - minus, plus)
    can = lone & (values > low) & (values < high)
    assert can.sum() > 1000
    before, after = weight_errors(one, values), weight_errors(two, values)
    assert np.abs(after[can]).max() <= TOLERANCE
    assert np.abs(before[can]).max() > 50e-6
    assert not two.failed[..., 0::2][can].any()
    assert np.array_equal(two.failed[..., 0::2], np.abs(after) > TOLERANCE)


def test_cells_never_written_get_no_pulse() -> None:
    _, targets = weights(9)
    targets[10:] = np.nan
    for verify in ("device", "pair"):
        devices = written(law(verify=verify), targets)
        assert devices.pulses is not None
        assert devices.failed is not None
        assert not devices.pulses[:, 10:].any()
        assert not devices.failed[:, 10:].any()
        assert not devices.conductance_siemens[:, 10:].any()


def test_pulses_start_where_they_are_told() -> None:
    targets = np.full((4, 4), 100e-6)
    near = written(law(start_siemens=98e-6), targets)
    assert near.pulses is not None
    assert not near.pulses.any()
    assert np.all(near.conductance_siemens == 98e-6)


def test_small_steps_stop_at_the_near_edge() -> None:
    """Physics: steps much finer than the tolerance end just inside it, on the side they come from."""
    fine = IncrementPulse(set_siemens=0.2e-6, reset_siemens=0.2e-6, spread=0.1)
    devices = written(law(fine, max_pulses=1000), np.full((8, 8), 100e-6))
    error = (devices.conductance_siemens - 100e-6) / MICRO
    assert error.max() < -4.6
    assert error.min() >= -5.0
    assert devices.pulses is not None
    assert devices.pulses.mean() == pytest.approx(475, abs=5)


@pytest.mark.parametrize("verify", ["device", "pair"])
def test_an_instance_is_the_same_in_any_company(verify: Any) -> None:
    _, targets = weights(10)
    programming = law(verify=verify, verify_noise=NOISE, max_pulses=20)
    stuck = StuckDevices(high_rate=0.01, low_rate=0.01)
    together = written(programming, targets, stuck, np.array([5, 0, 9]))
    for place, number in enumerate((5, 0, 9)):
        alone = written(programming, targets, stuck, np.array([number]))
        for name in ("conductance_siemens", "pulses", "failed", "defects"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[place])


def test_laws_of_statistics_know_no_pulses() -> None:
    chip = load_chip("taox-64")
    devices = write_devices(weights(11)[1], chip, Key.root(1), CHIPS[:2])
    assert devices.pulses is None
    assert devices.failed is None


def test_spread_in_words_is_that_of_errors_uniform_in_the_tolerance() -> None:
    assert law().spread_siemens == pytest.approx(TOLERANCE / np.sqrt(3))
    assert law(verify="pair").spread_siemens == pytest.approx(TOLERANCE / np.sqrt(6))
