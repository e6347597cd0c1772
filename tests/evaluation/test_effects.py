"""The numbers behind the pictures of a chip's effects, judged by SciPy and by the simulator."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from imssa.circuit.segments import wire_segments
from imssa.crossbar.arrays import wires_of
from imssa.errors import ShapeError
from imssa.evaluation import (
    IrDrop,
    ReadSpread,
    Skipped,
    WritingLaw,
    chip_pictures,
    ir_drop,
    load_pictures,
    read_noise,
    save_pictures,
    writing_law,
)
from imssa.evaluation.phase_drive import PhaseDrive, largest_drive
from imssa.evaluation.writing import Unfolded
from imssa.hardware import ChipDescription, load_chip
from imssa.hardware.pairs import write_devices
from imssa.kernels.random import Key
from tests.circuit.dense import dense_transfer
from tests.evaluation.samples import make_program

Floats = NDArray[np.float64]
LEVELS = np.array([0.0, 4e-6, 75e-6, 150e-6])
WRITE_VERIFY = {
    "law": "write-verify",
    "tolerance_siemens": 5e-6,
    "pulse": {"law": "proportional", "set_share": 1.0, "reset_share": 1.0, "spread": 0.3},
}
POLYNOMIAL = {
    "law": "polynomial",
    "coefficients_microsiemens": [3.0, 0.01],
    "valid_to_siemens": 150e-6,
}
CLOSED: dict[str, dict[str, Any]] = {
    "gaussian": {"law": "gaussian", "mean_siemens": 0.5e-6, "sigma_siemens": 3e-6},
    "gaussian, mean below zero": {"law": "gaussian", "mean_siemens": -2e-6, "sigma_siemens": 3e-6},
    "uniform": {"law": "uniform", "tolerance_siemens": 5e-6},
    "polynomial": POLYNOMIAL,
}


def chip_with(**parts: Any) -> ChipDescription:
    base = load_chip("taox-64").only().model_dump()
    return ChipDescription.model_validate({**base, **parts})


def targets() -> Floats:
    """Sixteen word lines of 32 bit lines, a quarter of them at each level; two never written."""
    array = np.tile(np.repeat(LEVELS, 8), (16, 1))
    array[0, :2] = np.nan
    return array[None]


def errors(chip: ChipDescription, instances: int) -> Floats:
    written = write_devices(targets()[0], chip, Key.root(9), np.arange(instances))
    error = written.conductance_siemens - targets()[0]
    kept: Floats = error[(written.defects == 0) & ~np.isnan(error)]
    return kept


def law_of(chip: ChipDescription) -> WritingLaw:
    law = writing_law(chip, targets(), Key.root(3))
    assert isinstance(law, WritingLaw)
    return law


@pytest.mark.parametrize("name", CLOSED)
def test_density_of_a_closed_law_integrates_to_one_and_has_its_moments(name: str) -> None:
    law = law_of(chip_with(programming=CLOSED[name]))
    assert law.sampled == 0
    width = np.diff(law.edge_siemens)
    share = law.density_per_siemens * width
    assert share.sum() == pytest.approx(1.0, abs=1e-7)
    middle = law.edge_siemens[:-1] + width / 2
    assert share @ middle == pytest.approx(law.mean_siemens, abs=1e-8)
    sigma = np.sqrt(share @ (middle - law.mean_siemens) ** 2)
    assert sigma == pytest.approx(law.sigma_siemens, rel=1e-3)


@pytest.mark.parametrize("name", CLOSED)
def test_the_simulator_draws_from_the_closed_law(name: str) -> None:
    chip = chip_with(programming=CLOSED[name])
    law, drawn = law_of(chip), errors(chip, 40)
    cumulated = np.concatenate(
        [[0.0], np.cumsum(law.density_per_siemens * np.diff(law.edge_siemens))]
    )
    found = stats.kstest(drawn, lambda x: np.interp(x, law.edge_siemens, cumulated))
    assert found.pvalue > 1e-3
    error = law.sigma_siemens / np.sqrt(len(drawn))
    assert drawn.mean() == pytest.approx(law.mean_siemens, abs=4 * error)
    assert drawn.std() == pytest.approx(law.sigma_siemens, rel=0.03)


def test_another_sigma_is_noticed() -> None:
    """The comparison above can fail."""
    law = law_of(chip_with(programming=CLOSED["gaussian"]))
    drawn = errors(chip_with(programming={"law": "gaussian", "sigma_siemens": 3.3e-6}), 40)
    assert drawn.std() != pytest.approx(law.sigma_siemens, rel=0.03)


@pytest.mark.parametrize("mean", [-3.0, 0.0, 0.5, 7.0])
def test_folded_moments_are_scipys(mean: float) -> None:
    place, width = np.array([mean]), np.array([2.0])
    found = Unfolded(place, width, False).folded_moments()
    expected = stats.foldnorm(abs(mean) / 2.0, scale=2.0)
    np.testing.assert_allclose(np.ravel(found), [expected.mean(), expected.std()], rtol=1e-9)
    x = np.abs(np.linspace(mean - 2.0, mean + 2.0, 400_001))
    found = Unfolded(place, width, True).folded_moments()
    np.testing.assert_allclose(np.ravel(found), [x.mean(), x.std()], rtol=1e-4)


def test_levels_carry_the_law_of_their_target() -> None:
    law = law_of(chip_with(programming=POLYNOMIAL))
    np.testing.assert_allclose(law.level_siemens[[0, -1]], [0.0, 150e-6])
    assert law.level_sigma_siemens[-1] == pytest.approx(4.5e-6)
    assert law.level_mean_siemens[-1] == pytest.approx(0.0, abs=1e-12)
    assert law.level_mean_siemens[0] == pytest.approx(3e-6 * np.sqrt(2 / np.pi))


@pytest.mark.parametrize(
    "parts",
    [
        {"programming": WRITE_VERIFY},
        {
            "programming": {**WRITE_VERIFY, "verify": "pair"},
            "stuck": {"high_rate": 0.01, "low_rate": 0.01},
        },
        {
            "programming": POLYNOMIAL,
            "age_seconds": 3600.0,
            "drift": {
                "law": "relaxation",
                "mean_siemens": -1e-7,
                "sigma_siemens": 4e-7,
                "sigma_growth_siemens": 4e-8,
            },
        },
        {"age_seconds": 10.0, "drift": {"law": "power", "exponent": 0.03}},
    ],
    ids=["device", "pair", "relaxation", "power"],
)
def test_other_laws_are_sampled(parts: dict[str, Any]) -> None:
    chip = chip_with(**parts)
    law, drawn = law_of(chip), errors(chip, 60)
    assert law.sampled > 40_000
    assert law.mean_siemens == pytest.approx(
        drawn.mean(), abs=6 * drawn.std() / np.sqrt(len(drawn))
    )
    width = np.diff(law.edge_siemens)
    inside = (np.abs(drawn) <= law.edge_siemens[-1]).mean()
    assert (law.density_per_siemens * width).sum() == pytest.approx(inside, abs=0.01)
    assert np.isfinite(law.level_sigma_siemens).all()


def test_drift_that_has_not_begun_leaves_the_closed_form() -> None:
    drift = {"law": "power", "exponent": 0.03, "start_seconds": 1.0}
    assert law_of(chip_with(programming=POLYNOMIAL, drift=drift, age_seconds=1.0)).sampled == 0
    assert law_of(chip_with(programming=POLYNOMIAL, drift=drift, age_seconds=2.0)).sampled > 0


@pytest.mark.parametrize(
    ("chip", "wanted", "reason"),
    [
        (chip_with(), targets(), "writing is exact"),
        (chip_with(programming={"law": "gaussian", "sigma_siemens": 0.0}), targets(), "no spread"),
        (load_chip("taox-64"), np.full((1, 4, 4), np.nan), "no device is written"),
        (
            chip_with(programming=WRITE_VERIFY, stuck={"high_rate": 1.0, "low_rate": 0.0}),
            targets(),
            "no written device of this chip is sound",
        ),
    ],
)
def test_writing_without_error_is_skipped(
    chip: ChipDescription, wanted: Floats, reason: str
) -> None:
    found = writing_law(chip, wanted, Key.root(1))
    assert isinstance(found, Skipped)
    assert reason in found.reason


def small_array() -> Floats:
    return np.random.default_rng(4).uniform(0, 150e-6, (6, 8))


def test_ir_drop_is_that_of_the_dense_nodal_equations() -> None:
    wires = {
        "word_line_resistance_ohm": 40.0,
        "bit_line_resistance_ohm": 70.0,
        "driver_resistance_ohm": 10.0,
    }
    chip, conductance = chip_with(wires=wires), small_array()
    drop = ir_drop(chip, conductance)
    assert isinstance(drop, IrDrop)
    settings = wires_of(chip)
    assert settings is not None
    segments = wire_segments(settings, (6, 8))
    expected = drop.drive_volt @ dense_transfer(conductance, segments.row_ohm, segments.column_ohm)
    np.testing.assert_allclose(drop.output_ampere, expected, rtol=1e-9)
    np.testing.assert_allclose(drop.ideal_ampere, 0.2 * conductance.sum(0), rtol=1e-12)
    np.testing.assert_allclose(drop.device_ampere.sum(0), expected, rtol=1e-9)
    np.testing.assert_allclose(
        drop.device_ampere, conductance * (drop.word_line_volt - drop.bit_line_volt), rtol=1e-9
    )
    np.testing.assert_allclose(drop.loss, 1 - expected / drop.ideal_ampere, rtol=1e-9)
    assert (drop.loss > 0).all()


def test_ir_drop_of_a_drive_and_of_dead_bit_lines() -> None:
    conductance = small_array()
    conductance[:, 3] = 0.0
    drive = np.array([0.1, -0.1, 0.0, 0.2, 0.0, 0.0])
    read = np.array([True] * 6 + [False] * 2)
    phase = PhaseDrive(drive, drive != 0, read, "a phase")
    drop = ir_drop(load_chip("taox-64"), conductance, phase, array=2, instance=5)
    assert isinstance(drop, IrDrop)
    assert (drop.array, drop.chip, drop.drive) == (2, "taox-64, chip 5", "a phase")
    np.testing.assert_allclose(drop.ideal_ampere, (drive @ conductance) * read, atol=1e-18)
    assert np.isnan(drop.loss).nonzero()[0].tolist() == [3, 6, 7]


def test_ir_drop_of_floating_lines_is_that_of_the_dense_equations() -> None:
    """Idle lines cut off, with the wires and without their resistance."""
    ohm = {"word_line_resistance_ohm": 40.0, "bit_line_resistance_ohm": 70.0}
    chip = chip_with(wires={**ohm, "undriven": "floating", "unread": "floating"})
    conductance, read = small_array(), np.arange(8) < 4
    volt = np.array([0.1, -0.1, 0.0, 0.2, 0.0, 0.0])
    drop = ir_drop(chip, conductance, PhaseDrive(volt, volt != 0, read, "a phase"))
    assert isinstance(drop, IrDrop)
    settings = wires_of(chip)
    assert settings is not None
    for factor, found in ((1.0, drop.output_ampere), (0.0, drop.ideal_ampere)):
        row, column = wire_segments(settings, (6, 8), volt != 0, read)
        row, column = (
            np.where(np.isinf(r), np.inf, factor * np.nan_to_num(r, posinf=0))
            for r in (row, column)
        )
        expected = (volt @ dense_transfer(conductance, row, column)) * read
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("drive", ["amplitude", "bit-serial"])
def test_the_picture_of_a_program_shows_its_first_phase(drive: str) -> None:
    """Voltages of the step with the largest drive; codes of the input stand among them."""
    program = make_program()
    converters = program.chip.converters.model_copy(update={"drive": drive})
    chip = program.chip.model_copy(update={"converters": converters})
    program, phase = replace(program, chip=chip), program.phases[0]
    codes = np.random.default_rng(1).integers(-60, 60, (12, program.register("input").size))
    found = largest_drive(program, Key.root(0), 0, codes, instance=3)
    assert np.flatnonzero(found.driven).tolist() == sorted(phase.word_lines.tolist())
    lines = np.sort(np.concatenate([2 * phase.pairs, 2 * phase.pairs + 1]))
    assert np.flatnonzero(found.read).tolist() == lines.tolist()
    digits = found.volt / 0.2 * converters.pass_max
    np.testing.assert_allclose(digits, np.rint(digits), atol=1e-9)
    assert 0 < np.abs(found.volt).max() <= 0.2
    assert not found.volt[~found.driven].any()
    assert "phase 0 of the program, step " in found.words
    drop = chip_pictures(program, Key.root(0), instance=3, codes=codes).ir_drop
    assert drop is not None
    np.testing.assert_array_equal(drop.drive_volt, found.volt)


def test_a_program_without_a_recording_is_shown_at_its_largest_codes() -> None:
    program = make_program()
    found = largest_drive(program, Key.root(0), 0)
    assert set(found.volt[found.driven]) == {0.2}
    assert found.words == "phase 0 of the program, all at the largest code"


def test_pictures_of_an_array_that_no_phase_uses() -> None:
    with pytest.raises(
        ShapeError, match=r"array 7: the program's phases use the arrays \[0, 1, 2\]"
    ):
        chip_pictures(make_program(), Key.root(0), array=7)


@pytest.mark.parametrize("law", ["power", "power-spread", "relative"])
def test_reads_spread_by_the_law(law: str) -> None:
    laws: dict[str, dict[str, Any]] = {
        "relative": {"sigma_siemens": 2e-6},
        "power": {"slope": 0.782, "intercept": -2.168, "frozen_above_siemens": 50e-6},
    }
    numbers = laws.get(law, laws["power"])
    chip = chip_with(read_noise={"law": law, **numbers})
    devices = write_devices(np.nan_to_num(targets()[0]), chip, Key.root(1), np.zeros(1, int))
    step = np.linspace(10e-6, 150e-6, 16)
    spread = read_noise(chip, devices, step, Key.root(2))
    assert isinstance(spread, ReadSpread)
    assert chip.read_noise is not None
    g = devices.conductance_siemens[0]
    factor = None if devices.noise_factor is None else devices.noise_factor[0]
    own = chip.read_noise.sigma_of(g, factor)
    np.testing.assert_allclose(spread.own_sigma_siemens, np.broadcast_to(own, g.shape).ravel())
    noisy = own.ravel() > 0
    ratio = spread.sigma_siemens[noisy] / own.ravel()[noisy]
    each = 1 / np.sqrt(2 * (spread.reads - 1))
    assert ratio.mean() == pytest.approx(1.0, abs=5 * each / np.sqrt(len(ratio)))
    assert np.abs(ratio - 1).max() < 5 * each
    pair = np.hypot(own[:, 0::2], own[:, 1::2]) / step
    np.testing.assert_allclose(spread.own_pair_sigma_codes, pair.ravel(), rtol=1e-6)
    held = (g[:, 0::2] - g[:, 1::2]) / step
    np.testing.assert_allclose(spread.weight_codes, held.ravel())
    quiet = pair.ravel() == 0
    assert (spread.pair_sigma_codes[quiet] == 0).all()
    together = spread.pair_sigma_codes[~quiet] / pair.ravel()[~quiet]
    assert together.mean() == pytest.approx(1.0, abs=5 * each / np.sqrt(len(together)))


def test_large_arrays_are_read_in_part() -> None:
    chip = chip_with(read_noise={"law": "relative", "sigma_siemens": 1e-6})
    devices = write_devices(np.full((200, 100), 1e-5), chip, Key.root(1), np.zeros(1, int))
    spread = read_noise(chip, devices, np.full(50, 1e-4), Key.root(2))
    assert isinstance(spread, ReadSpread)
    assert len(spread.sigma_siemens) == 4000
    assert len(spread.pair_sigma_codes) == 2000


def test_pictures_of_a_program_are_kept_and_name_what_is_off(tmp_path: Path) -> None:
    program = make_program()
    found = chip_pictures(program, Key.root(0), instance=2)
    assert found.skipped == ()
    assert found.conductances[0].chip == "taox-64, chip 2"
    save_pictures(found, tmp_path / "p.safetensors")
    again = load_pictures(tmp_path / "p.safetensors")
    for name in ("writing", "ir_drop", "reads"):
        one, other = getattr(found, name), getattr(again, name)
        for field in vars(one):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def test_an_ideal_chip_shows_no_effect(tmp_path: Path) -> None:
    program = make_program()
    ideal = type(program)(**{**vars(program), "chip": program.chip.only()})
    found = chip_pictures(ideal, Key.root(0))
    assert (found.writing, found.ir_drop, found.reads) == (None, None, None)
    reasons = [part.reason for part in found.skipped]
    assert [words.split(" ")[0] for words in reasons] == ["writing", "wires", "reads"]
    save_pictures(found, tmp_path / "p.safetensors")
    assert load_pictures(tmp_path / "p.safetensors").skipped == found.skipped
