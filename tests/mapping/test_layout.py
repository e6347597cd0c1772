import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imssa.mapping.layout import kernels_per_array, one_shot
from tests.reference.networks import chip_with

LAYERS = st.lists(st.tuples(st.integers(1, 30), st.integers(3, 20)), min_size=1, max_size=4)
SIZES = st.tuples(st.integers(20, 80), st.integers(40, 160))


@given(layers=LAYERS, size=SIZES)
def test_blocks_lie_inside_and_share_no_line(
    layers: list[tuple[int, int]], size: tuple[int, int]
) -> None:
    chip = chip_with(size=size)
    places = one_shot(layers, chip)
    taken: set[tuple[str, int, int]] = set()
    for place in places:
        lines = [("word line", place.array, n) for n in place.rows.line.tolist()]
        pairs = [("pair", place.array, n) for n in place.columns.line.tolist()]
        assert not taken & {*lines, *pairs}
        taken |= {*lines, *pairs}
        assert len(lines) == len(pairs) == layers[place.layer][1]
        assert 0 <= place.rows.line.min() <= place.rows.line.max() < chip.arrays.word_lines
        assert 0 <= place.columns.line.min() <= place.columns.line.max() < chip.arrays.pairs
        assert np.all(place.signs == 1)


@given(layers=LAYERS, size=SIZES)
def test_every_kernel_has_one_place(layers: list[tuple[int, int]], size: tuple[int, int]) -> None:
    places = one_shot(layers, chip_with(size=size))
    found = [(p.layer, p.feature, len(p.rows)) for p in places]
    assert found == [
        (layer, feature, lines)
        for layer, (kernels, lines) in enumerate(layers)
        for feature in range(kernels)
    ]
    arrays = [p.array for p in places]
    assert arrays == sorted(arrays)
    assert set(arrays) == set(range(arrays[-1] + 1))  # none is skipped


@given(kernels=st.integers(1, 60), lines=st.integers(3, 20), size=SIZES)
def test_like_kernels_fill_arrays_completely(
    kernels: int, lines: int, size: tuple[int, int]
) -> None:
    chip = chip_with(size=size)
    room = kernels_per_array(lines, chip)
    assert room == min(size[0] // lines, size[1] // 2 // lines)
    counts = np.bincount([p.array for p in one_shot([(kernels, lines)], chip)])
    assert counts.tolist() == [room] * (kernels // room) + [kernels % room] * (kernels % room > 0)


def test_the_published_chip_holds_nine_kernels_of_four_modes() -> None:
    """Nine word lines by eighteen bit lines a kernel: three on a 64x64 array (DESIGN section 6)."""
    places = one_shot([(9, 9)], chip_with())
    assert [p.array for p in places] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert kernels_per_array(9, chip_with()) == 3
