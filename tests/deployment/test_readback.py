"""What a written chip really holds, read back over the chip interface."""

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip
from imssa.deployment import deploy, read_back
from imssa.hardware import load_chip
from imssa.hardware.statistical import GaussianProgramming
from imssa.mapping import TailoredCompiler
from imssa.mapping.rules import integer_poles
from imssa.quantization.config import Realization
from tests.crossbar.contract import KEY
from tests.mapping.chips import stuck_chip
from tests.reference.networks import Sketch, random_network

REALIZATIONS = ("direct", "incremental", "leaky")


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_a_chip_with_handled_defects_holds_the_poles_of_the_network(
    realization: Realization,
) -> None:
    chip = stuck_chip(0.1)
    network = random_network(6, Sketch(realization=realization, kernels=9), chip)
    compiler, device = TailoredCompiler(network, chip), SimulatedChip(chip, KEY, 2)
    readings = read_back(compiler, deploy(compiler, device, {}), device)
    expected = np.abs(integer_poles(network.layers[0], realization, network.widths.guard_bits))
    assert [r.feature for r in readings] == list(range(9))
    for reading, own in zip(readings, expected, strict=True):
        assert reading.error == pytest.approx(0.0, abs=1e-6)
        assert reading.largest_pole == pytest.approx(own.max(), abs=1e-9)
        assert reading.stable


def test_programming_errors_show_and_unstable_kernels_are_told() -> None:
    network = random_network(6, Sketch(realization="incremental", kernels=9))
    found = []
    for sigma in (1e-6, 60e-6):
        law = GaussianProgramming(sigma_siemens=sigma)
        chip = load_chip("taox-64").only().model_copy(update={"programming": law})
        compiler, device = TailoredCompiler(network, chip), SimulatedChip(chip, KEY, 0)
        found.append(read_back(compiler, deploy(compiler, device, {}), device))
    slight, heavy = found
    assert all(0 < reading.error < 0.3 for reading in slight)
    assert np.mean([r.error for r in heavy]) > 5 * np.mean([r.error for r in slight])
    assert not all(reading.stable for reading in heavy)
