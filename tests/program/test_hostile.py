"""Hostile and broken program files: refused with a message, before memory is taken."""

import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.errors import FileFormatError
from imssa.program import Program, load_program, save_program
from imssa.program.containers import MAX_BYTES, MAX_HEAD_BYTES, MAX_VALUES, strict_json
from imssa.program.files import canonical_json, read_arrays, read_bytes, write_arrays
from imssa.program.program import KIND
from imssa.program.rules import broken_rules
from tests.program.documented import documented_program
from tests.program.mutations import damaged, forged, joined, parts, signed
from tests.program.samples import a_program, rewritten, same

MEGABYTE = 2**20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_program(documented_program(), tmp_path / "program")
    return tmp_path / "program"


@contextmanager
def at_most(bytes_taken: int) -> Iterator[None]:
    """No more memory than this at any time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < bytes_taken


def assert_refused(path: Path, words: str, memory: int = 4 * MEGABYTE) -> None:
    load_program_once()
    with at_most(memory), pytest.raises(FileFormatError, match=words):
        load_program(path)


def load_program_once(done: list[bool] = []) -> None:  # noqa: B006
    """What the first reading loads (the schema, its library) is not counted."""
    if not done:
        from imssa.program.schema import schema_faults

        schema_faults({})
        done.append(True)


# Cut short, and one bit too many.


def test_cut_short_at_any_byte(path: Path) -> None:
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        with pytest.raises(FileFormatError, match=r"cut short|damaged"):
            load_program(path)


def test_every_checksum_counts(path: Path) -> None:
    """A digest of each array, and of the whole, changed in one digit and the rest signed anew."""
    head, body, rest = parts(path.read_bytes())
    for name, right in body["arrays"].items():
        wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
        changed = {**body, "arrays": {**body["arrays"], name: wrong}}
        path.write_bytes(joined(head, signed(changed), rest))
        assert_refused(path, "checksums do not fit")
    path.write_bytes(joined(head, canonical_json({**body, "sha256": "0" * 64}), rest))
    assert_refused(path, "checksums do not fit")


def test_a_newer_version_is_told_from_damage(path: Path) -> None:
    """Even where everything else is new, too."""
    new = {"schema": "imssa.program/2", "chips": [], "step": {"tree": 1}}
    head, body, rest = parts(path.read_bytes())
    path.write_bytes(joined(head, signed({**body, "header": new}), rest))
    assert_refused(path, "schema 'imssa.program/2': this version of imssa reads imssa.program/1")


# Promises of much.

HUGE: list[tuple[Callable[[Any], Any], str]] = [
    (lambda h: h.update(arrays=10**9), r"\$\.arrays: 1000000000 is greater"),
    (lambda h: h.update(max_length=10**12), r"\$\.max_length"),
    (lambda h: h["registers"].append(["big", 10**9, 9]), r"\$\.registers\[8\]\[1\]"),
    (lambda h: h["registers"].append(["big", 2, 10**9]), r"\$\.registers\[8\]\[2\]"),
    (
        lambda h: h["registers"].extend([f"r{n}", 2**20, 9] for n in range(17)),
        r"hold 17,825,8\d\d elements together \(at most 16,777,216\)",
    ),
    (lambda h: h["chip"]["arrays"].update(count=10**9), r"\$\.chip\.arrays\.count"),
    (lambda h: h["chip"]["arrays"].update(word_lines=10**9), r"\$\.chip\.arrays\.word_lines"),
    (lambda h: h["chip"]["arrays"].update(word_lines=1024), "1024 x 2 is needed"),
    (lambda h: h["chip"]["converters"].update(dac_bits=10**6), "dac_bits"),
]


@pytest.mark.parametrize(("change", "words"), HUGE)
def test_promises_are_refused_before_they_are_believed(path: Path, change: Any, words: str) -> None:
    rewritten(path, KIND, change)
    assert_refused(path, words)


def test_more_phases_than_any_step_has(path: Path) -> None:
    """A thousand million do not fit into a head; those that do are counted, not looked through."""
    head, body, rest = parts(path.read_bytes())
    body["header"]["step"] = [{}] * (2**18 + 1)
    path.write_bytes(joined(head, signed(body), rest))
    with pytest.raises(FileFormatError, match=r"\$\.step: 262,145 items, at most 262,144 are"):
        load_program(path)


def test_a_head_longer_than_any(path: Path) -> None:
    """Refused by its length; nothing of it is read."""
    with path.open("wb") as stream:
        stream.write((MAX_HEAD_BYTES + 1).to_bytes(8, "little"))
        stream.truncate(MAX_HEAD_BYTES * 2)
    assert_refused(path, "header is longer than 100000000 bytes")


def test_a_head_of_brackets(path: Path) -> None:
    """Each costs Python more than a file's byte: counted before they are parsed."""
    text = b"[" + b"[]," * MAX_VALUES + b"0]"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    assert_refused(path, "more than 8388608 values", 3 * len(text))


@pytest.mark.parametrize("shape", [[2**40, 2**40], [2**31], [-4, -2], [2**20] * 5, [4.0, 2], "42"])
def test_huge_and_impossible_shapes(path: Path, shape: Any) -> None:
    head, body, rest = parts(path.read_bytes())
    head["array.0.codes"]["shape"] = shape
    path.write_bytes(joined(head, signed(body), rest))
    assert_refused(path, "describes no arrays|is needed")


def test_a_sparse_file_of_a_gigabyte(path: Path) -> None:
    """Well signed, and as large as its head says: the shape gives it away, not its data."""
    head, body, rest = parts(path.read_bytes())
    room = MAX_BYTES - 2**16 - len(rest)
    head["array.0.codes"] |= {"shape": [room // 8], "data_offsets": [len(rest), len(rest) + room]}
    path.write_bytes(joined(head, signed(body), rest))
    os.truncate(path, path.stat().st_size + room)
    assert_refused(path, "4 x 2 is needed")
    os.truncate(path, MAX_BYTES + 1)
    assert_refused(path, "larger than 1073741824 bytes")


def test_what_is_no_file(tmp_path: Path) -> None:
    """A pipe would wait for ever, a device never end."""
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null"), tmp_path):
        for read in (load_program, read_bytes):
            with pytest.raises(FileFormatError, match="no ordinary file"):
                read(place)


# JSON that two readers would read in two ways.


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '[{"b": {"a": 1, "a": 1}}]',
        "[NaN]",
        "[-Infinity]",
        '"\\ud800"',
        '["\\udc00x"]',
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 5000,
        "",
        "{} {}",
    ],
)
def test_json_that_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        strict_json(text)


def test_json_that_is_read() -> None:
    assert strict_json('{"a": [1, 2.5, "\\ud83d\\ude00\\\\ud800"]}') == {
        "a": [1, 2.5, "\U0001f600\\ud800"]
    }


def test_double_keys_outside_and_inside(path: Path) -> None:
    data = path.read_bytes()
    head, body, rest = parts(data)
    outer = joined(head, signed(body), rest)
    size = int.from_bytes(outer[:8], "little")
    double = outer[8 : 8 + size - 1] + b',"array.0.codes":{}}'
    path.write_bytes(len(double).to_bytes(8, "little") + double + rest)
    assert_refused(path, "a key twice")
    inner = signed(body).replace('"arrays":{', '"arrays":{},"arrays":{', 1)
    path.write_bytes(joined(head, inner, rest))
    assert_refused(path, "a key twice")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":0.25", ":0.250"),
        (":0.25", ":2.5e-1"),
        (":0.25", ":NaN"),
        (":0.25", ":Infinity"),
        (":0.25", ":1e999"),
        (":0.25", ": 0.25"),
        ('"page"', '"\\u0070age"'),
        ('"page"', '"\\ud800"'),
        ('"seed":0', '"seed":-0'),
        ('"seed":0', '"seed":' + "[" * 5000 + "]" * 5000),
        ('"seed":0', '"seed":' + "9" * 5000),
    ],
)
def test_one_text_for_one_program(path: Path, old: str, new: str) -> None:
    """Another spelling is refused, though its checksum is that of its own text."""
    head, body, rest = parts(path.read_bytes())
    text = signed(body)
    assert text.count(old) == 1
    from imssa.program.files import digest

    unsigned = text[:-77].replace(old, new)
    forged_text = f'{unsigned},"sha256":"{digest((unsigned + "}").encode())}"}}'
    path.write_bytes(joined(head, forged_text, rest))
    assert_refused(path, "damaged")


# Arrays that hold what they must not.


def with_array(path: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Changes an array and signs everything anew."""
    header, arrays, _ = read_arrays(path, KIND)
    value = np.array(arrays[name])
    write_arrays(path, KIND, header, {**arrays, name: change(value)})


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 0.0, -5e-5])
def test_conductances_that_are_none(path: Path, number: float) -> None:
    with_array(path, "array.0.siemens_per_step", lambda a: np.r_[a[:-1], number])
    assert_refused(path, "needs one positive siemens_per_step a pair")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("array.0.written", lambda a: a + 1, "other bytes than 0 and 1"),
        ("array.0.codes", lambda a: a * 0 + np.iinfo(np.int64).min, "outside the device window"),
        ("array.0.codes", lambda a: a.astype(np.int32), "is I32"),
        ("array.0.siemens_per_step", lambda a: a.astype(np.float32), "is F32"),
        ("step.0.word_lines", lambda a: a - 1, "word_lines must be"),
        (
            "step.0.drive_index",
            lambda a: a + np.iinfo(np.int64).min,
            "drive_index of state must be",
        ),
        ("step.0.full_scale", lambda a: a * 0, "full_scale must be"),
        ("step.0.full_scale", lambda a: a * 2**40, "full_scale must be a vector"),
        ("step.0.read_sign", lambda a: a * 0 + np.iinfo(np.int64).min, "signs must be"),
        ("step.1.shift", lambda a: a + 64, "shift must be"),
        ("step.1.multiplier", lambda a: -a, "multiplier must be"),
        ("step.1.multiplier", lambda a: a[:, None], r"is I64 \[2, 1\], I64 of any is needed"),
        ("step.2.k", lambda a: a * 0, "k must be"),
        ("end.0.shift", lambda a: a[:-1], "shift has 3 elements, 4 are needed"),
    ],
)
def test_arrays_out_of_range(path: Path, name: str, change: Any, words: str) -> None:
    with_array(path, name, change)
    assert_refused(path, words)


def test_sums_stay_exact() -> None:
    """Codes so large, on steps so small, that a sum would be rounded."""
    program = documented_program()
    contents = program.arrays[0]
    wide = type(contents)(contents.codes * 2**49, contents.written, np.full(2, 1e-20))
    faults = broken_rules(a_program(arrays=(wide,), chip=program.chip))
    assert any("array 0 has sums beyond 53 bits" in fault for fault in faults)


@pytest.mark.parametrize("name", ["../../x", "/dev/zero", "array.0.codes\n", "array.00.codes", ""])
def test_arrays_that_nobody_asked_for(path: Path, name: str) -> None:
    header, arrays, _ = read_arrays(path, KIND)
    write_arrays(path, KIND, header, {**arrays, name: np.zeros(3)})
    assert_refused(path, "that no record speaks of")


def test_a_voltage_of_its_own_is_refused(path: Path) -> None:
    rewritten(path, KIND, lambda header: header.update(volt_per_step=0.03))
    assert_refused(path, r"volt_per_step is 0\.03")


# Whatever happens to a file: a message, or the very program that the checks let through.


def outlive(path: Path, bad: bytes, program: Program, *, as_it_was: bool) -> bool:
    """Reads a changed file; says whether it was refused."""
    with path.open("r+b") as stream:  # opening a new file takes longer than all the rest
        stream.truncate(stream.write(bad))
    try:
        found = load_program(path)
    except FileFormatError:
        return True
    assert broken_rules(found) == []
    if as_it_was:
        assert same(found, program)
    return False


def fuzz(path: Path, damages: int, forgeries: int, seed: int) -> None:
    program, data = documented_program(), path.read_bytes()
    random = np.random.default_rng(seed)
    spared = [
        not outlive(path, damaged(data, random), program, as_it_was=True) for _ in range(damages)
    ]
    assert sum(spared) <= 0.02 * damages
    refused = [
        outlive(path, forged(data, random), program, as_it_was=False) for _ in range(forgeries)
    ]
    assert 0.5 * forgeries < sum(refused) < forgeries


def test_some_thousand_mutations(path: Path) -> None:
    fuzz(path, 2000, 300, 0)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_hundred_thousand_mutations(path: Path, seed: int) -> None:
    fuzz(path, 8000, 2000, seed)
