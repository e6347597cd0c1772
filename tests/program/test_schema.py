"""The JSON schema of a program's header."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imssa.errors import FileFormatError
from imssa.hardware import load_chip
from imssa.hardware.loading import preset_names
from imssa.mapping import compile_network
from imssa.program import load_program, save_program
from imssa.program.containers import Entry
from imssa.program.files import read_arrays
from imssa.program.operations import BY_NAME
from imssa.program.program import KIND
from imssa.program.schema import array_faults, schema_faults, shipped_schema
from imssa.program.schema_source import header_schema
from tests.program.samples import a_program, rewritten
from tests.reference.networks import Sketch, random_network


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_program(a_program(), tmp_path / "program")
    return tmp_path / "program"


@pytest.fixture
def header(path: Path) -> dict[str, Any]:
    return read_arrays(path, KIND)[0]


def test_what_is_shipped_is_what_the_code_says() -> None:
    """Else: python -m imssa.program.schema_source > src/imssa/program/program-1.schema.json."""
    assert shipped_schema() == json.loads(json.dumps(header_schema()))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(shipped_schema())


def test_programs_fit(header: dict[str, Any], tmp_path: Path) -> None:
    assert {
        record["operation"] for part in ("start", "step", "end") for record in header[part]
    } == (set(BY_NAME))
    assert schema_faults(header) == []
    network = random_network(0, Sketch(kernels=2, modes=1))
    save_program(compile_network(network, load_chip("taox-64"), {"seed": 1}), tmp_path / "x")
    assert schema_faults(read_arrays(tmp_path / "x", KIND)[0]) == []


@pytest.mark.parametrize("name", preset_names())
def test_chips_fit(header: dict[str, Any], name: str) -> None:
    """All presets, with every law that one of them uses."""
    header["chip"] = load_chip(name).model_dump(mode="json")
    assert schema_faults(header) == []
    header["chip"]["colour"] = "grey"
    assert "$.chip" in schema_faults(header)[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.update(max_length=0), "$.max_length: 0 is less than the minimum of 1"),
        (lambda h: h.update(max_length=2.0), "$.max_length: 2.0 is not of type 'integer'"),
        (lambda h: h.update(max_length=True), "$.max_length: True is not of type 'integer'"),
        (lambda h: h.update(arrays=10**9), "$.arrays: 1000000000 is greater than the maximum"),
        (lambda h: h.update(arrays=-1), "$.arrays: -1 is less than the minimum of 0"),
        (lambda h: h.update(colour=1), "$: Additional properties are not allowed ('colour' was"),
        (lambda h: h.pop("input"), "$: 'input' is a required property"),
        (lambda h: h.update(input="../adc"), "$.input: '../adc' does not match"),
        (lambda h: h.update(input="adc\n"), "$.input: 'adc\\n' does not match"),
        (lambda h: h.update(input="a" * 101), "$.input: 'aaa"),
        (lambda h: h["registers"].append(["x", -1, 8]), "$.registers[12][1]: -1 is less than"),
        (lambda h: h["registers"].append(["x", 2**20 + 1, 8]), "$.registers[12][1]: 1048577 is"),
        (lambda h: h["registers"].append(["x", 1]), "$.registers[12]: ['x', 1] is too short"),
        (lambda h: h["registers"].append(["x", 1, 8, 8]), "$.registers[12]: Expected at most 3"),
        (lambda h: h.update(class_names=[7]), "$.class_names[0]: 7 is not of type 'string'"),
        (lambda h: h.update(volt_per_step=-0.1), "$.volt_per_step: -0.1 is less than or equal"),
        (lambda h: h["step"][0].update(array="zero"), "$.step[0].array: 'zero' is not of type"),
        (lambda h: h["step"][0].update(operation="Jump"), "$.step[0].operation: 'Jump' is not one"),
        (lambda h: h["step"][1].pop("source"), "$.step[1]: 'source' is a required property"),
        (lambda h: h["step"][3].update(k=[1]), "$.step[3]: Additional properties are not allowed"),
        (lambda h: h["end"].append({}), "$.end[2]: 'operation' is a required property"),
        (lambda h: h["end"].append(3), "$.end[2]: 3 is not of type 'object'"),
        (lambda h: h.update(start={}), "$.start: {} is not of type 'array'"),
        (lambda h: h["chip"].update(g_max_siemens=0), "$.chip.g_max_siemens: 0 is less than or"),
        (
            lambda h: h["chip"]["converters"].update(dac_bits="8"),
            "$.chip.converters.dac_bits: '8' is not of type 'integer'",
        ),
        (
            lambda h: h["chip"].update(stuck={"high_rate": 2, "low_rate": 0}),
            "$.chip.stuck.high_rate: 2 is greater than the maximum of 1",
        ),
    ],
)
def test_a_fault_names_its_path(path: Path, change: Any, words: str) -> None:
    rewritten(path, KIND, change)
    with pytest.raises(FileFormatError) as caught:
        load_program(path)
    assert caught.value.rule.startswith(words)
    assert caught.value.remedy == "Compile the network again."


def test_faults_come_together_but_not_all_of_thousands(header: dict[str, Any]) -> None:
    header |= {"arrays": -1, "max_length": 0, "class_names": [1] * 10_000}
    faults = schema_faults(header)
    assert len(faults) == 5
    assert {fault.partition(":")[0] for fault in faults} > {"$.arrays", "$.max_length"}


def test_messages_stay_short(header: dict[str, Any]) -> None:
    header["registers"] = "x" * 100_000
    (fault,) = schema_faults(header)
    assert len(fault) < 200
    assert fault.endswith("is not of type 'array'")


def entries_of(header: dict[str, Any]) -> dict[str, Entry]:
    """The right arrays for the sample's header, by the list in the schema."""
    found = {}
    for number in range(header["arrays"]):
        found[f"array.{number}.codes"] = Entry("I64", (4, 3))
        found[f"array.{number}.written"] = Entry("U8", (4, 3))
        found[f"array.{number}.siemens_per_step"] = Entry("F64", (3,))
    for part in ("start", "step", "end"):
        for number, record in enumerate(header[part]):
            arrays = shipped_schema()["$defs"][record["operation"]]["x-arrays"]
            for field, kind in arrays.items():
                name = f"{part}.{number}.{field}"
                found[name] = Entry(kind["dtype"], (7,) * len(kind["axes"]))
    return found


def test_arrays_are_accounted_for(header: dict[str, Any]) -> None:
    right = entries_of(header)
    assert list(array_faults(header, right)) == []
    common = {"array.1.common_mode": Entry("I64", (4, 3))}
    assert list(array_faults(header, right | common)) == []
    for name, entry, words in [
        ("../../x", Entry("I64", (1,)), "it has an array '../../x' that no record speaks of"),
        ("array.2.codes", Entry("I64", (4, 3)), "it has an array 'array.2.codes' that no record"),
        ("array.0.codes", Entry("I64", (2**30, 2**30)), "I64 of 4 x 3 is needed"),
        ("array.0.codes", Entry("F64", (4, 3)), "array array.0.codes is F64 [4, 3], I64 of 4 x 3"),
        ("step.6.weights", Entry("I64", (4,)), "I64 of any x any is needed"),
        ("step.6.bias", Entry("I64", (4, 1)), "array step.6.bias is I64 [4, 1], I64 of any is"),
        ("array.0.common_mode", Entry("I64", (3, 4)), "array array.0.common_mode is I64 [3, 4]"),
    ]:
        (fault,) = array_faults(header, right | {name: entry})
        assert words in fault
    del right["array.1.written"]
    assert list(array_faults(header, right)) == ["it lacks the array array.1.written"]
