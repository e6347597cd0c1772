"""Packing: valid by the rule alone, and as near to its lower bounds as is said."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imssa.errors import DesignRuleError
from imssa.mapping.bounds import Room, arrays_bound, phases_bound
from imssa.mapping.layout import Layout, sharing, together
from imssa.mapping.packing import pack
from tests.reference.networks import chip_with
from tests.reference.phases import broken, phases_a_step

Shapes = list[tuple[int, int]]
LAYERS = st.lists(st.tuples(st.integers(1, 25), st.integers(1, 7)), min_size=1, max_size=3)
SIZES = st.tuples(st.integers(15, 90), st.integers(30, 200))
LAYOUTS: tuple[Layout, ...] = ("one-shot", "phased", "fewest-phases")
DIGITS = [(63, 9)]


def assert_sound(layers: Shapes, size: tuple[int, int], layout: Layout) -> Any:
    packing = pack(layers, chip_with(size=size), layout)
    assert broken(packing.places, size[0], size[1] // 2) == []
    found = [(p.layer, p.feature, len(p.rows), len(p.columns)) for p in packing.places]
    assert found == [
        (n, f, own, own) for n, (count, own) in enumerate(layers) for f in range(count)
    ]
    assert {p.array for p in packing.places} == set(range(packing.arrays))
    assert phases_a_step(packing.places) == packing.phases_per_step
    assert packing.array_ratio >= 1
    assert packing.phase_ratio >= 1
    cells = sum(count * own * own for count, own in layers)
    assert packing.utilization == pytest.approx(cells / (packing.arrays * size[0] * (size[1] // 2)))
    return packing


@settings(max_examples=4)
@given(layers=LAYERS, size=SIZES, more=st.integers(0, 12))
def test_every_packing_obeys_the_rule(layers: Any, size: tuple[int, int], more: int) -> None:
    shapes = [(kernels, 2 * modes + 1) for kernels, modes in layers]
    for layout in (*LAYOUTS, len(shapes) + more):
        packing = assert_sound(shapes, size, layout)
        if isinstance(layout, int):
            assert packing.phases_per_step <= layout
        if layout in {"one-shot", "fewest-phases"}:
            assert packing.phases == (1,) * len(shapes)


def random_layers(seed: int, most: int) -> tuple[Shapes, tuple[int, int]]:
    """Up to four layers of one size on arrays of 32 to 512 lines a side."""
    rng = np.random.default_rng(seed)
    word_lines, bit_lines = (2 ** rng.integers(5, 10, 2)).tolist()
    modes = int(rng.integers(1, min(8, (min(word_lines, bit_lines // 2) - 1) // 2) + 1))
    kernels = np.exp(rng.uniform(0, np.log(most), rng.integers(1, 5))).astype(int)
    return [(count, 2 * modes + 1) for count in kernels.tolist()], (word_lines, bit_lines)


def assert_near_the_bounds(seed: int, most: int = 400) -> None:
    layers, size = random_layers(seed, most)
    for layout in ("one-shot", "phased"):
        packing = assert_sound(layers, size, layout)
        assert packing.array_ratio <= 1.05, (seed, layout)


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_take_few_arrays(seed: int) -> None:
    assert_near_the_bounds(seed, most=50)


@pytest.mark.proof
@pytest.mark.parametrize("first", range(30, 1000, 97))
def test_a_thousand_random_networks_take_few_arrays(first: int) -> None:
    for seed in range(first, min(1000, first + 97)):
        assert_near_the_bounds(seed)


@pytest.mark.parametrize(
    ("layout", "arrays", "phases"),
    [("one-shot", 21, 1), ("fewest-phases", 21, 1), (3, 9, 3), (7, 5, 7), ("phased", 3, 21)],
)
def test_ten_spoken_digits_on_arrays_of_64_lines(layout: Layout, arrays: int, phases: int) -> None:
    """63 kernels of four modes: 21 arrays in one phase, 3 arrays in 21, and between (DESIGN section 6)."""
    packing = assert_sound(DIGITS, (64, 64), layout)
    assert (packing.arrays, packing.phases_per_step) == (arrays, phases)


def test_bounds_of_ten_spoken_digits() -> None:
    room = Room(64, 32)
    assert [arrays_bound(((63, 9),), room, p) for p in (None, 21, 7, 3, 1)] == [3, 3, 5, 8, 21]
    assert [phases_bound(((63, 9),), room, n) for n in (3, 5, 21)] == [21, 7, 1]


def test_layers_of_one_size_share_arrays_and_take_turns() -> None:
    """Two layers of three kernels each fill one array twice: six kernels in two phases."""
    packing = assert_sound([(3, 9), (3, 9)], (64, 64), 2)
    assert (packing.arrays, packing.phases) == (1, (1, 1))


def test_spare_lines_stay_free() -> None:
    """One word line and five pairs are left over anyway; more take block rows and columns away."""
    for spare, arrays in (((1, 5), 3), ((2, 5), 4), ((1, 6), 5)):
        packing = pack(DIGITS, chip_with(), "phased", spare)
        assert packing.arrays == arrays
        assert max(p.rows.line.max() for p in packing.places) < 64 - spare[0]
        assert max(p.columns.line.max() for p in packing.places) < 32 - spare[1]
    assert pack(DIGITS, chip_with(), "one-shot", (0, 6)).arrays == 32


def test_groups_are_in_order_and_know_what_they_share() -> None:
    places = pack([(20, 9), (22, 9)], chip_with(), "phased").places
    groups = together(places)
    names = [(g[0].layer, g[0].phase, g[0].array) for g in groups]
    assert names == sorted(names)
    assert sum(map(len, groups)) == 42
    assert all(sharing(groups))
    assert not any(sharing(together(pack([(20, 9), (22, 9)], chip_with(), "one-shot").places)))


@pytest.mark.parametrize(
    ("layers", "layout", "spare", "words"),
    [
        ([(4, 9), (4, 9)], 1, (0, 0), "at most 1 phases a time step: 2 layers take at least one"),
        ([(4, 33)], "phased", (0, 0), "a kernel of 33 lines: an array has 64 word lines and 32"),
        ([(4, 9)], "phased", (0, 24), "64 word lines and 8 pairs to use. Use kernels with fewer"),
    ],
)
def test_what_cannot_be_packed(
    layers: Shapes, layout: Layout, spare: tuple[int, int], words: str
) -> None:
    with pytest.raises(DesignRuleError, match=words):
        pack(layers, chip_with(), layout, spare)
