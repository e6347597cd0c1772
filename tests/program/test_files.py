import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.errors import FileFormatError, OutputError
from imssa.program import Program, load_program, save_program
from imssa.program.files import (
    canonical_json,
    kinds_in,
    read_arrays,
    write_arrays,
    write_atomically,
)
from imssa.program.program import KIND
from tests.program.samples import a_program, rewritten, same


@pytest.fixture(scope="module")
def program() -> Program:
    return a_program()


@pytest.fixture
def path(tmp_path: Path, program: Program) -> Path:
    save_program(program, tmp_path / "program.safetensors")
    return tmp_path / "program.safetensors"


def test_a_program_survives_its_file(path: Path, program: Program) -> None:
    assert same(load_program(path), program)
    assert kinds_in(path) == (KIND,)


def test_the_comparison_finds_a_difference(program: Program) -> None:
    assert not same(program, a_program(max_length=4))
    codes = program.arrays[1].codes.copy()
    codes[0, 0] += 1
    arrays = (
        program.arrays[0],
        type(program.arrays[1])(codes, *list(vars(program.arrays[1]).values())[1:]),
    )
    assert not same(program, a_program(arrays=arrays))


def test_equal_programs_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    identity = save_program(a_program(), again)
    assert again.read_bytes() == path.read_bytes()
    assert save_program(load_program(path), tmp_path / "third") == identity
    assert (tmp_path / "third").read_bytes() == path.read_bytes()
    assert save_program(a_program(max_length=3, provenance={"seed": 4}), again) != identity


def test_the_file_is_plain_safetensors(path: Path) -> None:
    """Readable by the public library alone, with one metadata key."""
    from safetensors import safe_open

    with safe_open(path, "numpy") as stream:
        assert list(stream.metadata()) == ["imssa.program"]
        assert stream.get_tensor("array.0.codes").shape == (4, 3)


def survives(path: Path, data: bytes, program: Program) -> bool:
    """Whether changed bytes are still the same program; else they must be refused."""
    path.write_bytes(data)
    try:
        found = load_program(path)
    except FileFormatError:
        return False
    assert same(found, program)
    return True


def flipped(data: bytes, position: int, change: int) -> bytes:
    return data[:position] + bytes([data[position] ^ change]) + data[position + 1 :]


def test_flipped_bytes_are_found(path: Path, program: Program) -> None:
    """At most a few flips leave the meaning alone: a space for a tab, a letter of 1e-05."""
    data = path.read_bytes()
    rng = np.random.default_rng(1)
    positions = np.unique(np.r_[0:16, rng.integers(0, len(data), 300)])
    changes = rng.integers(1, 256, len(positions))
    survivors = sum(
        survives(path, flipped(data, int(p), int(c)), program)
        for p, c in zip(positions, changes, strict=True)
    )
    assert survivors <= 3


@pytest.mark.proof
@pytest.mark.parametrize("change", [1, 2, 4, 8, 16, 32, 64, 128, 255])
def test_every_flipped_byte_is_found(path: Path, program: Program, change: int) -> None:
    data = path.read_bytes()
    for position in range(len(data)):
        survives(path, flipped(data, position, change), program)


def test_a_number_flipped_to_infinity_is_found(path: Path, program: Program) -> None:
    data = path.read_bytes()
    assert data.count(b"-1e-05") == 1
    for bad in (b"-1e905", b"-1e-0E", b"-1e+05"):
        assert not survives(path, data.replace(b"-1e-05", bad), program)


def test_swapped_element_types_are_found(path: Path, program: Program) -> None:
    data = path.read_bytes()
    assert data.count(b'"I64"') > 10
    for bad in (b'"U64"', b'"F64"'):
        for place in (data.index(b'"I64"'), data.rindex(b'"I64"')):
            assert not survives(path, data[:place] + bad + data[place + 5 :], program)


def test_shortened_and_lengthened_files_are_refused(path: Path, program: Program) -> None:
    data = path.read_bytes()
    for length in (0, 1, 7, 8, 9, 100, len(data) // 2, len(data) - 8, len(data) - 1):
        assert not survives(path, data[:length], program)
    assert not survives(path, data + b"\0", program)
    assert not survives(path, data[1:], program)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut short"),
        (b"\xff" * 64, "cut short"),
        (b"PK\3\4 a zip file, say" * 4, "cut short"),
        ((2).to_bytes(8, "little") + b"{}", "holds nothing of imssa"),
        ((2).to_bytes(8, "little") + b"[]", "holds nothing of imssa"),
        ((4).to_bytes(8, "little") + b"{{{{", "no JSON"),
        ((200_000).to_bytes(8, "little") + b"[" * 200_000, "no JSON"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=words):
        load_program(path)


def test_a_model_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_arrays(path, "imssa.model", {"schema": "x"}, {"w": np.zeros(3)})
    with pytest.raises(FileFormatError, match=r"holds imssa\.model, not imssa\.program"):
        load_program(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nowhere.*cannot be read"):
        load_program(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_program(tmp_path)


@pytest.mark.parametrize("schema", ["imssa.program/99", "imssa.program/0", None, 0])
def test_other_versions_are_refused(path: Path, schema: object) -> None:
    rewritten(path, KIND, lambda header: header.update(schema=schema))
    with pytest.raises(FileFormatError, match=f"schema {schema!r}.*reads imssa.program/"):
        load_program(path)


FORGERIES: list[Any] = [
    lambda h: h["step"][0].update(operation="Jump"),
    lambda h: h["step"][0].update(array="zero"),
    lambda h: h["step"][0].update(drive=["state", "nothing"]),
    lambda h: h["step"].insert(1, {"operation": "Clear"}),
    lambda h: h["step"].insert(
        1,
        {"operation": "Gather", "source": "adc", "target": "adc", "index": [0, 1], "sign": [1, 1]},
    ),
    lambda h: h["registers"].append(["state", 2, 9]),
    lambda h: h["registers"].append(["wide", 2]),
    lambda h: h["registers"].append(["wide", 2, 33]),
    lambda h: h.update(registers=5),
    lambda h: h.update(max_length=7),
    lambda h: h.update(max_length="many"),
    lambda h: h.update(arrays=3),
    lambda h: h.update(input="nothing"),
    lambda h: h.update(step=None),
    lambda h: h.update(preparation="loud"),
    lambda h: h["chip"].update(arrays={"count": 2, "word_lines": 8, "bit_lines": 6}),
    lambda h: h["chip"].update(colour="grey"),
    lambda h: h["chip"].pop("converters"),
    lambda h: h.pop("class_names"),
    lambda h: h.clear() or h.update(schema="imssa.program/1"),
]


@pytest.mark.parametrize("number", range(len(FORGERIES)))
def test_forged_headers_are_refused(path: Path, number: int) -> None:
    """Well signed, but not a program: refused with a message, not with a traceback."""
    rewritten(path, KIND, FORGERIES[number])
    with pytest.raises(FileFormatError, match="Compile the network again"):
        load_program(path)


def test_signing_anew_changes_nothing_by_itself(path: Path, program: Program) -> None:
    rewritten(path, KIND, lambda header: header)
    assert same(load_program(path), program)


def test_arrays_keep_their_values_and_types(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.int64).reshape(2, 3).T,
        "b": np.array(2.5),
        "c": np.zeros((0, 4), np.float32),
        "d": np.array([True, False]),
    }
    write_arrays(tmp_path / "x", "imssa.model", {"n": [1, None, "é"]}, arrays)
    header, found, identity = read_arrays(tmp_path / "x", "imssa.model")
    assert header == {"n": [1, None, "é"]}
    assert found.keys() == arrays.keys()
    for name, value in arrays.items():
        assert found[name].shape == value.shape
        assert same(found[name], value)
    assert len(identity) == 64


def test_element_types_are_part_of_what_is_signed(tmp_path: Path) -> None:
    """A flipped byte turns int64 into uint64, with the same bytes: it must be found."""
    write_arrays(tmp_path / "x", "imssa.model", {}, {"a": np.array([-1, 2])})
    data = (tmp_path / "x").read_bytes()
    assert data.count(b'"I64"') == 1
    (tmp_path / "x").write_bytes(data.replace(b'"I64"', b'"U64"'))
    with pytest.raises(FileFormatError, match="checksums"):
        read_arrays(tmp_path / "x", "imssa.model")


def test_shapes_are_part_of_what_is_signed(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x", "imssa.model", {}, {"a": np.arange(6).reshape(2, 3)})
    data = (tmp_path / "x").read_bytes()
    assert data.count(b"[2,3]") == 1
    (tmp_path / "x").write_bytes(data.replace(b"[2,3]", b"[3,2]"))
    with pytest.raises(FileFormatError, match="checksums"):
        read_arrays(tmp_path / "x", "imssa.model")


def test_canonical_json_is_one_text_a_value() -> None:
    assert canonical_json({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


# Writing whole or not at all.


def test_writing_replaces_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if failing == "fsync" else Path, failing, fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot be written.*Name a folder"):
        write_atomically(tmp_path / "file" / "below", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / "folder", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
