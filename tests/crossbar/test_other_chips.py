"""Chips whose window does not start at zero, and every law of the devices: step by step = fused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, execute, simulate, write_program
from imssa.hardware import ChipDescription, DefectMap, load_chip, preset_names, write_defect_map
from imssa.hardware.devices import (
    DeadLines,
    PowerDrift,
    PowerSpreadReadNoise,
    ProportionalPulse,
    WriteVerifyProgramming,
)
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.quantization.convert import convert
from tests.crossbar import contract
from tests.reference.networks import (
    Sketch,
    chip_with,
    prepared_network,
    random_inputs,
    random_network,
)

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


@pytest.mark.parametrize("noise", ["relative", "power"])
@pytest.mark.parametrize("lines", [{"word_lines": [[0, 3]]}, {"word_line_rate": 0.05}])
def test_dead_lines_do_not_make_results_depend_on_the_group(
    noise: str, lines: dict[str, Any]
) -> None:
    """Chips with and without open devices in one call, in groups of any size, and one by one."""
    taox = load_chip("taox-64").model_dump(mode="json", exclude_none=True)
    if noise == "relative":
        taox["read_noise"] = {"law": "relative", "sigma_siemens": 1e-6}
    chip = ChipDescription.model_validate({**taox, "dead_lines": lines})
    network = random_network(8, chip=chip)
    program = compile_network(network, chip, {})
    inputs, lengths = random_inputs(network, 8, batch=3, length=8)
    key, four = Key.root(2), np.arange(4)
    together = simulate(program, chip, key, four, inputs, lengths, ("adc.0",))
    apart = simulate(program, chip, key, four, inputs, lengths, ("adc.0",), memory_budget_bytes=1)
    assert np.array_equal(together.steps["adc.0"], apart.steps["adc.0"])
    for instance in range(4):
        simulated = SimulatedChip(chip, key, instance)
        write_program(program, simulated)
        slow = execute(program, simulated, inputs, lengths, ("adc.0",))
        assert np.array_equal(together.steps["adc.0"][instance], slow.steps["adc.0"])
