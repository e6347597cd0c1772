"""Laws of the devices: statistics of many draws, within stated multiples of the standard error."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from imssa.hardware import StuckDevices, load_chip
from imssa.hardware.devices import (
    GaussianProgramming,
    LogNormalOffState,
    PowerReadNoise,
    RelativeReadNoise,
    UniformProgramming,
)
from imssa.hardware.pairs import (
    effective_weights,
    pair_targets,
    read_spread,
    read_variance,
    write_devices,
)
from imssa.kernels.random import Key

TAOX = load_chip("taox-64")
MICRO = 1e-6
DRAWS = 200_000


def uniforms(seed: int, count: int = DRAWS) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(size=count)


def test_total_error_after_mapping_is_the_published_one() -> None:
    """He et al.: read-out minus target has mean 0.108 and sigma 3.894 uS; targets uniform here.

    Folding at zero moves the lowest targets: 0.03 uS in the mean, 0.02 uS in sigma. The preset's
    programming error is rounded to 0.01 uS, of which the total feels the same.
    """
    count = 400_000
    targets = uniforms(1, count) * TAOX.g_max_siemens
    assert isinstance(TAOX.programming, GaussianProgramming)
    assert TAOX.read_noise is not None
    written = TAOX.programming.written(targets, uniforms(2, count))
    noise = np.random.default_rng(3).standard_normal(count)
    error = (written + TAOX.read_noise.sigma(written) * noise - targets) / MICRO
    assert abs(error.mean() - 0.108) < 4 * 3.894 / np.sqrt(count) + 0.03
    assert abs(error.std() - 3.894) < 4 * 3.894 / np.sqrt(2 * count) + 0.04


def test_read_noise_is_the_published_law() -> None:
    """Mao et al.: exp(0.782 ln G - 2.168) uS, frozen above 50 uS."""
    G = np.array([1.0, 10.0, 50.0, 51.0, 150.0])
    expected = np.exp(0.782 * np.log(np.minimum(G, 50.0)) - 2.168)
    assert TAOX.read_noise is not None
    assert TAOX.read_noise.sigma(G * MICRO) / MICRO == pytest.approx(expected, rel=1e-12)


def test_read_noise_of_nothing_is_nothing() -> None:
    law = PowerReadNoise(slope=0.782, intercept=-2.168, frozen_above_siemens=50e-6)
    assert law.sigma(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    assert RelativeReadNoise(sigma_siemens=2e-6).sigma(np.zeros(2)).tolist() == [2e-6, 2e-6]


def test_gaussian_programming_is_folded_at_zero() -> None:
    law = GaussianProgramming(mean_siemens=0.2e-6, sigma_siemens=3e-6)
    at_zero = law.written(np.zeros(DRAWS), uniforms(4)) / MICRO
    assert at_zero.min() >= 0
    assert stats.kstest(at_zero, "foldnorm", args=(0.2 / 3, 0, 3)).pvalue > 1e-3
    far = law.written(np.full(DRAWS, 80e-6), uniforms(4)) / MICRO
    assert stats.kstest(far, "norm", args=(80.2, 3)).pvalue > 1e-3
    assert law.spread_siemens == 3e-6


def test_uniform_programming_stays_within_its_tolerance() -> None:
    law = UniformProgramming(tolerance_siemens=5e-6)
    far = law.written(np.full(DRAWS, 80e-6), uniforms(5)) / MICRO
    assert stats.kstest(far, "uniform", args=(75, 10)).pvalue > 1e-3
    assert far.std() == pytest.approx(law.spread_siemens / MICRO, rel=4 / np.sqrt(2 * DRAWS))
    folded = law.written(np.zeros(DRAWS), uniforms(6)) / MICRO
    assert stats.kstest(folded, "uniform", args=(0, 5)).pvalue > 1e-3


def test_off_state_is_the_published_law() -> None:
    """Mao et al.: exp(0.8 + 1.1 z) uS; median and log-sigma within four standard errors."""
    assert TAOX.off_state is not None
    z = Key.root(1).normals(np.arange(20), DRAWS // 20).ravel()
    logs = np.log(TAOX.off_state.conductance(z) / MICRO)
    assert abs(np.median(logs) - 0.8) < 4 * 1.1 * np.sqrt(np.pi / 2 / DRAWS)
    assert abs(logs.std() - 1.1) < 4 * 1.1 / np.sqrt(2 * DRAWS)
    flat = LogNormalOffState(log_median=0.0, log_sigma=0.0).conductance(z)
    assert flat == pytest.approx(MICRO)


@pytest.mark.parametrize("rates", [(0.01, 0.01), (0.0, 0.3), (0.25, 0.0), (0.6, 0.4)])
def test_stuck_rates(rates: tuple[float, float]) -> None:
    """Shares within four binomial standard errors."""
    defects = StuckDevices(high_rate=rates[0], low_rate=rates[1]).drawn(uniforms(7))
    assert defects.dtype == np.int8
    for kind, rate in zip((1, -1), rates, strict=True):
        share = np.mean(defects == kind)
        assert abs(share - rate) <= 4 * np.sqrt(rate * (1 - rate) / DRAWS)


# A whole array of many chips, as the compiler writes it.

CODES = np.random.default_rng(8).integers(-7, 8, (64, 32))
STEP = np.full(32, 150e-6 / 7)
CHIPS = np.arange(100)


def targets(written_rows: int = 64) -> NDArray[np.float64]:
    values = pair_targets(CODES, STEP)
    values[written_rows:] = np.nan
    return values


def test_pairs_hold_a_weight_as_a_difference() -> None:
    values = pair_targets(CODES, STEP)
    assert values.min() == 0
    assert np.array_equal(np.minimum(values[:, 0::2], values[:, 1::2]), np.zeros((64, 32)))
    assert (values[:, 0::2] - values[:, 1::2]) / STEP == pytest.approx(CODES, abs=1e-9)


def test_an_ideal_chip_holds_its_targets() -> None:
    devices = write_devices(targets(40), TAOX.only(), Key.root(1), CHIPS[:3])
    for chip in devices.conductance_siemens:
        assert np.array_equal(chip[:40], targets()[:40])
        assert not chip[40:].any()
    assert not devices.defects.any()
    held = effective_weights(devices.conductance_siemens[:, :40], STEP, 127)
    assert np.array_equal(held, np.broadcast_to(CODES[:40], held.shape))


def test_each_cell_gets_the_effect_that_is_on() -> None:
    chip = TAOX.only("programming", "off_state")
    devices = write_devices(targets(40), chip, Key.root(2), CHIPS)
    error = devices.conductance_siemens[:, :40] - targets()[:40]
    far = error[:, targets()[:40] > 30e-6] / MICRO
    assert abs(far.std() - 3.23) < 4 * 3.23 / np.sqrt(2 * far.size)
    off = np.log(devices.conductance_siemens[:, 40:] / MICRO)
    assert abs(off.mean() - 0.8) < 4 * 1.1 / np.sqrt(off.size)
    assert abs(off.std() - 1.1) < 4 * 1.1 / np.sqrt(2 * off.size)


def test_defects_override_everything_else() -> None:
    chip = TAOX.model_copy(update={"stuck": StuckDevices(high_rate=0.2, low_rate=0.3)})
    devices = write_devices(targets(40), chip, Key.root(3), CHIPS)
    G, defects = devices.conductance_siemens, devices.defects
    assert np.all(G[defects == 1] == chip.g_max_siemens)
    assert np.all(G[defects == -1] == 0.0)
    without = write_devices(targets(40), TAOX.only("programming", "off_state"), Key.root(3), CHIPS)
    sound = defects == 0
    assert np.array_equal(G[sound], without.conductance_siemens[sound])
    for kind, rate in ((1, 0.2), (-1, 0.3)):
        share = np.mean(defects == kind)
        assert abs(share - rate) < 4 * np.sqrt(rate * (1 - rate) / defects.size)
    position = (defects == 1).mean(0)  # no line is more prone than another
    assert abs(position - 0.2).max() < 6 * np.sqrt(0.2 * 0.8 / len(CHIPS))


def test_an_instance_is_the_same_in_any_company() -> None:
    together = write_devices(targets(40), TAOX, Key.root(4), np.array([5, 0, 9]))
    for place, number in enumerate((5, 0, 9)):
        alone = write_devices(targets(40), TAOX, Key.root(4), np.array([number]))
        one = alone.conductance_siemens[0]
        assert np.array_equal(one, together.conductance_siemens[place])
        assert np.array_equal(alone.defects[0], together.defects[place])
    other = write_devices(targets(40), TAOX, Key.root(5), np.array([5]))
    assert not np.array_equal(other.conductance_siemens[0], together.conductance_siemens[0])


def step_of(weights: NDArray[np.floating]) -> float:
    """The largest power of two that all weights are multiples of, at least 2^-20."""
    return next(2.0**-n for n in range(21) if not np.any((weights * 2.0**n) % 1))


@pytest.mark.parametrize("dac_max", [1, 7, 127, 2047])
@pytest.mark.parametrize("rows", [1, 9, 64])
def test_weights_are_rounded_so_that_sums_are_exact(rows: int, dac_max: int) -> None:
    """In any order, in the float type of the weights (DESIGN section 3)."""
    devices = write_devices(targets(), TAOX, Key.root(6), CHIPS[:1])
    G = devices.conductance_siemens[:, :rows]
    weights = effective_weights(G, STEP, dac_max)[0]
    exact = (G[0, :, 0::2] - G[0, :, 1::2]) / STEP
    step = step_of(weights)
    assert np.abs(weights - exact).max() <= step / 2 + 1e-9
    assert step <= 0.25
    assert step >= 2.0**-16
    rng = np.random.default_rng(9)
    drive = rng.choice([-dac_max, dac_max], rows)
    drive[: rows // 2] = rng.integers(-dac_max, dac_max + 1, rows // 2)
    expected = drive.astype(object) @ (weights.astype(float) * 2**16).astype(np.int64).astype(
        object
    )
    for _ in range(20):
        total = np.zeros(32, weights.dtype)
        for line in rng.permutation(rows):
            total += weights[line] * weights.dtype.type(drive[line])
        assert (total.astype(float) * 2**16).tolist() == expected.tolist()


def test_wide_sums_are_made_in_double_precision() -> None:
    """Eight-bit weights and twelve-bit inputs on 1,024 lines would be coarser than 2^-2."""
    conductance = np.full((1, 1024, 2), 150e-6) * np.array([1.0, 0.1])
    weights = effective_weights(conductance, np.array([150e-6 / 127]), 2047)
    assert weights.dtype == np.float64
    assert weights == pytest.approx(0.9 * 127, abs=2.0**-17)
    fine = effective_weights(conductance, np.array([150e-6]), 127)
    assert fine.dtype == np.float32


def test_a_chips_weights_do_not_depend_on_its_company() -> None:
    """A neighbour whose sums need double precision must not change how this one is rounded."""
    rng = np.random.default_rng(2)
    small = rng.uniform(0, 1e-6, (1, 512, 8))
    large = np.zeros((1, 512, 8))
    large[..., 0::2] = 150e-6
    step = np.full(4, 150e-6 / 127)
    alone = effective_weights(small, step, 2047)
    together = effective_weights(np.concatenate([small, large]), step, 2047)
    assert together.dtype == np.float64
    assert alone.dtype == np.float32
    assert np.array_equal(together[0], alone[0].astype(float))


def test_read_variance_adds_both_devices_of_a_pair() -> None:
    devices = write_devices(targets(), TAOX, Key.root(8), CHIPS[:2])
    G = devices.conductance_siemens
    sigma = np.exp(0.782 * np.log(np.clip(G / MICRO, 1e-30, 50)) - 2.168) * MICRO
    expected = (sigma[..., 0::2] ** 2 + sigma[..., 1::2] ** 2) / STEP**2
    assert read_variance(G, TAOX, STEP) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert not read_variance(G, TAOX.only("programming"), STEP).any()


@pytest.mark.parametrize("law", [TAOX.read_noise, RelativeReadNoise(sigma_siemens=3e-6)])
def test_the_noise_of_many_devices_adds_to_one(law: PowerReadNoise | RelativeReadNoise) -> None:
    chip = TAOX.model_copy(update={"read_noise": law})
    G = write_devices(targets(), TAOX, Key.root(8), CHIPS[:1]).conductance_siemens
    inputs = np.random.default_rng(0).integers(-127, 128, (3, 64))
    sigma = law.sigma(G[0]) / np.repeat(STEP, 2)
    pairs = sigma[:, 0::2] ** 2 + sigma[:, 1::2] ** 2
    expected = np.sqrt((inputs**2) @ pairs)
    got = read_spread(inputs, read_variance(G, chip, STEP)[0])
    assert got == pytest.approx(expected, rel=1e-5)
