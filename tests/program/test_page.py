"""``docs/program-format.md`` against the code: fields, examples, numbers, limits."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, execute, write_program
from imssa.crossbar.arrays import targets_of
from imssa.errors import FileFormatError
from imssa.kernels.random import Key
from imssa.program import ArrayContents, load_program, save_program
from imssa.program.containers import MAX_BYTES, MAX_HEAD_BYTES, MAX_VALUES
from imssa.program.files import canonical_json, read_arrays, write_arrays
from imssa.program.operations import BY_NAME
from imssa.program.program import KIND
from imssa.program.rules import MAX_ELEMENTS, MAX_TOGETHER
from imssa.program.schema import SCHEMA, SCHEMA_FILE, shipped_schema
from imssa.program.schema_source import MAX_LENGTH, MAX_OPERATIONS, MAX_REGISTERS
from tests.program import page
from tests.program.documented import CHIP, documented_program
from tests.program.samples import rewritten

DEFINITIONS = shipped_schema()["$defs"]


def named(text: str) -> set[str]:
    """Words in backticks."""
    return set(re.findall(r"`([\w.]+)`", text))


def first_columns(text: str) -> set[str]:
    """Fields that the tables of a section list."""
    rows = re.findall(r"^\|([^|]*)\| (?!type)", text, re.MULTILINE)
    return named(" ".join(rows))


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_field_of_an_operation_is_told(name: str) -> None:
    told = page.section(name)
    assert first_columns(told) == {field.name for field in fields(BY_NAME[name])}
    assert f'"operation": "{name}"' in told


def test_every_field_of_the_header_is_told() -> None:
    assert first_columns(page.section("Header")) == set(shipped_schema()["properties"])


def test_every_field_of_an_array_is_told() -> None:
    told = first_columns(page.section("Arrays"))
    assert told == {f"array.n.{field.name}" for field in fields(ArrayContents)}


def test_every_field_of_the_chip_is_told() -> None:
    """Those that a driver needs in one section, those of the simulator's laws in the other."""
    laws = {name for name, d in DEFINITIONS.items() if "properties" in d and name not in BY_NAME}
    chip, law = page.section("Chip"), page.section("Device laws")
    needed = {"name", "source", "g_min_siemens", "g_max_siemens", "read_voltage_volt"}
    parts = [set(DEFINITIONS[name]["properties"]) for name in ("Arrays", "Converters")]
    assert first_columns(chip) == {*needed, "arrays", "converters", *parts[0], *parts[1]}
    records = re.split(r"^\| `(\w+)` \|  \|", law, flags=re.MULTILINE)
    told = dict(zip(records[1::2], records[2::2], strict=True))
    assert set(told) == laws - {"ChipDescription", "Arrays", "Converters"}
    for name, rows in told.items():
        assert second_column(rows) == set(DEFINITIONS[name]["properties"]), name
    others = set(DEFINITIONS["ChipDescription"]["properties"]) - {*needed, "arrays", "converters"}
    assert second_column(records[0]) == others


def second_column(rows: str) -> set[str]:
    return set(re.findall(r"^\|[^|]*\| `(\w+)` \|", rows, re.MULTILINE))


def json_examples() -> Iterator[tuple[str, Any]]:
    for kind, text in page.blocks("json"):
        yield kind, json.loads(text)


def test_every_json_example_is_valid() -> None:
    kinds = []
    for kind, value in json_examples():
        schema = shipped_schema() if kind == "header" else {"$ref": f"#/$defs/{kind}"}
        jsonschema.validate(value, {"$defs": DEFINITIONS, **schema})
        kinds.append(kind)
    shown = [value["operation"] for kind, value in json_examples() if kind == "operation"]
    assert sorted(shown) == sorted(BY_NAME)
    assert {"header", "register", "ChipDescription"} <= set(kinds)


@pytest.mark.parametrize(("call", "result"), list(page.examples()))
def test_worked_numbers(call: str, result: str) -> None:
    assert repr(page.worked(call)) == result


def test_every_operation_that_computes_has_worked_numbers() -> None:
    shown = {call.partition("(")[0] for call, _ in page.examples()}
    assert shown == {*BY_NAME, "Drive", "Convert", "Passes"} - {"Clear", "Phase"}


def test_the_ideal_array_computes_as_told() -> None:
    """acc = sum W d over what was written, one ADC: step by step in exact fractions."""
    program = documented_program()
    chip, phase, contents = SimulatedChip(CHIP, Key.root(0)), program.phases[0], program.arrays[0]
    wrong = contents.codes.copy()
    wrong[3] = 3  # never written: means nothing
    write_program(documented_program(), chip)
    chip.write(0, ArrayContents(wrong, contents.written, contents.siemens_per_step))
    from imssa.crossbar.chip import ReadAddress

    drive = np.random.default_rng(0).integers(-7, 8, (50, 3))
    found = chip.mvm(phase, drive, ReadAddress(0, 0, np.arange(50)))
    for row, codes in zip(drive.tolist(), found.tolist(), strict=True):
        for pair, code in enumerate(codes):
            acc = sum(int(contents.codes[i, pair]) * d for i, d in enumerate(row))
            size = (4 * abs(acc) + 7) // 14  # round(2 |acc| / 7), halves up
            assert code == (1 if acc >= 0 else -1) * min(size, 15)


def saved(folder: Path) -> tuple[bytes, str, dict[str, Any], Any]:
    """File, identity, header and arrays of the program that the page shows."""
    path = folder / "program"
    identity = save_program(documented_program(), path)
    header, arrays, _ = read_arrays(path, KIND)
    return path.read_bytes(), identity, header, arrays


def test_the_whole_program(tmp_path: Path) -> None:
    data, identity, header, arrays = saved(tmp_path)
    told = page.section("A whole program")
    assert f"file of {len(data):,} bytes" in told
    assert f"`{identity}`" in told
    assert dict(json_examples())["header"] == header
    signed = metadata(data)
    rows = re.findall(r"^\| `([\w.]+)` \| (\[.*\]) \| `(\w+)` \|$", told, re.MULTILINE)
    assert {name: json.loads(v) for name, v, _ in rows} == {
        name: values.tolist() for name, values in arrays.items()
    }
    for name, _, digest in rows:
        assert json.loads(signed)["arrays"][name].startswith(digest)


def metadata(data: bytes) -> str:
    """TEXT, by the page's own rule."""
    size = int.from_bytes(data[:8], "little")
    return str(json.loads(data[8 : 8 + size])["__metadata__"][KIND])


def test_what_the_program_does() -> None:
    told, program = page.section("A whole program"), documented_program()
    shown = ("input", "adc", "update", "decayed", "state", "sum")
    chip = SimulatedChip(CHIP, Key.root(0))
    write_program(program, chip)
    trace = execute(program, chip, np.array([[[7], [-4], [2]]]), np.array([3]), shown)
    for step in range(3):
        cells = [str(trace.steps[name][0, step].tolist()) for name in shown]
        assert f"| {step} | {' | '.join(cells)} |\n" in told
    mean, answer = (trace.final[name][0].tolist() for name in ("mean", "answer"))
    word = program.class_names[trace.answers[0]]
    assert f'After `end`: `mean` {mean}, `answer` {answer}: "{word}".' in told


def test_the_checksums_as_told(tmp_path: Path) -> None:
    told = page.section("Checksums")
    rows = re.findall(r"^\| `(.*)`, (\w+) \| `(.*)` \| `(\w+)` \| `(\w+)` \|$", told, re.MULTILINE)
    assert len(rows) == 2
    for values, kind, prefix, data, digest in rows:
        text = prefix.replace("\\|", "|")
        assert hashlib.sha256(text.encode() + bytes.fromhex(data)).hexdigest() == digest
        array = np.array(json.loads(values), {"I64": np.int64, "U8": np.uint8}[kind])
        write_arrays(tmp_path / "x", "some.kind", {}, {"a": array})
        assert digest.encode() in (tmp_path / "x").read_bytes()


def test_the_identity_by_cutting_text(tmp_path: Path) -> None:
    data, identity, _, _ = saved(tmp_path)
    text = metadata(data)
    assert "last 77 characters" in page.section("Checksums")
    assert hashlib.sha256((text[:-77] + "}").encode()).hexdigest() == identity
    assert json.loads(text)["sha256"] == identity
    assert list(json.loads(text)) == ["arrays", "header", "sha256"]


def test_canonical_json_as_told() -> None:
    value = {"b": 1e16, "a": [0.25, 1.0, 5e-5, 12, None, True], "é": "\U0001f600\n"}
    text = r'{"a":[0.25,1.0,5e-05,12,null,true],"b":1e+16,"\u00e9":"\ud83d\ude00\n"}'
    assert canonical_json(value) == text


def test_conductances_as_told() -> None:
    codes, common = np.array([[2, -1, 0]]), np.array([[0, 0, 1]])
    contents = ArrayContents(codes, np.ones((1, 3), bool), np.full(3, 5e-5), common)
    targets = ", ".join(f"{x:g}" for x in targets_of(contents, CHIP)[0])
    assert targets == "0.0001, 0, 0, 5e-05, 5e-05, 5e-05"
    assert (
        f"the codes [2, -1, 0] with the common modes [0, 0, 1] are held by the conductances "
        f"{targets}." in page.section("Arrays")
    )


def test_limits_as_told() -> None:
    text = page.text()
    for limit in (MAX_HEAD_BYTES, MAX_VALUES, MAX_TOGETHER, MAX_OPERATIONS, MAX_REGISTERS):
        assert f"{limit:,}" in text
    for limit in (MAX_ELEMENTS, MAX_LENGTH):
        assert f" {limit})" in text or f" {limit} " in text
    assert MAX_BYTES == 2**30
    assert "1 GiB" in text
    assert f"`{SCHEMA}`" in text
    assert SCHEMA_FILE in text


def test_the_error_as_told(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "program"
    rewritten(path, KIND, lambda header: header["step"][0].update(array="zero"))
    with pytest.raises(FileFormatError) as caught:
        load_program(path)
    assert f"`{caught.value.rule}`" in page.section("What a reader refuses")


def test_links_inside_the_page_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.*)$", page.text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    links = re.findall(r"\]\(#([^)]+)\)", page.text())
    assert links
    assert set(links) <= anchors
