"""Targets for wires: judged by a dense nodal solution, by both ways of running, and by the codes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, write_program
from imssa.crossbar.arrays import program_array
from imssa.errors import DesignRuleError
from imssa.hardware import ChipDescription, load_chip
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.defects import StuckDevices
from imssa.hardware.description import Arrays
from imssa.hardware.wires import WireSettings
from imssa.mapping import Measures, TailoredCompiler, compile_network
from imssa.mapping.wire_targets import for_wires
from imssa.program import Program, load_program, save_program
from tests.circuit.dense import dense_transfer
from tests.crossbar import contract
from tests.mapping.chips import map_of
from tests.program.samples import same
from tests.reference.networks import (
    ON_ARRAYS,
    Sketch,
    all_bits,
    chip_with,
    random_inputs,
    random_network,
)

OHM = 20.0


def wired(ohm: float = OHM, idle: Any = "grounded", **changes: Any) -> ChipDescription:
    """A small chip whose only errors are its wires."""
    wires = WireSettings(
        word_line_resistance_ohm=ohm,
        bit_line_resistance_ohm=ohm,
        undriven=idle,
        unread=idle,
    )
    chip = chip_with(count=2, size=(16, 32)).only()
    return chip.model_copy(update={"wires": wires, **changes})


def compiled(chip: ChipDescription, bits: int = 2) -> Program:
    return compile_network(random_network(4, Sketch(bits=all_bits(bits)), chip), chip, {})


def dense_weights(conductance: Any, ohm: float, step: Any) -> Any:
    rows, columns = conductance.shape
    row_ohm, column_ohm = np.full((rows, columns + 1), ohm), np.full((rows + 1, columns), ohm)
    row_ohm[:, -1], column_ohm[0] = np.inf, np.inf
    Y = dense_transfer(conductance, row_ohm, column_ohm)
    return (Y[:, 0::2] - Y[:, 1::2]) / step


@pytest.mark.parametrize("bits", [2, 4])
def test_the_dense_nodal_solution_holds_the_codes(bits: int) -> None:
    chip = wired().model_copy(update={"arrays": Arrays(count=2, word_lines=8, bit_lines=16)})
    sketch = Sketch(bits=all_bits(bits), modes=1, kernels=2)
    program = compile_network(random_network(4, sketch, chip), chip, {})
    found = for_wires(program)
    for contents, array in zip(found.program.arrays, found.arrays, strict=True):
        assert contents.targets_siemens is not None
        G = np.where(np.repeat(contents.written, 2, axis=1), contents.targets_siemens, 0.0)
        wanted = contents.codes * array.shares
        largest = np.abs(contents.codes).max()
        assert dense_weights(G, OHM, contents.siemens_per_step) == pytest.approx(
            wanted, abs=3e-4 * largest
        )
        assert array.after < 1e-3 < array.gained < array.before
        assert np.all((array.shares > 0.3) & (array.shares <= 1))
        assert np.all((G >= 0) & (program.chip.g_max_siemens >= G))


def test_without_resistance_targets_are_those_of_the_codes() -> None:
    program = compiled(wired(0.0))
    found = for_wires(program)
    for contents, array in zip(found.program.arrays, found.arrays, strict=True):
        weights = contents.codes * contents.siemens_per_step
        targets = np.stack([np.maximum(weights, 0), np.maximum(-weights, 0)], axis=-1)
        assert same(contents.targets_siemens, targets.reshape(16, 32))
        assert array.before == array.after == 0
        assert np.all(array.shares == 1)
    assert same(found.program.step, program.step)


def registers(program: Program, chip: ChipDescription, seed: int = 5) -> dict[str, Any]:
    inputs, lengths = random_inputs(random_network(4, chip=chip), seed, 4, 14)
    steps, _ = contract.of_executor(program, chip, inputs, lengths)
    return {name: steps[name] for name in ("state.0", "kernel.0", "mixing.0")}


def test_on_ideal_wires_the_codes_are_those_of_the_network() -> None:
    chip = wired()
    network = random_network(4, chip=chip)
    program = for_wires(compile_network(network, chip, {}), compensated=False).program
    inputs, lengths = random_inputs(network, 5, 4, 14)
    expected = network.run(inputs, lengths)
    steps, final = contract.of_executor(program, chip.only(), inputs, lengths)
    contract.assert_equal(contract.at_each_step(expected), steps)
    contract.assert_equal(contract.at_the_end(expected), final)
    fast = contract.of_chip(contract.of_simulation(program, chip.only(), inputs, lengths), 0)
    contract.assert_same_run(fast, (steps, final))


def test_with_compensation_the_wired_chip_comes_near_to_the_network() -> None:
    chip = wired()
    program = compiled(chip)
    right, plain = registers(program, chip.only()), registers(program, chip)
    mended = registers(for_wires(program).program, chip)
    for name, codes in right.items():
        before, after = (np.abs(codes - other[name]).mean() for other in (plain, mended))
        assert after < 0.25 * before, name


@pytest.mark.parametrize("idle", ["grounded", "floating"])
def test_both_ways_of_running_give_the_same_codes(idle: str) -> None:
    """With every error of the chip, on two instances."""
    chip = load_chip("taox-64").model_copy(update={"wires": wired(3.0, idle).wires})
    network = random_network(4, chip=chip)
    compiler = TailoredCompiler(network, chip)
    inputs, lengths = random_inputs(network, 5, 3, 10)
    for instance in range(2):
        defects = map_of(chip, instance)
        program = for_wires(compiler.compile(defects, {}).program, defects).program
        slow = contract.of_executor(program, chip, inputs, lengths, instance)
        fast = contract.of_simulation(program, chip, inputs, lengths, (instance,))
        contract.assert_same_run(contract.of_chip(fast, 0), slow)


def test_floating_lines_have_targets_of_their_phases() -> None:
    chip = wired(idle="floating")
    found = for_wires(compiled(chip))
    device = SimulatedChip(chip, contract.KEY, 0)
    write_program(found.program, device)
    for phase in found.program.phases:
        contents, array = found.program.arrays[phase.array], found.arrays[phase.array]
        seen = device.arrays[phase.array].seen_by(phase).weights[0]
        cells = np.ix_(phase.word_lines, phase.pairs)
        assert seen == pytest.approx((contents.codes * array.shares)[cells], abs=1e-3)


def test_what_stuck_devices_hold_is_known() -> None:
    """Mapped in place, so that partners answer for stuck devices."""
    chip = wired(stuck=StuckDevices(high_rate=0.1, low_rate=0.1))
    defects, network = map_of(chip, 0), random_network(4, chip=chip)
    measures = Measures(arrange=False, repair=False)
    program = TailoredCompiler(network, chip).compile(defects, {}, measures).program
    contents, one = program.arrays[0], np.array([0])
    errors = []
    for known in (None, defects):
        found = for_wires(program, known)
        written = found.program.arrays[0]
        array = program_array(written, chip, contract.KEY.child("array", 0), one, array=0)
        errors.append(np.abs(array.weights[0] - contents.codes * found.arrays[0].shares))
    blind, aware = (error[contents.written] for error in errors)
    served = np.maximum(blind, aware) < 0.5  # the others are lost with any targets
    assert np.mean(served) > 0.9
    # equal weights of a pair whose nearer device is stuck high ask for more than the window
    assert aware[served].max() < 0.05
    assert aware[served].mean() < 0.5 * blind[served].mean()


def test_a_map_without_defects_changes_nothing() -> None:
    program = compiled(wired())
    whole = DefectMap(tuple(np.zeros((16, 32), np.int8) for _ in range(2)))
    assert same(for_wires(program, whole).program, for_wires(program).program)


def test_targets_are_kept_in_the_file(tmp_path: Path) -> None:
    program = for_wires(compiled(wired())).program
    save_program(program, tmp_path / "program.safetensors")
    assert same(load_program(tmp_path / "program.safetensors"), program)


def test_a_chip_without_wires_is_refused() -> None:
    chip = wired().only()
    program = replace(compiled(wired()), chip=chip)
    with pytest.raises(DesignRuleError, match="its description has no wires"):
        for_wires(program)


def test_shares_that_no_multiplier_makes_up_for_are_refused() -> None:
    program = compiled(wired())
    step = tuple(o for o in program.step if getattr(o, "source", None) != "readout.0")
    with pytest.raises(DesignRuleError, match=r"the register readout\.0"):
        for_wires(replace(program, step=step))
    for_wires(replace(program, step=step), compensated=False)


def test_maps_on_arrays_answer_nearer_with_targets_for_wires() -> None:
    chip = wired(5.0).model_copy(update={"arrays": Arrays(count=9, word_lines=32, bit_lines=64)})
    sketch = Sketch(parts=ON_ARRAYS, bits=all_bits(4), kernels=9, inputs=20)
    network = random_network(4, sketch, chip)
    program = compile_network(network, chip, {})
    inputs, lengths = random_inputs(network, 2, 4, 12)
    wanted = contract.masked(network.run(inputs, lengths), lengths)
    error = []
    for one in (program, for_wires(program).program):
        steps, _ = contract.of_executor(one, chip, inputs, lengths)
        error.append(np.abs(steps["stream.0"] - wanted["stream.0"]).mean())
    assert error[1] < 0.5 * error[0]
