"""Amplifiers and ADCs with errors: what is measured is what was drawn, and what was asked for."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from imssa.crossbar.arrays import program_array, program_chips
from imssa.hardware import ChipDescription
from imssa.hardware.devices import RelativeReadNoise
from imssa.hardware.pairs import pair_targets
from imssa.hardware.readout import PairReadout, Readout
from imssa.mapping import compile_network
from tests.crossbar import one_array
from tests.crossbar.one_array import KEY, WEIGHT_MAX, adc_step, codes_of, phase_of, written
from tests.reference.networks import chip_with, random_network

LINES, PAIRS = 16, 6
RAMP = np.arange(-127, 128)
SPREADS = Readout(common_mode_spread=0.2, gain_spread=0.1, offset_steps=3.0)
Floats = NDArray[np.float64]


def chip_of(
    readout: Readout | None, devices: float = 0.9, *effects: str, **converters: Any
) -> ChipDescription:
    """A chip of one small array with a fine ADC and only some errors."""
    chip = chip_with(
        count=1,
        size=(LINES, 2 * PAIRS),
        **{"adc_bits": 14, "full_scale_devices": (devices,), **converters},
    )
    return chip.only(*effects).model_copy(update={"readout": readout})


def readout_of(chip: ChipDescription, instances: Any = (0,)) -> PairReadout:
    """What was drawn for array 0 of chip instances."""
    zeros = np.zeros((chip.arrays.word_lines, chip.arrays.pairs), np.int64)
    contents = one_array.contents_of(zeros, chip)
    key = KEY.child("array", 0)
    drawn = program_array(contents, chip, key, np.array(instances), array=0).readout
    assert drawn is not None
    return drawn


def single_line(value: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes with one line at ``value`` on all pairs, and a ramp on that line."""
    codes, drive = np.zeros((LINES, PAIRS), np.int64), np.zeros((len(RAMP), LINES), np.int64)
    codes[3], drive[:, 3] = value, RAMP
    return codes, drive


def allowed(drive: NDArray[np.int64], sums: Floats, step: float) -> float:
    """Half an ADC step, and what weights lose that are multiples of at most 2^-22 of a sum's size.

    Half a multiple for each driven cell of both lines.
    """
    multiple = 2.0**-22 * np.abs(sums).max()
    return float(0.5 + np.abs(drive).sum(axis=1).max() * multiple / step)


@pytest.mark.parametrize("instance", [0, 5])
@pytest.mark.parametrize("value", [WEIGHT_MAX, -WEIGHT_MAX])
@pytest.mark.parametrize("limit", [None, 1e4])
def test_a_ramp_measures_the_gain_and_offset_drawn(
    value: int, instance: int, limit: float | None
) -> None:
    """The plus line by positive weights, the minus line by negative ones: code = slope d + offset."""
    readout = SPREADS.model_copy(update={"saturation_devices": limit})
    chip = chip_of(readout, 1.5)
    codes, drive = single_line(value)
    phase = phase_of(chip)
    read = codes_of(written(chip, one_array.contents_of(codes, chip), instance), phase, drive)
    drawn = readout_of(chip, (instance,))
    gain = drawn.plus[0] if value > 0 else drawn.minus[0]
    slope, offset = np.polyfit(RAMP, read, 1)
    assert slope == pytest.approx(value * gain / adc_step(phase), rel=1e-3)
    # rounding of 255 codes is known to sqrt(1 / 12 / 255) = 0.018 steps
    assert offset == pytest.approx(drawn.offset_steps[0], abs=0.08)
    line = np.outer(RAMP, value * gain / adc_step(phase)) + drawn.offset_steps[0]
    assert np.abs(read - line).max() <= allowed(
        drive, 1.5 * value * RAMP.astype(float), adc_step(phase)
    )
    assert np.ptp(slope) > 0.05 * np.abs(slope).mean()


def test_subtraction_leaves_a_share_of_the_mean_current() -> None:
    """Weights of zero in a window that starts at 50 uS: both lines carry the same current."""
    chip = chip_of(Readout(common_mode_spread=0.2), 0.5)
    chip = chip.model_copy(update={"g_min_siemens": 50e-6})
    codes, drive = single_line(0)
    phase = phase_of(chip)
    read = codes_of(written(chip, one_array.contents_of(codes, chip)), phase, drive)
    drawn = readout_of(chip)
    share = 2 * (drawn.plus[0] - drawn.minus[0]) / (drawn.plus[0] + drawn.minus[0])
    mean_current = RAMP * 50e-6 / (chip.window_siemens / WEIGHT_MAX)
    expected = np.outer(mean_current, share * (drawn.plus[0] + drawn.minus[0]) / 2)
    step = adc_step(phase)
    assert np.abs(read - expected / step).max() <= allowed(drive, LINES * expected, step)
    assert np.abs(read).max() > 100


def test_spreads_are_those_of_the_settings() -> None:
    """Over 12,000 pairs, within four standard errors; gains, shares and offsets are independent."""
    drawn = readout_of(chip_of(SPREADS), np.arange(2000))
    gain = (drawn.plus + drawn.minus).ravel() / 2
    share = (drawn.plus - drawn.minus).ravel() / gain
    found = {"gain": gain - 1, "share": share, "offset": drawn.offset_steps.ravel()}
    wanted = {"gain": 0.1, "share": 0.2, "offset": 3.0}
    for name, values in found.items():
        sigma, count = wanted[name], values.size
        assert abs(values.mean()) < 4 * sigma / np.sqrt(count), name
        assert abs(values.std() / sigma - 1) < 4 / np.sqrt(2 * count), name
        assert stats.kstest(values / sigma, "norm").pvalue > 1e-3, name
    correlation = np.corrcoef(list(found.values())) - np.eye(3)
    assert np.abs(correlation).max() < 4 / np.sqrt(gain.size)


def test_amplifiers_belong_to_array_pair_and_chip() -> None:
    """Other for each array, pair and instance; the same whoever else is simulated with it."""
    chip = chip_with().only().model_copy(update={"readout": SPREADS})
    program = compile_network(random_network(2), chip, {})
    contents = (program.arrays[0], program.arrays[0])
    two = type(program)(**{**vars(program), "arrays": contents})
    arrays = program_chips(two, chip, KEY, np.array([4, 0, 9]))
    gains = np.concatenate([a.readout.plus for a in arrays if a.readout is not None])
    assert gains.shape == (6, 32)
    assert len(np.unique(gains)) == gains.size
    alone = program_chips(two, chip, KEY, np.array([9]))
    for one, together in zip(alone, arrays, strict=True):
        assert one.readout is not None
        assert together.readout is not None
        for name in ("plus", "minus", "offset_steps"):
            assert np.array_equal(getattr(one.readout, name)[0], getattr(together.readout, name)[2])


@pytest.mark.parametrize("limit", [None, 1e4])
@pytest.mark.parametrize("steps", [0.8, 6.0])
def test_noise_of_conversions_is_as_large_as_asked(steps: float, limit: float | None) -> None:
    """100,000 conversions of a constant; rounding adds 1/12 of a step squared."""
    chip = chip_of(Readout(noise_steps=steps, saturation_devices=limit))
    codes, _ = single_line(WEIGHT_MAX)
    drive = np.zeros((100_000 // PAIRS, LINES), np.int64)
    drive[:, 3] = 40
    read = codes_of(written(chip, one_array.contents_of(codes, chip)), phase_of(chip), drive)
    constant = 40 * WEIGHT_MAX / adc_step(phase_of(chip))
    sigma = np.sqrt(steps**2 + 1 / 12)
    assert abs(read.std() / sigma - 1) < 4 / np.sqrt(2 * read.size)
    assert abs(read.mean() - constant) < 4 * sigma / np.sqrt(read.size)
    correlation = np.corrcoef(read.T) - np.eye(PAIRS)  # each pair has an ADC of its own
    assert np.abs(correlation).max() < 4 / np.sqrt(len(read))


@pytest.mark.parametrize("limit", [None, 1e4])
def test_noise_of_conversions_is_normal(limit: float | None) -> None:
    """Noise of 500 steps, so that rounding is nothing beside it; 100,000 draws."""
    chip = chip_of(Readout(noise_steps=500.0, saturation_devices=limit))
    codes, _ = single_line(0)
    drive = np.zeros((100_000 // PAIRS, LINES), np.int64)
    device = written(chip, one_array.contents_of(codes, chip))
    read = codes_of(device, phase_of(chip), drive).ravel() / 500.0
    jitter = np.random.default_rng(1).uniform(-0.5, 0.5, read.size) / 500.0
    assert stats.kstest(read + jitter, "norm").pvalue > 1e-3
    again = codes_of(device, phase_of(chip), drive, event=1).ravel() / 500.0
    assert abs(np.corrcoef(read, again)[0, 1]) < 4 / np.sqrt(read.size)


def test_each_pass_has_noise_of_its_own() -> None:
    """Bit-serial: independent noise, weighted by 1, 2, 4 ...: variance sum_b 4^b of one pass."""
    chip = chip_of(Readout(noise_steps=6.0), 9.0, drive="bit-serial", dac_bits=5)
    device = written(chip, one_array.contents_of(np.zeros((LINES, PAIRS), np.int64), chip))
    read = codes_of(device, phase_of(chip), np.zeros((20_000, LINES), np.int64))
    variance = (36 + 1 / 12) * (1 + 4 + 16 + 64)
    assert abs(read.std() / np.sqrt(variance) - 1) < 4 / np.sqrt(2 * read.size)


def saturated_sums(
    conductance: Floats, inputs: NDArray[np.int64], limit: float, chip: ChipDescription
) -> Floats:
    """Pair sums in codes from the devices: clip(I_plus) - clip(I_minus), currents in ampere."""
    volt = inputs * chip.read_voltage_volt / chip.converters.pass_max
    largest = limit * chip.window_siemens * chip.read_voltage_volt
    current = np.clip(volt @ conductance, -largest, largest)
    unit = chip.window_siemens / WEIGHT_MAX * chip.read_voltage_volt / chip.converters.pass_max
    return (current[:, 0::2] - current[:, 1::2]) / unit


@pytest.mark.parametrize("bottom", [0.0, 15e-6])
@pytest.mark.parametrize("limit", [0.2, 1.0, 2.5])
def test_saturation_is_that_of_the_bit_lines_currents(limit: float, bottom: float) -> None:
    """Sums in NumPy from the conductances that the chip reads back."""
    readout = Readout(saturation_devices=limit)
    chip = chip_of(readout, 16.0, "programming", "stuck").model_copy(
        update={"g_min_siemens": bottom}
    )
    rng = np.random.default_rng(6)
    device = written(chip, one_array.random_contents(rng, chip))
    drive = rng.integers(-127, 128, (500, LINES))
    expected = saturated_sums(device.read(0), drive, limit, chip)
    free = saturated_sums(device.read(0), drive, 1e9, chip)
    read, step = codes_of(device, phase_of(chip), drive), adc_step(phase_of(chip))
    largest = np.abs(drive).max() * np.abs(device.read(0)).sum(axis=0).max()
    sums = largest / chip.window_siemens * WEIGHT_MAX
    assert np.abs(read - expected / step).max() <= allowed(drive, sums, step)
    clipped = np.abs(expected - free) > step
    assert clipped.mean() > 0.02
    assert np.abs(expected).max() <= 2 * limit * 127 * WEIGHT_MAX + 1e-6


def test_each_pass_saturates_by_itself() -> None:
    """Bit-serial: the limit counts in currents under the largest voltage, which each digit has."""
    limit = 0.7
    chip = chip_of(Readout(saturation_devices=limit), 8.0, drive="bit-serial", dac_bits=4)
    rng = np.random.default_rng(7)
    device = written(chip, one_array.random_contents(rng, chip))
    drive = rng.integers(-7, 8, (300, LINES))
    step, expected = adc_step(phase_of(chip)), np.zeros((300, PAIRS))
    for bit in range(3):
        fed = np.sign(drive) * ((np.abs(drive) >> bit) & 1)
        expected += 2**bit * saturated_sums(device.read(0), fed, limit, chip) / step
    read = codes_of(device, phase_of(chip), drive)
    assert np.abs(read - expected).max() < 7 * 0.52
    far = chip.model_copy(update={"readout": None})
    free = codes_of(
        written(far, one_array.random_contents(np.random.default_rng(7), far)), phase_of(far), drive
    )
    assert (np.abs(read - free) > 100).mean() > 0.05


NOISE = RelativeReadNoise(sigma_siemens=4e-6)


@pytest.mark.parametrize("law", ["relative", "power"])
def test_a_pair_has_the_noise_of_both_its_bit_lines(law: str) -> None:
    """With a limit noise is drawn a bit line, without one a pair: the same spread."""
    spreads = []
    for limit in (None, 1e4):
        chip = chip_of(Readout(saturation_devices=limit), 9.0, "read_noise")
        if law == "relative":
            chip = chip.model_copy(update={"read_noise": NOISE})
        contents = one_array.random_contents(np.random.default_rng(8), chip)
        drive = np.tile(np.random.default_rng(9).integers(-127, 128, LINES), (20_000, 1))
        read = codes_of(written(chip, contents), phase_of(chip), drive)
        assert chip.read_noise is not None
        targets = pair_targets(contents.codes, contents.siemens_per_step)
        sigma = chip.read_noise.sigma(targets) / contents.siemens_per_step[0]
        by_line = (drive[0].astype(float) ** 2) @ sigma**2
        variance = (by_line[0::2] + by_line[1::2]) / adc_step(phase_of(chip)) ** 2 + 1 / 12
        ratio = read.std(axis=0) / np.sqrt(variance)
        assert np.abs(ratio - 1).max() < 4 / np.sqrt(2 * len(read))
        spreads.append(read)
    assert not np.array_equal(spreads[0], spreads[1])


def test_a_line_at_its_limit_has_no_noise_left() -> None:
    """Plus lines far beyond their limit: only the noise of the minus lines comes through."""
    chip = chip_of(Readout(saturation_devices=2.0), 4.0, "read_noise")
    chip = chip.model_copy(update={"read_noise": NOISE})
    codes = np.full((LINES, PAIRS), WEIGHT_MAX)
    drive = np.full((20_000, LINES), 127)
    read = codes_of(written(chip, one_array.contents_of(codes, chip)), phase_of(chip), drive)
    unit, step = chip.window_siemens / WEIGHT_MAX, adc_step(phase_of(chip))
    sigma = np.sqrt(LINES) * 127 * 4e-6 / unit / step
    assert abs(read.std() / np.sqrt(sigma**2 + 1 / 12) - 1) < 4 / np.sqrt(2 * read.size)
    assert abs(read.mean() - 2 * 127 * WEIGHT_MAX / step) < 4 * sigma / np.sqrt(read.size)


def test_noise_and_gains_add_up_line_by_line() -> None:
    """Gains of the two lines stand before the noise of each, ADC noise behind both."""
    readout = SPREADS.model_copy(update={"noise_steps": 20.0})
    for limit in (None, 1e4):
        laws = readout.model_copy(update={"saturation_devices": limit})
        chip = chip_of(laws, 4.0, "read_noise").model_copy(update={"read_noise": NOISE})
        device = written(chip, one_array.contents_of(np.zeros((LINES, PAIRS), np.int64), chip))
        drive = np.full((20_000, LINES), 60)
        read = codes_of(device, phase_of(chip), drive)
        drawn = readout_of(chip)
        one = LINES * (60 * 4e-6 / (chip.window_siemens / WEIGHT_MAX)) ** 2
        step = adc_step(phase_of(chip))
        variance = (drawn.plus[0] ** 2 + drawn.minus[0] ** 2) * one / step**2 + 20.0**2 + 1 / 12
        ratio = read.std(axis=0) / np.sqrt(variance)
        assert np.abs(ratio - 1).max() < 4 / np.sqrt(2 * len(read))


def test_settings_of_zero_are_an_ideal_readout() -> None:
    rng = np.random.default_rng(3)
    quiet, ideal = chip_of(Readout(), 8.0), chip_of(None, 8.0)
    contents, drive = one_array.random_contents(rng, ideal), rng.integers(-127, 128, (100, LINES))
    with_readout = codes_of(written(quiet, contents), phase_of(quiet), drive)
    assert np.array_equal(with_readout, codes_of(written(ideal, contents), phase_of(ideal), drive))
