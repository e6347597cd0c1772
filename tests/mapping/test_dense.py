"""Linear maps on arrays: cut, placed, read and arranged."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imssa.errors import DesignRuleError
from imssa.hardware import ChipDescription
from imssa.mapping import TailoredCompiler, compile_network, require_served
from imssa.mapping.dense import Tile, analog_maps, place_tiles
from imssa.mapping.dense_arrangement import tile_costs
from imssa.mapping.differential import held_intervals, pair_kinds
from imssa.mapping.packing import pack
from imssa.mapping.rules import layer_shapes
from imssa.mapping.rules.placed import word_line_currents_ampere
from imssa.mapping.tailored import Measures
from imssa.program import load_program, save_program
from imssa.program.operations import MatMul
from imssa.program.rules import broken_rules
from imssa.quantization.config import Parts
from imssa.quantization.convert import convert, load_network, save_network
from imssa.quantization.network import QuantizedNetwork, cuts_of
from imssa.quantization.restore import restore
from tests.crossbar import contract
from tests.mapping.chips import map_of, stuck_chip, whole
from tests.reference.networks import (
    ON_ARRAYS,
    Sketch,
    all_bits,
    chip_with,
    prepared_network,
    random_inputs,
    random_network,
)

PARTS = [
    ON_ARRAYS,
    Parts(encoder="analog"),
    Parts(mixing="analog"),
    Parts(decoder="analog"),
]
CHIPS = st.sampled_from(
    [
        {"size": (64, 64)},
        {"size": (8, 12)},  # several cuts and columns of tiles
        {"size": (7, 64), "drive": "bit-serial"},
        {"size": (16, 20), "polarity": "two-pass"},
    ]
)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1000),
    parts=st.sampled_from(PARTS),
    options=CHIPS,
    bits=st.sampled_from([2, 4, 8]),
    output=st.sampled_from(["delayed", "current"]),
)
def test_training_network_and_chip_give_the_same_codes(
    seed: int, parts: Parts, options: dict[str, Any], bits: int, output: str
) -> None:
    chip = chip_with(count=99, **options)
    sketch = Sketch(
        parts=parts, bits=all_bits(bits), output=output, kernels=9, modes=1, inputs=11, layers=2
    )
    prepared = prepared_network(seed, sketch, chip)
    network = convert(prepared)
    inputs, lengths = random_inputs(network, seed, 3, 7)
    wanted = network.run(inputs, lengths)
    assert np.ptp(wanted["logits"]) > 0
    trained = contract.masked(contract.of_training(prepared, inputs, lengths), lengths)
    assert {"logits", "stream.2"} <= set(trained)
    contract.assert_equal({n: wanted[n] for n in trained}, trained)
    program = compile_network(network, chip, {})
    assert broken_rules(program) == []
    steps, final = contract.of_executor(program, chip.only(), inputs, lengths)
    contract.assert_equal(contract.at_each_step(wanted), steps)
    contract.assert_equal(contract.at_the_end(wanted), final)
    fast = contract.of_chip(contract.of_simulation(program, chip.only(), inputs, lengths), 0)
    contract.assert_same_run(fast, (steps, final))


def test_both_simulations_agree_on_chips_with_errors() -> None:
    chip = chip_with(count=9, size=(24, 24)).model_copy(update={"stuck": stuck_chip(0.1).stuck})
    network = random_network(5, Sketch(parts=ON_ARRAYS, kernels=7, inputs=30), chip)
    program = compile_network(network, chip, {})
    inputs, lengths = random_inputs(network, 1, 2, 6)
    slow = contract.of_executor(program, chip, inputs, lengths)
    fast = contract.of_chip(contract.of_simulation(program, chip, inputs, lengths), 0)
    contract.assert_same_run(fast, slow)
    assert (slow[1]["logits"] != network.run(inputs, lengths)["logits"]).any()


def test_files_keep_the_maps(tmp_path: Path) -> None:
    chip = chip_with(count=9)
    network = random_network(2, Sketch(parts=ON_ARRAYS), chip)
    save_network(network, tmp_path / "network", {})
    loaded = load_network(tmp_path / "network")
    inputs, lengths = random_inputs(network, 1, 4, 9)
    wanted = network.run(inputs, lengths)
    assert np.array_equal(loaded.run(inputs, lengths)["logits"], wanted["logits"])
    again = convert(restore(loaded, chip))
    assert np.array_equal(again.run(inputs, lengths)["logits"], wanted["logits"])
    program = compile_network(network, chip, {})
    save_program(program, tmp_path / "program")
    assert len(load_program(tmp_path / "program").phases) == len(program.phases)


def test_what_stays_digital_is_in_the_program() -> None:
    chip = chip_with(count=9)
    for parts in PARTS:
        network = random_network(1, Sketch(parts=parts), chip)
        program = compile_network(network, chip, {})
        digital = {o.target for o in (*program.step, *program.end) if isinstance(o, MatMul)}
        sums = {o.source for o in program.step if isinstance(o, MatMul) if "read" in o.source}
        assert len(sums) == len(analog_maps(network))
        assert ("logits" in digital) == (parts.decoder == "digital")


def _cells(tile: Tile) -> set[tuple[int, int]]:
    return {(int(r), int(c)) for r in tile.rows.line for c in tile.columns.line}


@settings(max_examples=40)
@given(
    lines=st.integers(4, 70),
    pairs=st.integers(4, 40),
    inputs=st.integers(1, 90),
    kernels=st.integers(1, 40),
)
def test_tiles_cover_each_weight_once_and_share_no_cell(
    lines: int, pairs: int, inputs: int, kernels: int
) -> None:
    chip = chip_with(count=999, size=(lines, 2 * pairs))
    sketch = Sketch(parts=ON_ARRAYS, inputs=inputs, kernels=kernels, modes=1)
    network = random_network(0, sketch, chip)
    tiles = place_tiles(network, chip, 3)
    for name, one in analog_maps(network).items():
        count = np.zeros_like(one.linear.weights)
        for tile in (t for t in tiles if t.name == name):
            rows = slice(tile.inputs, tile.inputs + len(tile.rows))
            count[tile.outputs : tile.outputs + len(tile.columns), rows] += 1
        assert (count == 1).all()
    for one_tile, other in combinations(tiles, 2):
        assert one_tile.array != other.array or not _cells(one_tile) & _cells(other)
    for tile in tiles:
        assert tile.rows.line.max() < lines
        assert tile.columns.line.max() < pairs
    assert min(t.array for t in tiles) == 3
    area = sum(len(_cells(tile)) for tile in tiles)
    arrays = max(t.array for t in tiles) - 2
    assert arrays <= max(3, 4 * -(-area // (lines * pairs)))


def test_cuts_are_even_and_cover_all() -> None:
    assert cuts_of(63, 64) == [slice(0, 63)]
    for inputs in range(1, 200):
        cuts = cuts_of(inputs, 64)
        sizes = [cut.stop - cut.start for cut in cuts]
        assert sum(sizes) == inputs
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= 64


def _logit_error(network: QuantizedNetwork, chip: ChipDescription, measures: Measures) -> float:
    defects = map_of(chip, 0)
    program = TailoredCompiler(network, chip).compile(defects, {}, measures).program
    inputs, lengths = random_inputs(network, 1, 6, 12)
    _, final = contract.of_executor(program, chip, inputs, lengths)
    wanted = network.run(inputs, lengths)["logits"]
    return float(np.abs(final["logits"] - wanted).mean() / wanted.std())


def test_arranged_tiles_answer_better_on_a_chip_with_defects() -> None:
    chip = stuck_chip(0.05, count=12)
    sketch = Sketch(parts=ON_ARRAYS, bits=all_bits(4), kernels=30, inputs=30, modes=1)
    network = random_network(3, sketch, chip)
    untouched = _logit_error(network, chip, Measures(arrange=False, repair=False))
    arranged = _logit_error(network, chip, Measures())
    assert arranged < 0.3 * untouched


def test_currents_of_word_lines_count_the_maps() -> None:
    chip = chip_with(count=12)
    network = random_network(3, Sketch(parts=ON_ARRAYS, kernels=30, inputs=30, modes=1), chip)
    program = compile_network(network, chip, {})
    places = pack(layer_shapes(network), chip, "one-shot").places
    found = word_line_currents_ampere(network, chip, places)
    volts = chip.read_voltage_volt
    for array, contents in enumerate(program.arrays):
        siemens = np.abs(contents.codes) * contents.siemens_per_step
        assert found[array] == pytest.approx(volts * siemens.sum(axis=1))


@pytest.mark.parametrize("layout", ["phased", "fewest-phases", 4])
def test_maps_stand_beside_kernels_of_any_layout(layout: Any) -> None:
    chip = chip_with(count=12)
    sketch = Sketch(parts=ON_ARRAYS, kernels=20, inputs=11, layers=2, output="current")
    network = random_network(6, sketch, chip)
    program = compile_network(network, chip, {}, layout)
    assert broken_rules(program) == []
    inputs, lengths = random_inputs(network, 2, 2, 6)
    steps, _ = contract.of_chip(contract.of_simulation(program, chip.only(), inputs, lengths), 0)
    contract.assert_equal(contract.at_each_step(network.run(inputs, lengths)), steps)


def test_losses_name_the_tiles_that_do_not_hold_their_weights() -> None:
    chip = stuck_chip(0.3, count=12)
    sketch = Sketch(parts=ON_ARRAYS, bits=all_bits(4), kernels=30, inputs=30, modes=1)
    compiler = TailoredCompiler(random_network(3, sketch, chip), chip)
    untouched = compiler.compile(map_of(chip, 0), {}, Measures(arrange=False)).losses
    arranged = compiler.compile(map_of(chip, 0), {}).losses
    assert {tile.name for tile in untouched.maps} == {"encoder", "mixing.0", "decoder"}
    assert sum(t.lost for t in arranged.maps) < 0.7 * sum(t.lost for t in untouched.maps)
    assert any("mixing.0" in line for line in untouched.lines())
    with pytest.raises(DesignRuleError, match=r"mixing.0 on array \d+ loses \d+ weights"):
        require_served(replace(untouched, kernels=()), chip.name, 0.01)
    none = compiler.compile(whole(chip), {}).losses
    assert none.maps == ()


def test_arranged_tiles_share_no_cell_either() -> None:
    chip = stuck_chip(0.1, count=40, size=(40, 40))
    sketch = Sketch(parts=ON_ARRAYS, kernels=13, inputs=17, modes=1, layers=3)
    compiler = TailoredCompiler(random_network(3, sketch, chip), chip)
    kinds = [pair_kinds(matrix) for matrix in map_of(chip, 0).arrays]
    moved = compiler._arranged_tiles(kinds)
    assert any(
        (a.rows.line != b.rows.line).any() for a, b in zip(moved, compiler.tiles, strict=True)
    )
    for one_tile, other in combinations(moved, 2):
        assert one_tile.array != other.array or not _cells(one_tile) & _cells(other)


def test_costs_are_those_of_the_nearest_weight() -> None:
    chip = chip_with()
    costs = tile_costs(np.array([[3, 0], [0, -7]]), 7, held_intervals(chip))
    high_minus = 4 * 0 + 1  # the minus device stuck high: weights from -1 to 0
    assert costs[..., 0].tolist() == [[0, 0], [0, 0]]
    assert costs[0, 0, high_minus] == pytest.approx(1.0)
    assert costs[1, 1, high_minus] == 0


def test_rules_name_what_does_not_fit() -> None:
    chip = chip_with(count=9)
    network = random_network(2, Sketch(parts=ON_ARRAYS), chip)
    with pytest.raises(DesignRuleError, match="linear maps"):
        compile_network(network, chip_with(count=1), {})
    long = random_network(2, Sketch(parts=ON_ARRAYS, inputs=60), chip)
    with pytest.raises(DesignRuleError, match="trained for 64 word lines"):
        compile_network(long, chip_with(count=9, size=(32, 64)), {})
    readout = network.decoder.readout
    assert readout is not None
    odd = replace(readout, full_scale=readout.full_scale + 1)
    changed = replace(network, decoder=replace(network.decoder, readout=odd))
    with pytest.raises(DesignRuleError, match="decoder uses full scales"):
        compile_network(changed, chip, {})
