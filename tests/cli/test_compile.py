"""Compiling saved networks for any chip, and for one whose defects are known; pictures of arrays."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from imssa.hardware import DefectMap, write_defect_map
from imssa.hardware.loading import preset_text
from imssa.program import load_program
from imssa.program.program import KIND
from imssa.quantization.convert import load_network, save_network
from tests.cli.calls import call, done, refusal
from tests.program.samples import rewritten, same

SHAPE = (64, 64)


def some_defects(rate: float, seed: int = 0, count: int = 3) -> DefectMap:
    """Half stuck high, half stuck low."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice([0, 1, -1], (count, *SHAPE), p=[1 - rate, rate / 2, rate / 2])
    return DefectMap(tuple(kinds.astype(np.int8)))


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """The map of a chip with some stuck devices."""
    write_defect_map(tmp_path / "map.npz", some_defects(0.05))
    return tmp_path / "map.npz"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "mine.safetensors"


def test_a_run_compiles_to_its_own_program(finished: Path, out: Path) -> None:
    outcome = done("compile", finished, "--out", out)
    assert "Compiled for taox-64: 1 phases a time step" in outcome.out
    assert outcome.out.endswith(f"Wrote {out}\n")
    ours, theirs = load_program(out), load_program(finished / "program.safetensors")
    for part in ("chip", "registers", "arrays", "start", "step", "end", "preparation"):
        assert same(getattr(ours, part), getattr(theirs, part))
    assert ours.provenance["recipe"]["name"] == "zero-one"
    kept = ours.provenance["compiled"]
    assert kept["command"] == f"imssa compile {finished} --out {out}"
    assert "defects_sha256" not in kept


def test_a_chip_with_known_defects(finished: Path, known: Path, out: Path) -> None:
    network = finished / "quantized.safetensors"
    value = done("compile", network, "--defects", known, "--out", out, "--json").value
    assert value["file"] == str(out)
    assert value["defects"] == {
        "kernels": 3,
        "lost_weights": 0,
        "worst_error": 0,
        "left": [],
        "maps": [],
    }
    assert value["arrays"][0]["kernels"] == 3
    program = load_program(out)
    assert program.chip.defect_map == str(known)
    assert program.chip.stuck is not None
    assert program.chip.stuck.high_rate == program.chip.stuck.low_rate == 0
    assert len(program.provenance["compiled"]["defects_sha256"]) == 64
    words = done("compile", network, "--defects", known, "--out", out, "--force").out
    assert "The defects cost nothing: all 3 kernels" in " ".join(words.split())
    done("evaluate", out, "--data", "bundled-zero-one", "--instances", "2")


def test_a_description_may_name_the_map_itself(finished: Path, known: Path, out: Path) -> None:
    text, _, _ = preset_text("taox-64").partition("[stuck]")
    (known.parent / "chip.toml").write_text(f'defect_map = "map.npz"\n{text}')
    done("compile", finished, "--chip", known.parent / "chip.toml", "--out", out)
    by_option = known.parent / "other.safetensors"
    done("compile", finished, "--defects", known, "--out", by_option)
    ours, theirs = load_program(out), load_program(by_option)
    assert same(ours.arrays, theirs.arrays)
    assert same(ours.step, theirs.step)


def test_what_is_lost_is_told_and_refused_beyond_the_limit(
    finished: Path, tmp_path: Path, out: Path
) -> None:
    """Nine of ten devices stuck: weights are lost, and errors are predicted."""
    write_defect_map(tmp_path / "bad.npz", some_defects(0.9))
    words = ("compile", finished, "--defects", tmp_path / "bad.npz", "--out", out)
    value = done(*words, "--largest-error", "100", "--json").value["defects"]
    assert value["lost_weights"] > 0
    assert value["worst_error"] == max(one["error"] for one in value["left"]) > 0
    lost = [weight for one in value["left"] for weight in one["lost"]]
    assert len(lost) == value["lost_weights"]
    assert set(lost[0]) == {"row", "column", "wanted", "held"}
    table = done(*words, "--largest-error", "100", "--force").out
    assert "What the defects still cost, worst kernel first" in table
    assert f"{value['lost_weights']} weights not held" in table
    assert f"worst predicted error {value['worst_error']:.2%}" in table
    out.unlink()
    message = refusal(*words, "--largest-error", str(value["worst_error"] / 2))
    assert (
        "the defects of this taox-64: they are more than the compiler can serve: kernel" in message
    )
    assert "weights, predicted error" in message
    assert not out.exists()
    write_defect_map(tmp_path / "bad.npz", DefectMap(tuple(np.ones((3, *SHAPE), np.int8))))
    assert "more than the compiler can serve" in refusal(*words)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 255
    path.write_bytes(bytes(data))


def of_fewer_arrays(path: Path) -> None:
    write_defect_map(path, some_defects(0.1, count=2))


def of_larger_arrays(path: Path) -> None:
    write_defect_map(path, DefectMap(tuple(np.zeros((3, 128, 128), np.int8))))


def of_another_meaning(path: Path) -> None:
    write_defect_map(path, DefectMap(tuple(np.full((3, *SHAPE), 7, np.int8))))


def huge(path: Path) -> None:
    """A header of a few bytes that stands for a billion billion numbers."""
    with zipfile.ZipFile(path, "w") as file, file.open("array_0.npy", "w") as member:
        shape = {"descr": "|i1", "fortran_order": False, "shape": (10**9, 10**9)}
        np.lib.format.write_array_header_1_0(member, shape)


def pickled(path: Path) -> None:
    things: Any = np.array([print] * 3)
    np.savez(path, array_0=things, allow_pickle=True)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (cut, "cannot be read"),
        (flip, "cannot be read"),
        (of_fewer_arrays, "it holds array_0, array_1, not array_0, array_1, array_2"),
        (of_larger_arrays, "array_0 has shape (128, 128), the chip's arrays (64, 64)"),
        (of_another_meaning, "array_0 holds [7]; known are 1 stuck high, 0 sound"),
        (huge, "array_0 has shape (1000000000, 1000000000), the chip's arrays (64, 64)"),
        (pickled, "cannot be read"),
        (Path.unlink, "cannot be read (No such file or directory)"),
    ],
)
def test_a_map_that_is_not_one_of_this_chip(
    harm: Callable[[Path], None], says: str, finished: Path, known: Path, out: Path
) -> None:
    harm(known)
    message = refusal("compile", finished, "--defects", known, "--out", out)
    assert f"defect map {known}: " in message
    assert says in message
    assert not out.exists()


def newer(header: dict[str, Any]) -> None:
    header["schema"] = "imssa.program/2"


def billion_arrays(header: dict[str, Any]) -> None:
    header["arrays"] = 10**9


def huge_register(header: dict[str, Any]) -> None:
    header["registers"][0][1] = 10**15


def huge_chip(header: dict[str, Any]) -> None:
    header["chip"]["arrays"]["word_lines"] = 10**12


def unknown_operation(header: dict[str, Any]) -> None:
    header["step"][0]["operation"] = "__import__"


def other_register(header: dict[str, Any]) -> None:
    header["input"] = "../../etc/passwd"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (newer, "this version of imssa reads imssa.program/1"),
        (billion_arrays, "1000000000"),
        (huge_register, "1000000000000000"),
        (huge_chip, "word_lines"),
        (unknown_operation, "__import__"),
        (other_register, "../../etc/passwd"),
    ],
)
def test_a_newer_or_hostile_program(
    change: Callable[[dict[str, Any]], None], says: str, folder: Path
) -> None:
    """Signed anew, so that its checksums fit."""
    path = folder / "program.safetensors"
    rewritten(path, KIND, change)
    for words in (("inspect", path), ("inspect", path, "--figures", folder / "f"), ("check", path)):
        message = refusal(*words)
        assert str(path) in message
        assert says in message
    assert not (folder / "f").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--chip", "taox-65"), "it is neither a file nor a preset"),
        (("--chip", "isaac-like"), "trained for drive = amplitude, isaac-like has bit-serial"),
        (("--largest-error", "0.5"), "no defects of the chip are known"),
        (("--root", "."), "--root . without --data: recordings have a format"),
        (
            ("--data", "bundled"),
            "--data bundled: there is no such format of recordings. Use bundled-zero-one",
        ),
    ],
)
def test_options_that_cannot_be_meant(
    words: tuple[str, ...], says: str, finished: Path, out: Path
) -> None:
    assert says in refusal("compile", finished, "--out", out, *words)
    assert not out.exists()


def test_places_that_cannot_be_written(finished: Path, known: Path, out: Path) -> None:
    out.write_text("mine")
    assert "it exists. Use another name, or --force" in refusal("compile", finished, "--out", out)
    assert out.read_text() == "mine"
    message = refusal("compile", finished, "--out", known.parent)
    assert "it is a folder, and the program is one file" in message
    assert "it holds imssa.model" in refusal(
        "compile", finished / "model.safetensors", "--out", known.parent / "new"
    )
    assert "quantized.safetensors" in refusal(
        "compile", known.parent, "--out", known.parent / "new"
    )


def test_a_stage_takes_no_options_of_another_chip(folder: Path, known: Path) -> None:
    for words in (("--chip", "taox-64"), ("--defects", known), ("--force",)):
        message = refusal("compile", "--out", folder, *words)
        assert "Name the network too" in message


def test_calibration_data_may_refuse(finished: Path, tmp_path: Path, out: Path) -> None:
    from dataclasses import replace

    from imssa.program.files import read_arrays

    path = finished / "quantized.safetensors"
    data = ("--data", "bundled-zero-one")
    outcome = call("compile", path, "--out", out, *data)
    assert outcome.code == 0, outcome
    network, header = load_network(path), read_arrays(path, "imssa.quantized")[0]["provenance"]
    narrow = replace(network, widths=replace(network.widths, register_bits=10))
    save_network(narrow, tmp_path / "narrow.safetensors", header)
    words = ("compile", tmp_path / "narrow.safetensors", "--out", out, "--force")
    assert "overflows its 10 bits on calibration data" in refusal(*words, *data)


def test_pictures_of_the_arrays(finished: Path, known: Path, out: Path, tmp_path: Path) -> None:
    done("compile", finished, "--defects", known, "--out", out)
    outcome = done("inspect", out, "--figures", tmp_path / "f")
    for name in ("arrays.png", "array-000.png"):
        assert outcome.out.count(str(tmp_path / "f" / name).splitlines()[-1][-9:]) >= 1
        assert matplotlib.image.imread(tmp_path / "f" / name).shape[1] > 500
    value = done("inspect", out, "--figures", tmp_path / "f", "--json").value
    assert value["figures"] == [str(tmp_path / "f" / n) for n in ("arrays.png", "array-000.png")]
    array = value["arrays"][0]
    assert array["inhabitants"] == [f"kernel {n} of layer 0" for n in range(3)]
    assert (array["word_lines_used"], array["pairs_used"]) == (15, 15)
    assert array["inhabited_cells"] == 3 * 25
    assert array["utilization"] == 75 / 2048


def test_pictures_of_something_else(finished: Path, tmp_path: Path) -> None:
    message = refusal("inspect", finished / "model.safetensors", "--figures", tmp_path / "f")
    assert "only a program has arrays to be drawn" in message
    (tmp_path / "file").write_text("")
    program = finished / "program.safetensors"
    message = refusal("inspect", program, "--figures", tmp_path / "file")
    assert "it cannot be a folder of pictures" in message


def test_check_tells_who_rests(finished: Path) -> None:
    value = done("check", finished, "--chips", "2", "--json").value["silence"]
    names = [rest["name"] for rest in value]
    assert names == ["ideal chip", "all errors", "direct: ideal chip", "direct: all errors"]
    assert [rest["chips"] for rest in value] == [1, 2, 1, 2]
    assert all(rest["registers"] == 12 and rest["steps"] > 10 for rest in value)
    table = done("check", finished / "program.safetensors", "--chips", "2").out
    assert "Silence after a full-scale burst" in table
    assert "ideal chip" in table
    restless = [rest for rest in value if rest["restless"]]
    assert restless, "the tiny run is hardly trained: some modes of direct never rest"
    direct = done("check", finished / "realizations" / "direct", "--chips", "2").out
    name = next(iter(value[2]["restless"]))
    assert f"Restless, ideal chip: {name}" in direct


def test_a_layout_and_targets_for_wires(finished: Path, out: Path) -> None:
    one_shot = done("compile", finished, "--out", out, "--json").value
    phased = done(
        "compile", finished, "--layout", "phased", "--out", out, "--force", "--json"
    ).value
    assert phased["phases_per_step"] == one_shot["phases_per_step"] == 1  # three kernels, one array
    assert len(phased["arrays"]) == len(one_shot["arrays"]) == 1
    done("compile", finished, "--layout", "3", "--out", out, "--force")
    done("compile", finished, "--for-wires", "--out", out, "--force")
    assert all(array.targets_siemens is not None for array in load_program(out).arrays)
    refused = refusal("compile", finished, "--layout", "round", "--out", out, "--force")
    assert "there is no such layout" in refused
    assert "phased" in refused


def test_a_map_that_was_replaced_is_noticed(finished: Path, known: Path, out: Path) -> None:
    network = finished / "quantized.safetensors"
    done("compile", network, "--defects", known, "--out", out)
    done("evaluate", out, "--data", "bundled-zero-one", "--instances", "1")
    write_defect_map(known, some_defects(0.05, seed=1))
    for command in (("evaluate", out, "--data", "bundled-zero-one"), ("check", out)):
        assert "not the map that this program was compiled for" in refusal(*command)
