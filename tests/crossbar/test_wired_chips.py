"""Chips with wires: exact transfer, the same codes on both paths, read noise to first order."""

import numpy as np
import pytest

from imssa.circuit.sensitivity import sensitivities
from imssa.crossbar import SimulatedChip, execute, simulate, write_program
from imssa.crossbar.arrays import program_array, targets_of, transfer_of, wires_of
from imssa.hardware import ChipDescription
from imssa.hardware.wires import WireSettings
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from tests.reference.networks import chip_with, random_inputs, random_network

KEY = Key.root(5)


def wired(ohm: float, size: tuple[int, int] = (64, 64)) -> ChipDescription:
    wires = WireSettings(word_line_resistance_ohm=ohm, bit_line_resistance_ohm=ohm)
    return chip_with(size=size).model_copy(update={"wires": wires})


def test_both_paths_give_the_same_codes() -> None:
    network = random_network(3)
    program = compile_network(network, wired(2.0), {})
    inputs, lengths = random_inputs(network, 3, batch=4, length=12)
    names = tuple(r.name for r in program.registers)
    fast = simulate(program, program.chip, KEY, np.arange(2), inputs, lengths, names)
    for instance in range(2):
        chip = SimulatedChip(program.chip, KEY, instance)
        write_program(program, chip)
        slow = execute(program, chip, inputs, lengths, names)
        for name in names:
            assert np.array_equal(fast.steps[name][instance], slow.steps[name])


def test_wires_of_zero_ohm_change_nothing() -> None:
    network = random_network(4)
    inputs, lengths = random_inputs(network, 4, batch=3, length=10)
    answers = []
    for chip in (wired(0.0), wired(0.0).model_copy(update={"wires": None})):
        program = compile_network(network, chip, {})
        quiet = chip.only("programming", "off_state", "wires")
        trace = simulate(program, quiet, KEY, np.arange(3), inputs, lengths, ("adc.0",))
        answers.append(trace.steps["adc.0"])
    assert np.array_equal(answers[0], answers[1])


def test_resistance_takes_current_away() -> None:
    """Full arrays at 1 ohm a segment: the published loss, 17 % on average for random devices."""
    chip = wired(1.0)
    G = np.random.default_rng(1).uniform(0, 150e-6, (4, 64, 64))
    lost = 1 - transfer_of(G, chip).sum(axis=1) / G.sum(axis=1)
    assert lost.mean() == pytest.approx(0.17, abs=0.01)
    more = 1 - transfer_of(G, wired(2.0)).sum(axis=1) / G.sum(axis=1)
    assert (more > lost).all()


def test_weights_are_those_of_the_transfer_matrix() -> None:
    program = compile_network(random_network(6), wired(5.0), {})
    contents, one = program.arrays[0], np.zeros(1, np.int64)
    array = program_array(contents, program.chip.only("wires"), KEY, one)
    Y = transfer_of(np.nan_to_num(targets_of(contents, program.chip))[None], program.chip)
    wanted = (Y[..., 0::2] - Y[..., 1::2]) / contents.siemens_per_step
    assert np.abs(array.weights - wanted).max() < 2.0**-10
    assert np.abs(array.weights).max() < np.abs(contents.codes).max()


def test_read_noise_with_wires_is_that_of_devices_solved_one_by_one() -> None:
    """First order in the change of conductance: spreads agree to 5 % on a small array."""
    chip = wired(20.0, size=(8, 8)).only("read_noise", "wires")
    rng = np.random.default_rng(2)
    G = rng.uniform(20e-6, 150e-6, (8, 8))
    assert chip.read_noise is not None
    sigma = chip.read_noise.sigma(G)
    drive = rng.choice([-127.0, 127.0], 8)
    noisy = G + sigma * rng.standard_normal((4000, 8, 8))
    Y = transfer_of(noisy, chip)
    sums = np.einsum("i,cij->cj", drive, Y[..., 0::2] - Y[..., 1::2])
    wires = wires_of(chip)
    assert wires is not None
    pairs = np.stack([np.arange(0, 8, 2), np.arange(1, 8, 2)], axis=1)
    W = sensitivities(G, wires).variance_matrix(sigma**2, pairs)
    predicted = np.sqrt(drive**2 @ W)
    # 4,000 draws: a spread is known to 1/sqrt(8000) = 1.1 %, four standard errors allowed
    assert sums.std(axis=0) == pytest.approx(predicted, rel=0.05)
