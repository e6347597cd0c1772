"""Deploying: scan, compile, write, over the chip interface alone."""

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, execute
from imssa.deployment import deploy
from imssa.errors import DesignRuleError
from imssa.mapping import TailoredCompiler
from tests.crossbar import contract
from tests.deployment.labs import Laboratory
from tests.mapping.chips import stuck_chip
from tests.reference.networks import Sketch, random_inputs, random_network


def test_a_deployed_chip_answers_like_the_network() -> None:
    chip = stuck_chip(0.1)
    network = random_network(3, Sketch(kernels=9), chip)
    device = Laboratory(SimulatedChip(chip, contract.KEY, 4))
    tailored = deploy(TailoredCompiler(network, chip), device, {"chip": 4})
    scanned = [f"{what} {n}" for n in range(3) for what in ("write", "read") * 2]
    assert device.diary == [*scanned, *(f"write {n}" for n in range(len(tailored.program.arrays)))]
    inputs, lengths = random_inputs(network, 1, 4, 12)
    trace = execute(tailored.program, device, inputs, lengths)
    assert np.array_equal(trace.answers, network.run(inputs, lengths)["answer"][:, 0])


def test_a_chip_beyond_help_is_refused_before_anything_is_written() -> None:
    chip = stuck_chip(0.95, count=1, size=(15, 30))
    compiler = TailoredCompiler(random_network(3, Sketch(kernels=3), chip), chip)
    device = Laboratory(SimulatedChip(chip, contract.KEY, 0))
    with pytest.raises(DesignRuleError, match="more than the compiler can serve: kernel"):
        deploy(compiler, device, {}, largest_error=0.1)
    assert device.diary == ["write 0", "read 0"] * 2
