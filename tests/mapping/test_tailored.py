"""Compiling for a chip whose defects are known: what it loses, and that it says so."""

import copy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, write_program
from imssa.crossbar.arrays import program_chips
from imssa.errors import DesignRuleError
from imssa.hardware import ChipDescription
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.pulses import ProportionalPulse
from imssa.hardware.write_verify import WriteVerifyProgramming
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping import Measures, TailoredCompiler, compile_network, require_served
from imssa.mapping.compiler import network_blocks
from imssa.mapping.impulse import layer_dynamics, squared_errors, wanted_kernels
from imssa.mapping.losses import KernelLoss, Losses, LostWeight
from imssa.program import load_program, save_program
from imssa.program.program import Program
from imssa.program.rules import broken_rules
from imssa.quantization.config import Realization, WeightBits
from imssa.quantization.network import QuantizedNetwork
from tests.crossbar import contract
from tests.mapping.chips import map_of, stuck_chip, whole
from tests.program.samples import same
from tests.reference.networks import Sketch, all_bits, random_inputs, random_network, with_layer

REALIZATIONS = ("direct", "incremental", "leaky")
PULSE = ProportionalPulse(set_share=0.7, reset_share=0.5, spread=0.3, least_siemens=1e-6)
MIXED = WeightBits(A=2, B=4, C=3, D=8)
TIGHT = {"count": 3, "size": (15, 30)}  # three kernels of two modes fill an array


def held_blocks(program: Program, chip: ChipDescription, instance: int) -> dict[Any, Any]:
    """Weights of each kernel that a simulated instance really holds, routing and signs undone."""
    arrays = program_chips(program, chip, contract.KEY, np.array([instance]))
    found: dict[Any, Any] = {}
    for phase in program.phases:
        layer = int(phase.drive[0].removeprefix("state."))
        weights = arrays[phase.array].weights[0].astype(float)
        here = weights[np.ix_(phase.word_lines, phase.pairs)]
        here = here * phase.drive_sign[:, None] * phase.read_sign
        states = program.register(f"state.{layer}").size
        lines = states // program.register(f"readout.{layer}").size
        for i, (kind, element) in enumerate(
            zip(phase.drive_register, phase.drive_index, strict=True)
        ):
            feature, row = (element, lines) if kind else divmod(int(element), lines)
            for j, (into, place) in enumerate(
                zip(phase.read_register, phase.read_index, strict=True)
            ):
                other, column = (place, lines) if into else divmod(int(place), lines)
                block = found.setdefault((layer, int(feature)), np.zeros((lines + 1, lines + 1)))
                if other == feature:
                    block[row, column] = here[i, j]
    return found


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("bits", [all_bits(2), MIXED])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_a_chip_with_stuck_devices_gives_the_codes_of_the_network(
    realization: Realization, bits: WeightBits, output: str
) -> None:
    """Where nothing is reported lost, the contract holds on the defective chip: with ==."""
    chip = stuck_chip(0.1)
    sketch = Sketch(realization=realization, bits=bits, output=output, kernels=5, modes=3, layers=2)
    network = random_network(4, sketch, chip)
    inputs, lengths = random_inputs(network, 5, 4, 15)
    expected = network.run(inputs, lengths)
    compiler = TailoredCompiler(network, chip)
    for instance in (0, 1):
        tailored = compiler.compile(map_of(chip, instance), {"chip": instance})
        program = tailored.program
        assert tailored.losses.kernels == ()
        assert program.provenance == {"chip": instance}
        assert broken_rules(program) == []
        steps, final = contract.of_chip(
            contract.of_simulation(program, chip, inputs, lengths, (instance,)), 0
        )
        contract.assert_equal(contract.at_each_step(expected), steps)
        contract.assert_equal(contract.at_the_end(expected), final)
        blind = compile_network(network, chip, {})
        lost = contract.of_simulation(blind, chip, inputs, lengths, (instance,))[0]["state.0"]
        assert not np.array_equal(lost[0], expected["state.0"])


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_each_measure_helps_and_says_what_is_left(realization: Realization) -> None:
    """On full arrays with half of their devices stuck: losses are those of the simulated chip."""
    chip = stuck_chip(0.5, **TIGHT)
    network = random_network(7, Sketch(realization=realization, kernels=9), chip)
    layer = network.layers[0]
    wanted = wanted_kernels(
        network_blocks(network)[0], layer_dynamics(layer, network.widths, network.max_length)
    )
    compiler, defects = TailoredCompiler(network, chip), map_of(chip, 0)
    found = []
    for measures in (Measures(arrange=False, repair=False), Measures(repair=False), Measures()):
        tailored = compiler.compile(defects, {}, measures)
        found.append(tailored.losses.mean_square)
        held = held_blocks(tailored.program, chip, 0)
        told = {(k.layer, k.feature): k for k in tailored.losses.kernels}
        for place, block in held.items():
            lost = {(w.row, w.column): w.held for w in told[place].lost} if place in told else {}
            wrong = np.argwhere(block != wanted.blocks[place[1]])
            assert {tuple(map(int, cell)) for cell in wrong} == set(lost)
            assert all(block[cell] == value for cell, value in lost.items())
            own = float(squared_errors(block, wanted.of(place[1])))
            error = told[place].error if place in told else 0.0
            assert error**2 >= own - 1e-6  # other kernels of its phases come on top
    assert found[0] > 2 * found[1]
    assert found[1] >= found[2] > 0
    assert compiler.compile(whole(chip), {}).losses.kernels == ()


def test_layers_that_share_an_array_share_no_line() -> None:
    chip = stuck_chip(0.1, count=1)
    network = random_network(2, Sketch(kernels=2, layers=2), chip)
    first, second = TailoredCompiler(network, chip).compile(map_of(chip, 0), {}).program.phases
    assert not set(first.word_lines) & set(second.word_lines)
    assert not set(first.pairs) & set(second.pairs)


def test_dead_lines_are_left_out() -> None:
    chip = stuck_chip(0.0)
    network = random_network(2, Sketch(kernels=9, modes=4), chip)
    defects = whole(chip)
    for matrix in defects.arrays:
        matrix[[0, 5, 20]] = -2  # word lines
        matrix[:, [2, 31]] = -2  # bit lines
    tailored = TailoredCompiler(network, chip).compile(defects, {})
    assert tailored.losses.kernels == ()
    for contents in tailored.program.arrays:  # an empty row may lie on a dead line
        assert not contents.codes[[0, 5, 20]].any()


def parts_of(block: Any, modes: int) -> dict[str, Any] | None:
    """A, B, C and D of one kernel's block; None where a cell couples modes."""
    states = np.arange(2 * modes).reshape(modes, 2)
    A = np.array([block[np.ix_(own, own)].T for own in states])
    B, C = block[-1, states], block[states, -1]
    parts = {"A": A[None], "B": B[None], "C": C[None], "D": block[-1:, -1]}
    return parts if np.array_equal(kernel_blocks(**parts)[0], block) else None


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_what_is_left_of_a_kernel_runs_as_it_is_told(realization: Realization) -> None:
    """A hopeless array: codes are those of the network with the weights that the losses name."""
    modes, checked, silent = 3, 0, 0
    chip = stuck_chip(0.8, count=1, size=(7, 14))
    network = random_network(11, Sketch(realization=realization, kernels=1, modes=modes), chip)
    wanted = network_blocks(network)[0][0]
    inputs, lengths = random_inputs(network, 5, 3, 15)
    compiler = TailoredCompiler(network, chip)
    for instance in range(24):
        tailored = compiler.compile(map_of(chip, instance), {})
        held = wanted.copy()
        for loss in tailored.losses.kernels:
            for weight in loss.lost:
                held[weight.row, weight.column] = round(weight.held)
            for mode in loss.switched_off:
                own = [2 * mode, 2 * mode + 1]
                assert not held[own].any()
                assert not held[:, own].any()
                phase = tailored.program.phases[0]
                assert not set(own) & set(phase.drive_index[phase.drive_register == 0].tolist())
                assert not set(own) & set(phase.read_index[phase.read_register == 0].tolist())
                silent += 1
        parts = parts_of(held, modes)
        if parts is not None and tailored.losses.kernels:
            expected = with_layer(network, **parts).run(inputs, lengths)
            found = contract.of_simulation(tailored.program, chip, inputs, lengths, (instance,))
            steps, final = contract.of_chip(found, 0)
            contract.assert_equal(contract.at_each_step(expected), steps)
            contract.assert_equal(contract.at_the_end(expected), final)
            checked += 1
    assert checked >= 3
    assert silent >= 3


def test_more_defects_than_can_be_served_are_refused_by_name() -> None:
    lost = (LostWeight(0, 0, 1, 0.0),)
    kernels = tuple(KernelLoss(0, n, n // 3, 0.2 * n, lost, (1,)) for n in range(12))
    losses = Losses(kernels, 20)
    require_served(losses, "taox-64", largest_error=3.0)
    with pytest.raises(DesignRuleError) as caught:
        require_served(losses, "taox-64", largest_error=0.5)
    message = str(caught.value)
    assert "kernel 11 of layer 0 on array 3 loses 1 weights, predicted error 220%" in message
    assert "and 1 kernels more" in message
    assert "Use another layout or chip" in message
    table = losses.lines()
    assert len(table) == 13
    assert "[0,0] 1 -> 0, mode 1 off" in table[1]
    assert losses.lost_weights == 12


@pytest.mark.parametrize(
    "change", [lambda m: m[:2], lambda m: [a[:, :60] for a in m]], ids=["count", "shape"]
)
def test_a_map_of_another_chip_is_refused(change: Any) -> None:
    chip = stuck_chip(0.1)
    compiler = TailoredCompiler(random_network(1, chip=chip), chip)
    with pytest.raises(DesignRuleError, match=r"taox-64 has 3 arrays of shape \(64, 64\).*Scan"):
        compiler.compile(DefectMap(tuple(change(whole(chip).arrays))), {})


def test_compiling_changes_nothing_and_is_the_same_each_time() -> None:
    chip = stuck_chip(0.3, **TIGHT)
    network = random_network(3, Sketch(kernels=9), chip)
    before, defects = copy.deepcopy(network), map_of(chip, 3)
    kept = copy.deepcopy(defects)
    one = TailoredCompiler(network, chip).compile(defects, {})
    assert same(network, before)
    assert same(defects, kept)
    assert same(TailoredCompiler(network, chip).compile(defects, {}).program, one.program)


def test_a_tailored_program_survives_its_file(tmp_path: Any) -> None:
    chip = stuck_chip(0.1)
    network = random_network(3, Sketch(kernels=9), chip)
    program = TailoredCompiler(network, chip).compile(map_of(chip, 0), {}).program
    save_program(program, tmp_path / "program")
    assert same(load_program(tmp_path / "program"), program)


def network_of(chip: ChipDescription) -> QuantizedNetwork:
    return random_network(3, Sketch(kernels=9), chip)


@pytest.mark.parametrize("verify", ["device", "pair"])
def test_write_verify_writes_pairs_with_a_stuck_device(verify: Literal["device", "pair"]) -> None:
    """Every weight ends within its tolerance: one of a pair that is verified, two of its devices."""
    programming = WriteVerifyProgramming(
        tolerance_siemens=2e-6, verify=verify, max_pulses=1000, pulse=PULSE
    )
    chip = stuck_chip(0.1).model_copy(update={"programming": programming})
    network = network_of(chip)
    tailored = TailoredCompiler(network, chip).compile(map_of(chip, 0), {})
    assert tailored.losses.kernels == ()
    device = SimulatedChip(chip, contract.KEY, 0)
    write_program(tailored.program, device)
    share = 1 if verify == "pair" else 2
    for number, contents in enumerate(tailored.program.arrays):
        conductance = device.read(number)
        weight = conductance[:, 0::2] - conductance[:, 1::2]
        error = weight - contents.codes * contents.siemens_per_step
        worst = np.abs(error[contents.written]).max()
        assert worst <= share * programming.tolerance_siemens * (1 + 1e-9)


def test_a_program_for_one_chip_is_not_that_of_another() -> None:
    chip = stuck_chip(0.1)
    compiler = TailoredCompiler(network_of(chip), chip)
    one, two = (compiler.compile(map_of(chip, n), {}).program for n in (0, 1))
    assert not same(one, two)
    assert same(replace(one, provenance={}), one)


@pytest.mark.proof
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_defective_chips_of_many_networks_lose_nothing(
    realization: Realization, rate: float
) -> None:
    """No weight is lost on any of them, and with no other error their codes are the network's."""
    for seed in range(30):
        chip = stuck_chip(rate, count=6)
        sketch = Sketch(
            realization=realization,
            output=("delayed", "current")[seed % 2],
            bits=all_bits(2 + seed % 4),
            layers=1 + seed % 2,
            modes=1 + seed % 5,
            kernels=4,
        )
        network = random_network(500 + seed, sketch, chip)
        tailored = TailoredCompiler(network, chip).compile(map_of(chip, seed), {})
        assert tailored.losses.kernels == (), seed
        inputs, lengths = random_inputs(network, seed, 8, 20)
        expected = network.run(inputs, lengths)
        found = contract.of_simulation(tailored.program, chip, inputs, lengths, (seed,))
        steps, final = contract.of_chip(found, 0)
        contract.assert_equal(contract.at_each_step(expected), steps)
        contract.assert_equal(contract.at_the_end(expected), final)
