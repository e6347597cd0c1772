"""Kernels as a chip holds them: equal to the network's where the chip is ideal, and to SciPy's answers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import dlsim

from imssa.evaluation import held_blocks, held_poles, impulse_responses
from imssa.evaluation.held import code_blocks, responses
from imssa.hardware import load_chip
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.mapping.impulse import layer_dynamics, state_matrix
from imssa.mapping.rules import integer_poles
from imssa.program import Program
from tests.evaluation.samples import make_network, make_program

KEY = Key.root(3)


def ideal(program: Program) -> Program:
    return replace(program, chip=program.chip.only())


@pytest.mark.parametrize("realization", ["leaky", "direct", "incremental"])
@pytest.mark.parametrize("output", ["delayed", "current"])
def test_an_ideal_chip_holds_the_networks_codes(realization: str, output: str) -> None:
    network = make_network(realization, output)
    program = ideal(make_program(realization, output))
    held = held_blocks(program, KEY, 0)
    np.testing.assert_array_equal(held, code_blocks(network.layers[0]))


def test_shared_arrays_hold_the_same_codes() -> None:
    network, chip = make_network(), load_chip("taox-64")
    program = ideal(compile_network(network, chip, {}, layout="phased"))
    assert len(program.phases) > len(program.arrays)
    np.testing.assert_array_equal(held_blocks(program, KEY, 0), code_blocks(network.layers[0]))


def test_a_noisy_chip_holds_others() -> None:
    program = make_program()
    first, second = (held_blocks(program, KEY, 0, instance=n) for n in (0, 1))
    wanted = code_blocks(make_network().layers[0])
    assert 0.0 < np.abs(first - wanted).max() < 10.0
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("output", ["delayed", "current"])
def test_responses_are_those_of_scipy(output: str) -> None:
    network = make_network("leaky", output)
    layer = network.layers[0]
    dynamics, blocks = layer_dynamics(layer, network.widths, 20), code_blocks(layer)
    found = responses(blocks, dynamics, 20)
    impulse = np.eye(20)[0]
    for kernel, block in enumerate(blocks):
        A = state_matrix(blocks, dynamics)[kernel]
        gain = dynamics.gain[kernel]
        B, C = gain[:-1] * block[-1, :-1], gain[-1] * block[:-1, -1]
        D = gain[-1] * block[-1, -1]
        if output == "current":  # read after the update: y = C A x + (C B + D) u
            C, D = C @ A, C @ B + D
        _, wanted, _ = dlsim((A, B[:, None], C[None], np.array([[D]]), 1.0), impulse)
        np.testing.assert_allclose(found[kernel], wanted[:, 0], rtol=1e-9, atol=1e-12)


def test_poles_of_an_ideal_chip_are_the_networks() -> None:
    network = make_network()
    wanted = integer_poles(network.layers[0], "leaky", network.widths.guard_bits).ravel()
    wanted = np.where(wanted.imag < 0, wanted.conj(), wanted)
    found = held_poles(ideal(make_program()), KEY, network)
    real = wanted[np.abs(wanted.imag) < 1e-12]  # a real pole stands there twice, once a state
    both = np.concatenate([wanted, real])
    assert len(found) == len(both)
    np.testing.assert_allclose(np.sort_complex(found.round(9)), np.sort_complex(both.round(9)))


def test_best_typical_and_worst_kernel_are_shown() -> None:
    network = make_network()
    dynamics = layer_dynamics(network.layers[0], network.widths, 30)
    software = -3.0 * responses(code_blocks(network.layers[0]), dynamics, 30)
    found = impulse_responses(software, make_program(), KEY, network)
    assert [one.rank for one in found] == [1, 5, 9]
    errors = [one.chip_error for one in found]
    assert errors == sorted(errors)
    for one in found:
        np.testing.assert_allclose(one.quantized, one.software, atol=1e-9)  # sign and norm of float
        assert one.likeness == pytest.approx(1.0) or not one.software.any()


def test_on_an_ideal_chip_nothing_is_missed() -> None:
    network = make_network()
    dynamics = layer_dynamics(network.layers[0], network.widths, 30)
    software = responses(code_blocks(network.layers[0]), dynamics, 30)
    found = impulse_responses(software, ideal(make_program()), KEY, network)
    assert max(one.chip_error for one in found) < 1e-12
