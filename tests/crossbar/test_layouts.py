"""The contract in every layout: codes on arrays that kernels share are those of the network, with ==."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imssa.errors import CheckFailedError, DesignRuleError
from imssa.hardware import ChipDescription
from imssa.mapping import TailoredCompiler, compile_network
from imssa.mapping.compiler import assemble, network_blocks
from imssa.mapping.layout import Layout, Place, Side
from imssa.mapping.packing import pack
from imssa.mapping.rules import layer_shapes
from imssa.program import Program
from imssa.program.rules import broken_rules
from imssa.quantization.config import Realization, WeightBits
from imssa.quantization.network import QuantizedNetwork
from tests.crossbar import contract
from tests.mapping.chips import map_of, stuck_chip
from tests.reference.networks import Sketch, all_bits, chip_with, random_inputs, random_network

LAYOUTS: tuple[Layout, ...] = ("one-shot", "phased", "fewest-phases", 5)
REALIZATIONS: tuple[Realization, ...] = ("direct", "incremental", "leaky")
MIXED = WeightBits(A=2, B=4, C=3, D=8)


def assert_codes_of_the_network(
    network: QuantizedNetwork, program: Program, chip: ChipDescription, seed: int, instance: int = 0
) -> None:
    assert broken_rules(program) == []
    inputs, lengths = random_inputs(network, seed, 3, 12)
    expected = network.run(inputs, lengths)
    slow = contract.of_executor(program, chip, inputs, lengths, instance)
    contract.assert_equal(contract.at_each_step(expected), slow[0])
    contract.assert_equal(contract.at_the_end(expected), slow[1])
    fast = contract.of_simulation(program, chip, inputs, lengths, (instance,))
    contract.assert_same_run(contract.of_chip(fast, 0), slow)


def within_their_lines(places: tuple[Place, ...], seed: int) -> tuple[Place, ...]:
    """Every kernel's rows and columns permuted and negated at random on the lines that it has."""
    rng = np.random.default_rng(seed)

    def turned(side: Side) -> Side:
        return Side(rng.permutation(side.line), rng.choice([-1, 1], len(side)))

    return tuple(replace(p, rows=turned(p.rows), columns=turned(p.columns)) for p in places)


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", REALIZATIONS)
@settings(max_examples=3)
@given(
    seed=st.integers(0, 999),
    bits=st.sampled_from([all_bits(2), all_bits(5), MIXED]),
    layers=st.integers(1, 3),
    modes=st.integers(1, 4),
    kernels=st.integers(1, 14),
    size=st.sampled_from([(64, 64), (32, 128), (20, 40), (100, 30)]),
    layout=st.sampled_from(LAYOUTS),
)
def test_every_layout_gives_the_codes_of_the_network(  # noqa: PLR0913, PLR0917
    realization: Realization,
    output: str,
    seed: int,
    bits: WeightBits,
    layers: int,
    modes: int,
    kernels: int,
    size: tuple[int, int],
    layout: Layout,
) -> None:
    chip = chip_with(count=50, size=size)
    sketch = Sketch(
        realization=realization,
        output=output,
        bits=bits,
        layers=layers,
        modes=modes,
        kernels=kernels,
    )
    network = random_network(seed, sketch, chip)
    program = compile_network(network, chip, {}, layout)
    assert_codes_of_the_network(network, program, chip.only(), seed + 1)
    packing = pack(layer_shapes(network), chip, layout)
    reads = 2 if output == "current" else 1
    groups = {(p.layer, p.phase, p.array) for p in packing.places}
    assert len(program.phases) == reads * len(groups)
    places = within_their_lines(packing.places, seed)
    turned = assemble(network, chip, {}, (places, ()), network_blocks(network))
    assert_codes_of_the_network(network, turned, chip.only(), seed + 2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bits", [all_bits(2), MIXED])
def test_a_chip_with_stuck_devices_in_every_layout(bits: WeightBits, layout: Layout) -> None:
    """Where nothing is reported lost, the contract holds on the defective chip too."""
    chip = stuck_chip(0.01, count=9)
    network = random_network(4, Sketch(bits=bits, kernels=8, modes=3, layers=2), chip)
    tailored = TailoredCompiler(network, chip, layout).compile(map_of(chip, 1), {})
    assert tailored.losses.kernels == ()
    assert_codes_of_the_network(network, tailored.program, chip, 5, instance=1)


def test_a_kernel_that_shares_lines_keeps_its_own() -> None:
    chip = stuck_chip(0.1)
    network = random_network(4, Sketch(kernels=20, modes=4), chip)
    compiler = TailoredCompiler(network, chip, "phased")
    tailored = compiler.compile(map_of(chip, 0), {})
    moved = 0
    for before, after in zip(compiler.places, tailored.places, strict=True):
        assert (before.array, before.phase) == (after.array, after.phase)
        for side in ("rows", "columns"):
            one, other = getattr(before, side), getattr(after, side)
            assert set(one.line.tolist()) == set(other.line.tolist())
            moved += not np.array_equal(one.line, other.line)
    assert moved > 0


def test_phases_run_in_the_order_of_layer_phase_and_array() -> None:
    chip = chip_with()
    network = random_network(1, Sketch(kernels=20, modes=4, layers=2))
    program = compile_network(network, chip, {}, "phased")
    layers = [phase.drive[0] for phase in program.phases]
    assert layers == sorted(layers)
    assert len(program.arrays) == 2
    arrays = [phase.array for phase in program.phases]
    assert arrays[:4] == [0, 1, 0, 1]  # two arrays work side by side


def test_places_that_break_the_rule_are_not_compiled() -> None:
    chip = chip_with()
    network = random_network(1, Sketch(kernels=4, modes=2))
    blocks = network_blocks(network)
    places = list(pack(layer_shapes(network), chip, "one-shot").places)
    on_top = [*places[:3], replace(places[3], rows=places[0].rows, columns=places[0].columns)]
    with pytest.raises(CheckFailedError, match=r"kernel 3 .* stands on another kernel"):
        assemble(network, chip, {}, (tuple(on_top), ()), blocks)
    crossing = [*places[:3], replace(places[3], rows=places[0].rows, phase=0)]
    crossing[3] = replace(crossing[3], columns=places[1].columns, phase=1)
    with pytest.raises(CheckFailedError, match="crosses another kernel in its phase"):
        assemble(network, chip, {}, (tuple(crossing), ()), blocks)


def test_a_latency_that_cannot_be_met_is_refused_with_what_it_takes() -> None:
    network = random_network(1, Sketch(kernels=63, modes=4))
    words = "63 kernels need 9 arrays in at most 3 phases a time step, taox-64 has 3; on these"
    with pytest.raises(DesignRuleError, match=f"{words} they take 21 phases or more"):
        compile_network(network, chip_with(), {}, 3)
    two = random_network(1, Sketch(kernels=3, modes=4, layers=2))
    with pytest.raises(DesignRuleError, match="2 layers take a phase each, at most 1 a time step"):
        compile_network(two, chip_with(), {}, 1)


def test_weights_of_two_scales_on_one_pair_need_converters_that_serve_both() -> None:
    """With 8-bit DAC and 9-bit ADC codes no full scale is whole, and 16 fractional bits fill it."""
    chip = chip_with(adc_bits=9, full_scale_devices=(64.0, 128.0, 256.0))
    network = random_network(4, Sketch(bits=MIXED, kernels=20, modes=4), chip)
    straight = compile_network(network, chip, {}, "phased")  # outputs stand on outputs
    assert_codes_of_the_network(network, straight, chip.only(), 3)
    places = within_their_lines(pack(layer_shapes(network), chip, "phased").places, 1)
    with pytest.raises(
        DesignRuleError, match=r"share bit-line pairs.*the same bits, or use the one"
    ):
        assemble(network, chip, {}, (places, ()), network_blocks(network))
