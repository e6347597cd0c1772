"""Chips whose window does not start at zero, and every law of the devices: step by step = fused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.hardware import ChipDescription, DefectMap, load_chip, preset_names, write_defect_map
from imssa.hardware.devices import (
    DeadLines,
    PowerDrift,
    PowerSpreadReadNoise,
    ProportionalPulse,
    WriteVerifyProgramming,
)
from imssa.mapping import compile_network
from imssa.quantization.convert import convert
from tests.crossbar import contract
from tests.reference.networks import Sketch, chip_with, prepared_network, random_inputs

TAOX = chip_with()
PULSE = ProportionalPulse(set_share=1.0, reset_share=1.0, spread=0.3, least_siemens=5e-6)
LAWS: dict[str, dict[str, Any]] = {
    "harsh": {
        "read_noise": PowerSpreadReadNoise(
            slope=0.782, intercept=-2.168, frozen_above_siemens=50e-6
        )
    },
    "pairs": {
        "programming": WriteVerifyProgramming(
            tolerance_siemens=5e-6, verify="pair", max_pulses=20, pulse=PULSE
        )
    },
    "lines": {"dead_lines": DeadLines(word_line_rate=0.05, bit_lines=((0, 3),))},
    "drift": {"drift": PowerDrift(exponent=0.05, exponent_sigma=0.02), "age_seconds": 1e5},
}


def sized(chip: ChipDescription) -> ChipDescription:
    """The same chip with the converters of the test networks."""
    return chip.model_copy(update={"arrays": TAOX.arrays, "converters": TAOX.converters})


def assert_same(chip: ChipDescription) -> None:
    prepared = prepared_network(3, Sketch(), chip)
    network = convert(prepared)
    inputs, lengths = random_inputs(network, 4, 5, 12)
    program = compile_network(network, chip, {})
    ideal, _ = contract.of_executor(program, chip.only(), inputs, lengths)
    contract.assert_equal(contract.at_each_step(network.run(inputs, lengths)), ideal)
    together = contract.of_simulation(program, chip, inputs, lengths, (2, 0))
    for place, instance in enumerate((2, 0)):
        slow = contract.of_executor(program, chip, inputs, lengths, instance)
        contract.assert_same_run(contract.of_chip(together, place), slow)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_runs_both_ways(name: str) -> None:
    assert_same(sized(load_chip(name)))


@pytest.mark.parametrize("law", LAWS)
def test_every_kind_of_law_runs_both_ways(law: str) -> None:
    assert_same(TAOX.model_copy(update=LAWS[law]))


def test_a_measured_map_runs_both_ways(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    known = (rng.integers(-2, 2, (64, 64)) * (rng.random((64, 64)) < 0.05)).astype(np.int8)
    write_defect_map(tmp_path / "map.npz", DefectMap((known, known, known)))
    update = {"stuck": None, "defect_map": str(tmp_path / "map.npz")}
    assert_same(TAOX.model_copy(update=update))
