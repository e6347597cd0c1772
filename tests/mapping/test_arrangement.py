"""Signed arrangements: they change no code, and the best ones are found."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imssa.kernels.random import Key
from imssa.mapping.arrangement import Arrangement, arrange, cost_of, seen_kinds
from imssa.mapping.compiler import assemble, network_blocks
from imssa.mapping.differential import KINDS, mirrored
from imssa.mapping.layout import Place, Side, one_shot
from imssa.mapping.rules import layer_shapes
from imssa.program.program import Program
from imssa.program.rules import broken_rules
from imssa.quantization.config import Realization
from tests.crossbar import contract
from tests.reference.networks import Sketch, all_bits, chip_with, random_inputs, random_network

KEY = Key.root(3)


def arranged_at_random(places: tuple[Place, ...], chip: Any, seed: int) -> tuple[Place, ...]:
    """Every kernel on random lines of its array, with random signs."""
    rng = np.random.default_rng(seed)
    count = places[-1].array + 1
    free = [
        [rng.permutation(n).tolist() for _ in range(count)]
        for n in (chip.arrays.word_lines, chip.arrays.pairs)
    ]

    def side(kind: int, place: Place) -> Side:
        size = len(place.rows)
        own = [free[kind][place.array].pop() for _ in range(size)]
        return Side(np.array(own), rng.choice([-1, 1], size))

    return tuple(replace(p, rows=side(0, p), columns=side(1, p)) for p in places)


def with_common_modes(program: Program, seed: int) -> Program:
    """Both devices of every pair raised as far as there is room, at random."""
    rng = np.random.default_rng(seed)
    arrays = []
    for contents in program.arrays:
        room = np.rint(program.chip.window_siemens / contents.siemens_per_step).astype(np.int64)
        common = rng.integers(0, room - np.abs(contents.codes) + 1)
        arrays.append(replace(contents, common_mode=common))
    return replace(program, arrays=tuple(arrays))


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
@settings(max_examples=4)
@given(
    seed=st.integers(0, 999),
    bits=st.sampled_from([2, 4, 7]),
    layers=st.integers(1, 2),
    modes=st.integers(1, 4),
    size=st.sampled_from([(64, 64), (32, 128), (20, 40), (100, 30)]),
)
def test_any_arrangement_gives_the_codes_of_the_network(
    realization: Realization,
    output: str,
    seed: int,
    bits: int,
    layers: int,
    modes: int,
    size: tuple[int, int],
) -> None:
    chip = chip_with(count=8, size=size)
    sketch = Sketch(
        realization=realization, output=output, layers=layers, modes=modes, bits=all_bits(bits)
    )
    network = random_network(seed, sketch, chip)
    places = arranged_at_random(one_shot(layer_shapes(network), chip), chip, seed)
    program = assemble(network, chip, {}, (places, ()), network_blocks(network))
    program = with_common_modes(program, seed)
    assert broken_rules(program) == []
    inputs, lengths = random_inputs(network, seed + 1, 3, 12)
    expected = network.run(inputs, lengths)
    steps, final = contract.of_executor(program, chip.only(), inputs, lengths)
    contract.assert_equal(contract.at_each_step(expected), steps)
    contract.assert_equal(contract.at_the_end(expected), final)
    fast = contract.of_chip(contract.of_simulation(program, chip.only(), inputs, lengths), 0)
    contract.assert_same_run(fast, (steps, final))


def problem(seed: int, rows: int, columns: int, lines: int, pairs: int) -> tuple[Any, Any]:
    """Random costs, none on whole pairs, and random kinds, half of them whole."""
    rng = np.random.default_rng(seed)
    costs = rng.random((rows, columns, KINDS)) * (rng.random((rows, columns, KINDS)) < 0.7)
    costs[..., 0] = 0.0
    kinds = rng.integers(0, KINDS, (lines, pairs)) * (rng.random((lines, pairs)) < 0.5)
    return costs, kinds


def start_of(rows: int, columns: int) -> Arrangement:
    return Arrangement(Side.straight(0, rows), Side.straight(0, columns), 0.0)


def least_cost(costs: NDArray[np.float64], kinds: NDArray[np.int64]) -> float:
    """By trying every arrangement."""
    best = np.inf
    sides = [
        [
            Side(np.array(lines), np.array(signs))
            for lines in itertools.permutations(range(count), size)
            for signs in itertools.product((-1, 1), repeat=size)
        ]
        for size, count in zip(costs.shape[:2], kinds.shape, strict=True)
    ]
    for rows in sides[0]:
        if rows.sign[0] > 0:  # negating everything on both sides is the same
            best = min(best, *(cost_of(costs, kinds, rows, columns) for columns in sides[1]))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_arrangements_is_found(seed: int) -> None:
    costs, kinds = problem(seed, 2, 3, 3, 3)
    found = arrange(costs, kinds, start_of(2, 3), KEY)
    assert found.cost == pytest.approx(least_cost(costs, kinds), abs=1e-12)


@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    spare=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
@settings(max_examples=30)
def test_an_arrangement_uses_each_line_once_and_costs_what_it_says(
    seed: int, shape: tuple[int, int], spare: tuple[int, int]
) -> None:
    lines, pairs = shape[0] + spare[0], shape[1] + spare[1]
    costs, kinds = problem(seed, *shape, lines, pairs)
    start = start_of(*shape)
    found = arrange(costs, kinds, start, KEY)
    for side, count in ((found.rows, lines), (found.columns, pairs)):
        assert len(set(side.line.tolist())) == len(side)
        assert 0 <= side.line.min() <= side.line.max() < count
        assert set(side.sign.tolist()) <= {-1, 1}
    cost = cost_of(costs, kinds, found.rows, found.columns)
    assert found.cost == pytest.approx(cost, abs=1e-9)
    assert cost <= cost_of(costs, kinds, start.rows, start.columns) + 1e-9
    again = arrange(costs, kinds, start, KEY)
    assert again.rows.line.tolist() == found.rows.line.tolist()


def test_cells_see_pairs_through_their_signs() -> None:
    kinds = np.array([[4, 0, 2], [0, 6, 8]])
    rows, columns = Side(np.array([1]), np.array([-1])), Side(np.array([2, 1]), np.array([1, -1]))
    assert seen_kinds(kinds, rows, columns).tolist() == [[int(mirrored(np.array(8))), 6]]
