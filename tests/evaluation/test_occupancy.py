"""Who lives where on a program's arrays, and the pictures that show it."""

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from imssa.evaluation.figures.arrays import tell_array, write_array_pictures
from imssa.evaluation.occupancy import CROSSING, FREE, Inhabitant, occupancies
from imssa.hardware import write_defect_map
from imssa.mapping import TailoredCompiler, compile_network
from imssa.mapping.layout import one_shot
from imssa.mapping.rules import layer_shapes
from imssa.program.program import ArrayContents
from tests.mapping.chips import map_of, stuck_chip
from tests.program.samples import a_program
from tests.reference.networks import Sketch, chip_with, random_network

CHIP = chip_with()


def kernel(layer: int, feature: int) -> Inhabitant:
    return Inhabitant(layer, feature)


@pytest.mark.parametrize("output", ["delayed", "current"])
def test_kernels_live_where_the_layout_put_them(output: str) -> None:
    network = random_network(1, Sketch(layers=2, kernels=4, modes=3, output=output))
    found = occupancies(compile_network(network, CHIP, {}))
    expected = [np.full((64, 32), FREE) for _ in found]
    for place in one_shot(layer_shapes(network), CHIP):
        one = found[place.array]
        number = one.inhabitants.index(kernel(place.layer, place.feature))
        expected[place.array][place.cells] = number
    for one, owner in zip(found, expected, strict=True):
        assert np.array_equal(np.where(one.owner == CROSSING, FREE, one.owner), owner)
    first = found[0]
    assert first.inhabitants == tuple(kernel(0, f) for f in range(4))
    assert (first.word_lines_used, first.pairs_used, first.kernels) == (28, 28, 4)
    assert first.inhabited_cells == 4 * 49
    assert first.utilization == 4 * 49 / (64 * 32)
    assert (first.owner == CROSSING).sum() == 28 * 28 - 4 * 49
    assert found[1].inhabitants == tuple(kernel(1, f) for f in range(4))


def test_an_arranged_kernel_is_found_where_it_went() -> None:
    network, chip = random_network(3, Sketch(kernels=6, modes=2)), stuck_chip(0.3, size=(15, 30))
    tailored = TailoredCompiler(network, chip).compile(map_of(chip, 2), {})
    found = occupancies(tailored.program)
    moved = 0
    for place in tailored.places:
        one = found[place.array]
        number = one.inhabitants.index(kernel(place.layer, place.feature))
        rows, columns = np.nonzero(one.owner == number)
        assert sorted(set(rows.tolist())) == sorted(place.rows.used.tolist())
        assert sorted(set(columns.tolist())) == sorted(place.columns.used.tolist())
        moved += int(np.any(np.diff(place.rows.line) != 1))
    assert moved


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("encoded", "encoder"),
        ("mixed.3", "mixing of layer 3"),
        ("mixed.3.part", "mixing of layer 3"),
        ("logits", "decoder"),
        ("elsewhere", "other, input to elsewhere, elsewhere"),
    ],
)
def test_dense_parts_are_named_by_what_they_sum(target: str, words: str) -> None:
    phase = replace(a_program().phases[0], drive=("other", "input"), read=(target, target))
    program = a_program(step=(phase,))
    one = occupancies(program)[0]
    assert one.parts == (words,)
    assert one.kernels == 0
    assert one.inhabited_cells == 9
    assert words in tell_array(one)


def test_pictures_are_written_and_repeat(tmp_path: Path) -> None:
    chip = stuck_chip(0.1)
    network = random_network(3, Sketch(kernels=10, modes=4))
    known = map_of(chip_with(count=4), 2)
    write_defect_map(tmp_path / "map.npz", known)
    chip = chip_with(count=4).model_copy(
        update={"stuck": None, "defect_map": str(tmp_path / "map.npz")}
    )
    program = TailoredCompiler(network, chip).compile(known, {}).program
    files = write_array_pictures(program, tmp_path / "a")
    assert [f.name for f in files] == ["arrays.png", *(f"array-{n:03d}.png" for n in range(4))]
    with mpl.rc_context({"font.size": 40, "axes.facecolor": "red"}):
        again = write_array_pictures(program, tmp_path / "b")
    for one, other in zip(files, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert imread(one).std() > 0.05
    (tmp_path / "map.npz").unlink()
    unmarked = write_array_pictures(program, tmp_path / "c")
    assert unmarked[0].read_bytes() == files[0].read_bytes()
    assert unmarked[1].read_bytes() != files[1].read_bytes()


def test_any_program_can_be_drawn(tmp_path: Path) -> None:
    """Arrays that no phase uses, and registers of other names."""
    files = write_array_pictures(a_program(), tmp_path)
    assert len(files) == 3


def test_many_kernels_are_drawn_and_some_named(tmp_path: Path) -> None:
    chip = chip_with(count=1, size=(256, 256))
    program = compile_network(random_network(1, Sketch(kernels=40, modes=1)), chip, {})
    (one,) = occupancies(program)
    assert one.kernels == 40
    assert "40 kernels; 120 of 256 word lines" in tell_array(one)
    assert len(write_array_pictures(program, tmp_path)) == 2
    empty = ArrayContents(
        np.zeros((256, 128), np.int64), np.zeros((256, 128), np.bool_), np.full(128, 1e-4)
    )
    unused = replace(program, arrays=(empty,), step=())
    assert tell_array(occupancies(unused)[0]).startswith("Array 0: 0 kernels; 0 of 256")
