"""Drift with time: paths of devices, ends and limits; the presets' numbers are in test_presets."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imssa.hardware import ChipDescription, load_chip, write_devices
from imssa.hardware.devices import Drift, PolynomialDrift, PowerDrift, RelaxationDrift
from imssa.kernels.random import Key

IDEAL = load_chip("taox-64").only()
RELAXATION = RelaxationDrift(
    mean_siemens=-0.5e-6, sigma_siemens=1e-6, sigma_growth_siemens=0.2e-6, start_seconds=10
)
POWER = PowerDrift(exponent=0.05, exponent_sigma=0.01, start_seconds=20)
POLYNOMIAL = PolynomialDrift(
    times_seconds=(1, 100, 10_000),
    coefficients_microsiemens=((1.0,), (2.0, 0.01), (3.0, 0.01)),
    valid_to_siemens=150e-6,
)
LAWS = (RELAXATION, POWER, POLYNOMIAL)
CHIPS = np.arange(20)
TARGET = 100e-6


def chip_with(drift: Drift, age: float) -> ChipDescription:
    return IDEAL.model_copy(update={"drift": drift, "age_seconds": age})


def at(drift: Drift, age: float, seed: int = 1) -> NDArray[np.float64]:
    targets = np.full((64, 64), TARGET)
    found = write_devices(targets, chip_with(drift, age), Key.root(seed), CHIPS)
    return found.conductance_siemens


@pytest.mark.parametrize("law", LAWS)
def test_nothing_moves_before_the_start(law: Drift) -> None:
    assert np.all(at(law, 0.0) == TARGET)
    assert np.all(at(law, 0.5) == TARGET)


@pytest.mark.parametrize("law", LAWS)
def test_devices_go_on_along_their_paths(law: Drift) -> None:
    """Each keeps its random number: early and late deviations are one and the same device's."""
    early, late = (at(law, age).ravel() for age in (50.0, 5000.0))
    assert np.corrcoef(early, late)[0, 1] > 0.999


def test_power_law_is_the_formula() -> None:
    ratio = np.log(at(POWER, 2000.0) / TARGET) / -np.log(100.0)
    count = ratio.size
    assert abs(ratio.mean() - 0.05) < 4 * 0.01 / np.sqrt(count)
    assert abs(ratio.std() - 0.01) < 4 * 0.01 / np.sqrt(2 * count)
    sharp = PowerDrift(exponent=0.05)
    assert at(sharp, 10.0) == pytest.approx(TARGET * 10.0**-0.05)


def test_polynomial_passes_through_its_times() -> None:
    for age, total in ((100.0, 3.0), (10_000.0, 4.0)):
        added = np.sqrt(total**2 - 1.0)
        spread = at(POLYNOMIAL, age).std() * 1e6
        assert abs(spread - added) < 4 * added / np.sqrt(2 * 64 * 64 * len(CHIPS))
    sigma = POLYNOMIAL.sigma(np.array([TARGET]), 1000.0) * 1e6
    assert sigma == pytest.approx(3.5)  # half way in ln t


def test_conductances_stay_at_or_above_zero() -> None:
    for law in LAWS:
        targets = np.zeros((32, 32))
        found = write_devices(targets, chip_with(law, 9000.0), Key.root(2), CHIPS)
        assert found.conductance_siemens.min() >= 0.0


def test_what_is_stuck_or_never_written_does_not_drift() -> None:
    taox = load_chip("taox-64")
    targets = np.full((64, 64), TARGET)
    targets[32:] = np.nan
    fresh, old = (
        write_devices(
            targets,
            taox.model_copy(update={"drift": RELAXATION, "age_seconds": age}),
            Key.root(3),
            CHIPS,
        )
        for age in (0.0, 1e6)
    )
    same = fresh.conductance_siemens == old.conductance_siemens
    assert same[:, 32:].all()
    assert same[fresh.defects != 0].all()
    assert not same[:, :32][fresh.defects[:, :32] == 0].any()


def test_drift_is_an_effect_of_its_own() -> None:
    chip = chip_with(RELAXATION, 1e3)
    assert chip.only().drift is None
    assert chip.only("drift").drift == RELAXATION


@pytest.mark.parametrize(
    ("times", "coefficients", "words"),
    [
        ((1.0, 1.0), ((1.0,), (2.0,)), "must be positive and increase"),
        ((0.0, 1.0), ((1.0,), (2.0,)), "must be positive and increase"),
        ((1.0, 2.0), ((1.0,), (2.0,), (3.0,)), "one list for each"),
        ((1.0, 2.0), ((1.0,), ()), "empty list"),
        ((1.0, 2.0), ((1.0,), (1.0, -1.0)), "negative sigma"),
    ],
)
def test_impossible_fits_are_refused(
    times: tuple[float, ...], coefficients: tuple[tuple[float, ...], ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        PolynomialDrift(
            times_seconds=times, coefficients_microsiemens=coefficients, valid_to_siemens=150e-6
        )
