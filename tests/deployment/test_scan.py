"""A scan over the chip interface finds what a chip instance drew."""

from typing import Any

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip
from imssa.deployment import scan
from imssa.hardware import ChipDescription, load_chip, preset_names
from imssa.hardware.defect_map import read_defect_map, write_defect_map
from imssa.hardware.defects import DeadLines, StuckDevices
from imssa.hardware.description import Arrays
from imssa.hardware.writing import write_devices
from imssa.kernels.random import Key
from tests.reference.networks import chip_with

KEY = Key.root(12)
STUCK = StuckDevices(high_rate=0.05, low_rate=0.03)


def drawn(chip: ChipDescription, array: int, instance: int) -> Any:
    """Defects of an array as the laws draw them, whatever is written."""
    targets = np.zeros((chip.arrays.word_lines, chip.arrays.bit_lines))
    key, instances = KEY.child("array", array), np.array([instance])
    return write_devices(targets, chip, key, instances, array=array).defects[0]


@pytest.mark.parametrize("instance", [0, 7])
@pytest.mark.parametrize("preset", [None, *preset_names()])
def test_a_scan_finds_the_stuck_devices_of_the_instance(preset: str | None, instance: int) -> None:
    """On an ideal chip, and through the errors of every preset."""
    described = chip_with().only() if preset is None else load_chip(preset)
    size = Arrays(count=2, word_lines=32, bit_lines=48)
    chip = described.model_copy(update={"stuck": STUCK, "arrays": size})
    found = scan(SimulatedChip(chip, KEY, instance), chip)
    assert len(found.arrays) == chip.arrays.count
    for array, matrix in enumerate(found.arrays):
        assert np.array_equal(matrix, drawn(chip, array, instance))
        assert 0.03 < np.mean(matrix != 0) < 0.13


def test_dead_lines_look_stuck_low_unless_the_window_tells() -> None:
    dead = DeadLines(word_lines=((1, 3),), bit_lines=((0, 6),))
    for bottom, word in ((0.0, -1), (20e-6, -2)):
        changes = {"dead_lines": dead, "g_min_siemens": bottom, "stuck": STUCK}
        chip = chip_with(count=2, size=(8, 10)).only().model_copy(update=changes)
        found = scan(SimulatedChip(chip, KEY, 1), chip)
        assert found.arrays[1][3].tolist() == [word] * 10
        assert found.arrays[0][:, 6].tolist() == [word] * 8
        for array, matrix in enumerate(found.arrays):
            alive = drawn(chip, array, 1) != -2
            assert np.array_equal(matrix[alive], drawn(chip, array, 1)[alive])


def test_a_scanned_map_may_be_kept(tmp_path: Any) -> None:
    chip = load_chip("taox-64")
    found = scan(SimulatedChip(chip, KEY, 2), chip)
    write_defect_map(tmp_path / "map.npz", found)
    again = read_defect_map(tmp_path / "map.npz", chip.arrays.count, (64, 64))
    assert all(np.array_equal(a, b) for a, b in zip(found.arrays, again.arrays, strict=True))
