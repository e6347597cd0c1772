"""Long runs: the kernels alone are those of the network, and what never comes to rest is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.crossbar import simulate
from imssa.errors import DesignRuleError
from imssa.experiment import silence
from imssa.experiment.checks import rests_in
from imssa.experiment.kernels_alone import kernels_of
from imssa.experiment.linear import decay_rates, step_matrix
from imssa.experiment.silence import restless_names, silence_after_burst, steps_to_rest
from imssa.hardware import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.mapping import TailoredCompiler, compile_network
from imssa.mapping.compiler import assemble, network_blocks
from imssa.mapping.layout import one_shot
from imssa.mapping.rules import integer_poles, layer_shapes
from imssa.program import Program, load_program, save_program
from imssa.quantization.config import Realization
from imssa.quantization.network import QuantizedNetwork, kernel_step
from tests.crossbar import contract
from tests.mapping.chips import map_of, stuck_chip
from tests.program.samples import a_program
from tests.reference.networks import (
    Sketch,
    all_bits,
    chip_with,
    random_inputs,
    random_network,
    with_layer,
)

CHIP = chip_with()
REALIZATIONS = ("direct", "incremental", "leaky")
KEY = Key.root(5)


def compiled(network: QuantizedNetwork, chip: ChipDescription = CHIP) -> Program:
    return compile_network(network, chip, {})


def poles_of(network: QuantizedNetwork) -> Any:
    """Magnitudes of all poles, once for each of a mode's two registers."""
    widths = network.widths
    poles = [integer_poles(one, widths.realization, widths.guard_bits) for one in network.layers]
    return np.concatenate([np.repeat(np.abs(p).ravel(), 2) for p in poles])


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_kernels_alone_do_as_in_the_network(realization: Realization, output: str) -> None:
    network = random_network(2, Sketch(realization=realization, output=output, layers=2, modes=3))
    inputs, lengths = random_inputs(network, 3, 2, 20)
    lengths[:] = 20
    run = network.run(inputs, lengths)
    kernels = kernels_of(compiled(network))
    assert kernels.states == ("state.0", "state.1")
    streams = np.concatenate([run["stream.0"], run["stream.1"]], axis=2)
    trace = simulate(kernels.program, CHIP.only(), KEY, np.zeros(1, int), streams, lengths)
    for name in kernels.states:
        assert np.array_equal(trace.final[name][0], run[name][:, -1])
    assert np.abs(run["state.1"][:, -1]).max() > 256


@pytest.mark.parametrize("realization", REALIZATIONS)
@pytest.mark.parametrize("bits", [2, 4])
def test_poles_of_a_program_are_those_of_its_network(realization: Realization, bits: int) -> None:
    sketch = Sketch(realization=realization, bits=all_bits(bits), layers=2, kernels=4, modes=3)
    network = random_network(6, sketch)
    kernels = kernels_of(compiled(network))
    found = decay_rates(kernels.program, kernels.states)
    assert np.allclose(found, poles_of(network), rtol=1e-12, atol=1e-12)


def test_poles_stay_under_an_arrangement() -> None:
    network, chip = random_network(3, Sketch(kernels=6, modes=4)), stuck_chip(0.02)
    program = TailoredCompiler(network, chip).compile(map_of(chip, 0), {}).program
    kernels = kernels_of(program)
    found = decay_rates(kernels.program, kernels.states)
    assert np.allclose(found, poles_of(network), rtol=1e-12, atol=1e-12)


def test_the_matrix_of_a_step_is_what_a_step_does() -> None:
    """Without rounding: a leaky step of 2^-k, turn and gain, written out for one mode."""
    network = random_network(1, Sketch(kernels=1, modes=1))
    kernels, layer = kernels_of(compiled(network)), network.layers[0]
    gain = np.ldexp(float(layer.multiplier[0, 0]), -int(layer.shift[0, 0])) / layer.adc_step[0, 0]
    expected = (1 - 2.0 ** -layer.k[0, 0]) * np.eye(2) + gain * 2.0**-8 * layer.A[0, 0]
    found = step_matrix(kernels.program, kernels.states).toarray()
    assert np.allclose(found, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_what_is_left_is_what_the_integer_network_leaves(realization: Realization) -> None:
    """The same bursts, step by step, through the plain statement of a kernel's step."""
    network = random_network(4, Sketch(realization=realization, bits=all_bits(3)))
    kernels, steps = kernels_of(compiled(network)), 50
    left = silence_after_burst(kernels, CHIP.only(), np.zeros(1, int), steps, KEY)
    bursts = silence._bursts(kernels.program, steps // 4, KEY.child("burst"))
    widths, layer = network.widths, network.layers[0]
    state, largest = np.zeros((len(bursts), *layer.B.shape), np.int64), 0.0
    for k in range(steps // 4 + steps + silence.WATCHED_STEPS):
        u = bursts[:, k] if k < steps // 4 else np.zeros_like(bursts[:, 0])
        state, _, _ = kernel_step(layer, widths, state, u)
        if k >= steps // 4 + steps:
            largest = np.maximum(largest, np.abs(state).max(axis=0))
    assert np.array_equal(left.largest[0], np.ravel(largest) / 2.0**widths.guard_bits)
    assert np.any(bursts < 0)
    assert np.abs(bursts).min() == code_max(widths.dac_bits)


def test_a_decay_in_the_register_comes_to_rest_in_the_stated_time() -> None:
    """Pure decay by 2^-k: 2 ln(R / 2) / -ln(1 - 2^-k) steps, and less than half a DAC step is left."""
    network = random_network(1)
    layer = network.layers[0]
    k = np.full_like(layer.k, 5)
    k[1, 0] = 7
    still = with_layer(network, A=np.zeros_like(layer.A), k=k)
    kernels = kernels_of(compiled(still))
    full = code_max(network.widths.register_bits) / 2.0**network.widths.guard_bits
    assert steps_to_rest(kernels) == np.ceil(2 * np.log(full / 2) / -np.log(1 - 2.0**-7))
    left = silence_after_burst(kernels, CHIP.only(), np.zeros(1, int), steps_to_rest(kernels), KEY)
    assert left.largest.max() < 0.5
    assert not restless_names(left)


def test_modes_that_never_rest_are_named() -> None:
    """A register of k = 11 never decays below 2^10 of its steps: 4 DAC steps."""
    network = random_network(1)
    layer = network.layers[0]
    k, A, B = layer.k.copy(), np.zeros_like(layer.A), layer.B.copy()
    k[:], k[2, 1] = 3, 11
    B[2, 1] = 1
    stuck = with_layer(network, A=A, B=B, k=k)
    places = one_shot(layer_shapes(stuck), CHIP)  # the design rules would refuse it
    kernels = kernels_of(assemble(stuck, CHIP, {}, (places, ()), network_blocks(stuck)))
    left = silence_after_burst(kernels, CHIP.only(), np.zeros(1, int), 14_000, KEY)
    assert restless_names(left) == {"mode 1 of kernel 2 of layer 0": 1}
    assert left.largest.max() == (2**10 - 1) / 2**8


def test_a_program_without_states_has_nothing_to_rest() -> None:
    with pytest.raises(DesignRuleError, match="none of its registers is fed back"):
        kernels_of(a_program(step=()))


def test_any_other_program_is_tried_as_well(tmp_path: Path) -> None:
    """Registers of other names, and operations that are not linear."""
    path = tmp_path / "program.safetensors"
    save_program(a_program(), path)
    assert load_program(path).phases
    for rest in rests_in(path, 2):
        assert rest.registers > 0


def test_stuck_devices_keep_modes_from_rest_until_the_compiler_knows_them() -> None:
    """The same chip, blind and compiled for: its stuck devices are known, so all modes rest."""
    chip = stuck_chip(0.05)
    network = random_network(8, Sketch(kernels=9, modes=4))
    tailored = TailoredCompiler(network, chip).compile(map_of(chip, 1), {})
    assert not tailored.losses.kernels
    counts = []
    for program in (compiled(network, chip), tailored.program):
        kernels = kernels_of(program)
        found = silence_after_burst(
            kernels, chip, np.array([1]), steps_to_rest(kernels), contract.KEY
        )
        counts.append(len(restless_names(found)))
    ideal = silence_after_burst(
        kernels, chip.only(), np.zeros(1, int), steps_to_rest(kernels), contract.KEY
    )
    assert counts[0] > counts[1] == len(restless_names(ideal))
