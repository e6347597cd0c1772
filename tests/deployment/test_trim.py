"""Cells that harm are written again; modes that do not decay are found by their poles, switched off."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, execute, simulate
from imssa.deployment import deploy, read_back, read_modes, require_stable, trim
from imssa.deployment.modes import mode_poles
from imssa.deployment.trim import CELL_ERROR, LENIENT, ROUNDS, switched_off
from imssa.errors import DesignRuleError, MissingToolError, ShapeError
from imssa.hardware import ChipDescription, load_chip
from imssa.hardware.defects import StuckDevices
from imssa.hardware.statistical import GaussianProgramming
from imssa.hardware.wires import WireSettings
from imssa.mapping import Measures, Tailored, TailoredCompiler
from imssa.mapping.impulse import Dynamics, poles
from imssa.mapping.rules import integer_poles
from imssa.program import Program
from imssa.quantization.config import WeightBits
from imssa.quantization.network import QuantizedNetwork
from tests.crossbar import contract
from tests.deployment.labs import Laboratory, Plain
from tests.mapping.chips import map_of, stuck_chip
from tests.reference.networks import Sketch, random_inputs, random_network, with_layer

SKETCH = Sketch(realization="incremental", kernels=9)


def noisy(sigma: float) -> ChipDescription:
    law = GaussianProgramming(sigma_siemens=sigma)
    return load_chip("taox-64").only().model_copy(update={"programming": law})


def deployed(sigma: float) -> tuple[TailoredCompiler, Tailored, SimulatedChip]:
    chip = noisy(sigma)
    compiler = TailoredCompiler(random_network(6, SKETCH), chip)
    device = SimulatedChip(chip, contract.KEY, 0)
    return compiler, deploy(compiler, device, {}), device


def test_modes_that_are_written_well_have_the_poles_of_the_network() -> None:
    network = random_network(6, replace(SKETCH, realization="leaky"))
    compiler = TailoredCompiler(network, stuck_chip(0.1))
    device = SimulatedChip(compiler.chip, contract.KEY, 2)
    readings = read_modes(compiler, deploy(compiler, device, {}), device)
    expected = integer_poles(network.layers[0], "leaky", network.widths.guard_bits)
    assert [(r.feature, r.mode) for r in readings] == [(f, m) for f in range(9) for m in range(2)]
    largest = np.abs(expected).reshape(9, 2, -1).max(axis=2)
    assert [r.wanted for r in readings] == pytest.approx(largest.ravel().tolist())
    assert [r.pole for r in readings] == pytest.approx(largest.ravel().tolist(), abs=1e-9)
    require_stable(readings)


def test_a_pole_belongs_to_the_mode_that_takes_part_in_it() -> None:
    """Two modes joined one way keep their poles; the matrix is then block triangular."""
    block = np.zeros((5, 5))
    block[:2, :2], block[2:4, 2:4] = [[0.5, 0.2], [-0.2, 0.5]], [[0.9, 0.1], [-0.1, 0.9]]
    block[2, 0] = 0.7
    dynamics = Dynamics(np.zeros(4), np.ones(5), current=False, horizon=16)
    found = mode_poles(block, dynamics)
    assert found == pytest.approx([np.hypot(0.5, 0.2), np.hypot(0.9, 0.1)])
    random = np.random.default_rng(0).normal(size=(5, 5))
    assert mode_poles(random, dynamics).max() == pytest.approx(
        np.abs(poles(random, dynamics)).max()
    )


def test_bad_modes_are_named_and_refused() -> None:
    compiler, tailored, device = deployed(60e-6)
    with pytest.raises(DesignRuleError, match=r"mode \d of kernel \d of layer 0 has a pole of"):
        require_stable(read_modes(compiler, tailored, device))


def test_cells_that_harm_are_written_again_and_bad_modes_are_switched_off() -> None:
    compiler, tailored, device = deployed(60e-6)
    laboratory = Laboratory(device)
    before = read_back(compiler, tailored, laboratory)
    laboratory.diary.clear()
    trimmed = trim(compiler, tailored, laboratory)
    assert not all(reading.stable for reading in before)
    written = [line for line in laboratory.diary if line.startswith("rewrite")]
    assert sum(int(line.split()[-1]) for line in written) == trimmed.rewritten > 0
    assert not any(line.startswith("write") for line in laboratory.diary)
    assert trimmed.found
    assert trimmed.rounds == ROUNDS
    kept = {mode.name for mode in trimmed.kept}
    readings = read_modes(compiler, trimmed.tailored, device)
    require_stable(tuple(mode for mode in readings if mode.name not in kept))
    assert all(mode.stable for mode in readings)
    total = 9 * 2
    assert len(readings) == total - len(trimmed.switched_off)


def test_kernels_answer_as_they_should_after_it() -> None:
    """Errors of many cells add up in squares; each is below the tolerance, the last ones below more."""
    compiler, tailored, device = deployed(20e-6)
    before = [reading.error for reading in read_back(compiler, tailored, device)]
    trimmed = trim(compiler, tailored, device)
    after = [reading.error for reading in read_back(compiler, trimmed.tailored, device)]
    cells = tailored.blocks[0].size
    assert np.median(before) > 4 * np.median(after)
    assert max(after) < CELL_ERROR * 2**LENIENT * np.sqrt(cells)
    assert np.median(after) < CELL_ERROR * np.sqrt(cells)
    again = trim(compiler, trimmed.tailored, device, cell_error=CELL_ERROR * 2**LENIENT)
    assert again.rewritten < trimmed.rewritten / 100


def test_defects_that_the_program_makes_up_for_are_no_errors() -> None:
    """A repaired kernel holds other weights than the network's; it is not written again for that."""
    chip = stuck_chip(0.2)
    compiler = TailoredCompiler(random_network(6, SKETCH), chip)
    device = SimulatedChip(chip, contract.KEY, 2)
    measures = Measures(arrange=False)
    tailored = deploy(compiler, device, {}, measures, largest_error=99.0)
    assert tailored.losses.kernels
    assert trim(compiler, tailored, device).rewritten == 0


def test_kernels_are_right_through_wires() -> None:
    """Shares and bent targets of the wires are no errors, and what is judged is what the pairs read."""
    wires = WireSettings(word_line_resistance_ohm=2.0, bit_line_resistance_ohm=2.0)
    chip = noisy(20e-6).model_copy(update={"wires": wires})
    network = random_network(6, SKETCH)
    compiler = TailoredCompiler(network, chip)
    device = SimulatedChip(chip, contract.KEY, 0)
    tailored = deploy(compiler, device, {})
    assert all(share.min() < 1 for share in tailored.shares)
    inputs, lengths = random_inputs(network, 3, 8, 40)
    wanted = network.run(inputs, lengths)["kernel.0"]

    def error(program: Program) -> float:
        found = execute(program, device, inputs, lengths, ("kernel.0",)).steps["kernel.0"]
        return float(np.linalg.norm(found - wanted))

    before = error(tailored.program)
    trimmed = trim(compiler, tailored, device)
    after = [reading.error for reading in read_back(compiler, trimmed.tailored, device)]
    assert np.median(after) < CELL_ERROR * np.sqrt(tailored.blocks[0].size)
    assert error(trimmed.tailored.program) < before / 3


def test_modes_that_are_off_are_not_written_again() -> None:
    compiler, tailored, device = deployed(1e-9)
    off = tuple(m for m in read_modes(compiler, tailored, device) if m.feature in {2, 5})
    again = trim(compiler, switched_off(tailored, off), device)
    assert (again.rewritten, again.wrong) == (0, 0)


def test_cells_that_cannot_be_made_right_are_counted() -> None:
    """Devices stuck above the window: no writing brings their pairs to what the program counts on."""
    stuck = StuckDevices(high_rate=0.1, low_rate=0.0, high_spread_siemens=30e-6)
    chip = load_chip("taox-64").only().model_copy(update={"stuck": stuck})
    compiler = TailoredCompiler(random_network(6, SKETCH), chip)
    device = SimulatedChip(chip, contract.KEY, 0)
    trimmed = trim(compiler, deploy(compiler, device, {}, largest_error=99.0), device)
    assert trimmed.rounds == ROUNDS
    assert trimmed.wrong > 0
    assert trimmed.rewritten >= ROUNDS * trimmed.wrong


def test_a_chip_that_cannot_write_single_cells_says_so() -> None:
    compiler, tailored, device = deployed(60e-6)
    with pytest.raises(MissingToolError, match="Plain cannot write single cells again"):
        trim(compiler, tailored, Plain(device))


def test_a_good_chip_is_left_alone() -> None:
    compiler, tailored, device = deployed(1e-9)
    laboratory = Laboratory(device)
    trimmed = trim(compiler, tailored, laboratory)
    assert not any("write" in line for line in laboratory.diary)
    assert (trimmed.rewritten, trimmed.rounds) == (0, 0)
    assert trimmed.found == trimmed.switched_off == trimmed.kept == ()
    assert trimmed.tailored.program.phases == tailored.program.phases


def without(network: QuantizedNetwork, feature: int, mode: int) -> QuantizedNetwork:
    held = network.layers[0]
    A, B, C = (part.copy() for part in (held.A, held.B, held.C))
    A[feature, mode], B[feature, mode], C[feature, mode] = 0, 0, 0
    return with_layer(network, A=A, B=B, C=C)


def test_a_mode_switched_off_is_a_network_without_it() -> None:
    """Code for code, by both ways of running a program."""
    chip = stuck_chip(0.02)
    network = random_network(7, replace(SKETCH, realization="leaky"), chip)
    compiler = TailoredCompiler(network, chip)
    device = SimulatedChip(chip, contract.KEY, 1)
    tailored = compiler.compile(map_of(chip, 1), {})
    for array, contents in enumerate(tailored.program.arrays):
        device.write(array, contents)
    mode = next(m for m in read_modes(compiler, tailored, device) if (m.feature, m.mode) == (4, 1))
    program = switched_off(tailored, (mode,)).program
    inputs, lengths = random_inputs(network, 3, 4, 20)
    expected = without(network, 4, 1).run(inputs, lengths)
    names = tuple(name for name, codes in expected.items() if codes.ndim == 3)
    trace = execute(program, device, inputs, lengths, names)
    contract.assert_equal(contract.at_each_step(expected), trace.steps)
    fast = simulate(program, chip, contract.KEY, np.array([1]), inputs, lengths, names)
    for name in names:
        assert np.array_equal(fast.steps[name][0], trace.steps[name])
    assert not trace.steps["state.0"].reshape(4, -1, 9, 4)[:, :, 4, 2:].any()


def test_writing_the_same_again_draws_new_errors_on_the_same_devices() -> None:
    chip = stuck_chip(0.1).model_copy(
        update={"programming": GaussianProgramming(sigma_siemens=5e-6)}
    )
    device = SimulatedChip(chip, contract.KEY, 3)
    compiler = TailoredCompiler(random_network(6, SKETCH), chip)
    program = compiler.compile(map_of(chip, 3), {}).program
    found = []
    for contents in (program.arrays[0], program.arrays[0], program.arrays[1], program.arrays[0]):
        device.write(0, contents)
        found.append(device.read(0))
    first, again, _, back = found
    stuck = map_of(chip, 3).arrays[0] != 0
    assert np.array_equal(first, back)
    assert np.array_equal(first[stuck], again[stuck])
    sound = ~stuck & np.repeat(program.arrays[0].written, 2, axis=1)
    assert np.mean(first[sound] != again[sound]) > 0.99
    assert all(one is not other for one, other in pairwise(found))


def test_cells_written_again_have_new_errors_and_the_others_are_left() -> None:
    chip = noisy(5e-6)
    program = TailoredCompiler(random_network(6, SKETCH), chip).compile(map_of(chip, 3), {}).program
    device = SimulatedChip(chip, contract.KEY, 3)
    contents = program.arrays[0]
    device.write(0, contents)
    cells = contents.written & (
        np.arange(contents.codes.size).reshape(contents.codes.shape) % 3 == 0
    )
    found = [device.read(0)]
    for _ in range(2):
        device.rewrite(0, contents, cells)
        found.append(device.read(0))
    both = np.repeat(cells, 2, axis=1)
    for one, other in pairwise(found):
        assert np.array_equal(one[~both], other[~both])
        assert np.mean(one[both] != other[both]) > 0.99
    with pytest.raises(ShapeError, match="it was not written"):
        device.rewrite(1, contents, cells)


def test_modes_are_read_in_the_kernels_own_codes_where_lines_are_shared() -> None:
    """States of one kernel on another's output pair: codes there stand for other weights."""
    chip = stuck_chip(0.06)
    bits = WeightBits(A=2, B=2, C=4, D=4)
    network = random_network(6, Sketch(kernels=40, bits=bits), chip)
    compiler = TailoredCompiler(network, chip, "phased")
    device = SimulatedChip(chip, contract.KEY, 0)
    tailored = deploy(compiler, device, {}, largest_error=9.0)
    readings = read_modes(compiler, tailored, device)
    lost = {(kernel.layer, kernel.feature) for kernel in tailored.losses.kernels}
    whole = [r for r in readings if (r.layer, r.feature) not in lost]
    assert len(whole) > 30
    assert [r.pole for r in whole] == pytest.approx([r.wanted for r in whole], abs=1e-9)


def test_a_program_with_corrections_is_not_trimmed() -> None:
    chip = stuck_chip(0.2)
    compiler = TailoredCompiler(random_network(6, Sketch(kernels=9), chip), chip)
    device = SimulatedChip(chip, contract.KEY, 0)
    measures = Measures(arrange=False, repair=False, correct=9)
    tailored = deploy(compiler, device, {}, measures, largest_error=99.0)
    assert len(tailored.corrections) == 9
    with pytest.raises(DesignRuleError, match="corrects 9 cells digitally"):
        trim(compiler, tailored, device)
