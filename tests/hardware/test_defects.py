"""Stuck devices, dead lines, measured maps and their files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from imssa.errors import FileFormatError, OutputError, RecipeError
from imssa.hardware import (
    DefectMap,
    StuckDevices,
    load_chip,
    read_defect_map,
    write_defect_map,
    write_devices,
)
from imssa.hardware.devices import DeadLines
from imssa.kernels.random import Key

IDEAL = load_chip("taox-64").only()
TARGETS = np.full((64, 64), 75e-6)
CHIPS = np.arange(200)
SHAPE = (64, 64)


def a_map(seed: int = 1) -> DefectMap:
    rng = np.random.default_rng(seed)
    return DefectMap(tuple(rng.integers(-2, 2, SHAPE).astype(np.int8) for _ in range(3)))


def test_stuck_high_may_lie_above_the_window() -> None:
    """g_max + |N(0, s)|: a half-normal tail, each device its own."""
    stuck = StuckDevices(high_rate=0.2, low_rate=0.1, high_spread_siemens=10e-6)
    chip = IDEAL.model_copy(update={"stuck": stuck})
    devices = write_devices(TARGETS, chip, Key.root(1), CHIPS[:50])
    above = (devices.conductance_siemens[devices.defects == 1] - 150e-6) / 10e-6
    assert stats.kstest(above, "halfnorm").pvalue > 1e-3
    assert np.all(devices.conductance_siemens[devices.defects == -1] == 0.0)
    assert np.all(devices.conductance_siemens[devices.defects == 0] == 75e-6)


def test_stuck_low_is_the_bottom_of_the_window() -> None:
    milo = load_chip("hfo2-milo").only()
    chip = milo.model_copy(update={"stuck": StuckDevices(high_rate=0.1, low_rate=0.1)})
    devices = write_devices(TARGETS, chip, Key.root(2), CHIPS[:2])
    assert np.all(devices.conductance_siemens[devices.defects == -1] == 50e-6)
    assert np.all(devices.conductance_siemens[devices.defects == 1] == 225e-6)


def test_dead_lines_take_all_their_devices() -> None:
    chip = IDEAL.model_copy(
        update={"dead_lines": DeadLines(word_line_rate=0.05, bit_line_rate=0.02)}
    )
    devices = write_devices(TARGETS, chip, Key.root(3), CHIPS)
    dead = devices.defects == -2
    assert np.all(devices.conductance_siemens[dead] == 0.0)
    assert np.all(devices.conductance_siemens[~dead] == 75e-6)
    words, bits = dead.all(axis=2), dead.all(axis=1)
    assert np.array_equal(dead, words[:, :, None] | bits[:, None, :])
    for lines, rate in ((words, 0.05), (bits, 0.02)):
        assert abs(lines.mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / lines.size)


def test_named_lines_are_dead_on_their_array_and_every_chip() -> None:
    lines = DeadLines(word_lines=((1, 5),), bit_lines=((1, 0), (2, 63)))
    chip = IDEAL.model_copy(update={"dead_lines": lines})
    found = {
        array: write_devices(TARGETS, chip, Key.root(4), CHIPS[:3], array=array).defects
        for array in (0, 1, 2, None)
    }
    assert not found[0].any()
    assert not found[None].any()
    expected = np.zeros(SHAPE, np.int8)
    expected[5], expected[:, 0] = -2, -2
    assert np.array_equal(found[1], np.broadcast_to(expected, (3, *SHAPE)))
    assert (found[2][:, :, 63] == -2).all()
    assert (found[2] != 0).sum() == 3 * 64


def test_a_dead_line_wins_over_a_stuck_device() -> None:
    update = {
        "stuck": StuckDevices(high_rate=1.0, low_rate=0.0),
        "dead_lines": DeadLines(word_lines=((0, 3),)),
    }
    chip = IDEAL.model_copy(update=update)
    devices = write_devices(TARGETS, chip, Key.root(5), CHIPS[:1], array=0)
    assert not devices.conductance_siemens[:, 3].any()
    assert (devices.conductance_siemens[:, 4] == 150e-6).all()


def test_a_map_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "map.npz"
    write_defect_map(path, a_map())
    again = read_defect_map(path, 3, SHAPE)
    assert all(np.array_equal(a, b) for a, b in zip(a_map().arrays, again.arrays, strict=True))
    assert [p.name for p in tmp_path.iterdir()] == ["map.npz"]


def test_a_map_may_be_one_plain_array(tmp_path: Path) -> None:
    path = tmp_path / "map.npy"
    np.save(path, np.stack(a_map().arrays).astype(np.int64))
    assert np.array_equal(read_defect_map(path, 3, SHAPE).arrays[2], a_map().arrays[2])
    np.save(path, a_map().arrays[0])
    assert np.array_equal(read_defect_map(path, 1, SHAPE).arrays[0], a_map().arrays[0])


def described(tmp_path: Path, extra: str = "") -> Path:
    """A description beside its map."""
    import tomli_w

    path = tmp_path / "chip.toml"
    text = tomli_w.dumps(IDEAL.model_dump(exclude_none=True))
    path.write_text(f'defect_map = "map.npz"\n{text}\n{extra}')
    return path


def test_a_described_map_is_on_every_instance(tmp_path: Path) -> None:
    write_defect_map(tmp_path / "map.npz", a_map())
    chip = load_chip(described(tmp_path))
    for array, known in enumerate(a_map().arrays):
        devices = write_devices(TARGETS, chip, Key.root(6), CHIPS[:2], array=array)
        for G, defects in zip(devices.conductance_siemens, devices.defects, strict=True):
            assert np.array_equal(defects, known)
            assert np.all(G[known == 1] == 150e-6)
            assert np.all(G[known == -1] == 0.0)
            assert np.all(G[known == -2] == 0.0)
            assert np.all(G[known == 0] == 75e-6)
    elsewhere = write_devices(TARGETS, chip, Key.root(6), CHIPS[:1])
    assert not elsewhere.defects.any()
    assert chip.only().defect_map is None


def test_a_map_and_rates_are_one_too_many(tmp_path: Path) -> None:
    write_defect_map(tmp_path / "map.npz", a_map())
    path = described(tmp_path, "[stuck]\nhigh_rate = 0.01\nlow_rate = 0.0\n")
    with pytest.raises(RecipeError, match=r"defect_map: names the stuck devices.*\[stuck\]"):
        load_chip(path)


def wrong_maps() -> dict[str, tuple[dict[str, NDArray[Any]], str]]:
    good = {f"array_{n}": m for n, m in enumerate(a_map().arrays)}
    return {
        "shape": (good | {"array_1": np.zeros((64, 32), np.int8)}, r"array_1 has shape \(64, 32\)"),
        "value": (good | {"array_2": np.full(SHAPE, 7)}, r"array_2 holds \[7\]"),
        "kind": (good | {"array_0": np.zeros(SHAPE)}, "array_0 holds float64, not integers"),
        "names": ({"array_0": good["array_0"]}, "it holds array_0, not array_0, array_1, array_2"),
        "objects": (good | {"array_0": np.array([None])}, "plain numbers"),
    }


@pytest.mark.parametrize("case", wrong_maps())
def test_wrong_maps_are_refused(tmp_path: Path, case: str) -> None:
    arrays, words = wrong_maps()[case]
    content: dict[str, Any] = dict(arrays)
    np.savez(tmp_path / "map.npz", **content)
    with pytest.raises(FileFormatError, match=words):
        read_defect_map(tmp_path / "map.npz", 3, SHAPE)
    with pytest.raises(RecipeError, match=rf"(?s)defect_map.*{words}"):
        load_chip(described(tmp_path))


def test_all_faults_of_a_map_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "map.npz"
    np.savez(path, array_0=np.full(SHAPE, 5), array_1=np.zeros((2, 2), int), other=np.zeros(1))
    with pytest.raises(FileFormatError) as caught:
        read_defect_map(path, 3, SHAPE)
    for words in ("array_0 holds [5]", "array_1 has shape (2, 2)", "other"):
        assert words in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no archive", b"\x93NUMPY", b"text"])
def test_damaged_maps_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_defect_map(path, 3, SHAPE)


def test_a_cut_map_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.npz"
    write_defect_map(path, a_map())
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(FileFormatError, match="cannot be read"):
            read_defect_map(path, 3, SHAPE)


def test_a_missing_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"defect_map: .*map\.npz: it cannot be read \(No such"):
        load_chip(described(tmp_path))


def test_a_map_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_defect_map(tmp_path / "missing" / "map.npz", a_map())
    assert not list(tmp_path.iterdir())
