"""The report's file: names, round trip, damage."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from imssa.errors import FileFormatError
from imssa.evaluation import (
    STAGES,
    Pictures,
    load_pictures,
    load_report,
    make_report,
    save_pictures,
    save_report,
)
from imssa.evaluation.report import report_json
from tests.evaluation.samples import make_pictures, make_realization, make_sample, run_fields


def test_names_are_those_that_others_read() -> None:
    value = json.loads(report_json(make_sample()))
    assert value["schema"] == "imssa.report/1"
    assert {"version", "commit", "seed", "python", "torch", "platform"} <= set(value["provenance"])
    assert set(value["realizations"]) == {"leaky", "direct"}
    for part in (value, value["realizations"]["leaky"], value["realizations"]["direct"]):
        assert set(part["accuracy"]) == {"float", "quantized", "ideal_chip", "chip"}
        assert set(part["accuracy"]["chip"]) == {"mean", "std", "min", "max", "per_instance"}
        assert set(part["contract"]) == {"codes_compared", "mismatches"}
        assert tuple(row["stage"] for row in part["waterfall"]) == STAGES
        assert {"accuracy", "standard_error"} <= set(part["waterfall"][0])
        assert {"parameters", "float_bytes", "quantized_bytes", "state_bytes"} <= set(part["size"])
        assert set(part["size"]["operations_per_step"]) == {"float", "quantized", "chip"}
        assert {"arrays", "kernels", "devices_used", "utilization", "mvms_per_step"} <= set(
            part["resources"]
        )
    assert value["accuracy"] == value["realizations"]["leaky"]["accuracy"]


def test_round_trip(tmp_path: Path) -> None:
    report = make_sample()
    save_report(report, tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == report


def test_equal_reports_give_equal_text() -> None:
    assert report_json(make_sample()) == report_json(make_sample())


def test_numbers_at_the_top_must_be_the_realizations_own() -> None:
    parts = {"leaky": make_realization("leaky", 0.03), "direct": make_realization("direct", 0.2)}
    top = vars(parts["direct"])
    with pytest.raises(ValidationError, match=r"at the top are not those of realizations\.leaky"):
        type(make_sample())(realization="leaky", realizations=parts, **top, **run_fields())


def test_confusion_must_fit_the_classes() -> None:
    parts = {"leaky": make_realization("leaky", 0.03)}
    with pytest.raises(ValidationError, match="confusion matrix of the wrong size"):
        make_report("leaky", parts, **run_fields(class_names=("a", "b", "c")))


def test_instances_must_be_as_many_as_stated() -> None:
    parts = {"leaky": make_realization("leaky", 0.03, chips=7)}
    with pytest.raises(ValidationError, match=r"realizations\.leaky has not 50 chip instances"):
        make_report("leaky", parts, **run_fields())


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"mean":', '"meen":', "accuracy.chip.meen: Extra inputs are not permitted"),
        ("imssa.report/1", "imssa.report/9", "of schema 'imssa.report/9': this version of imssa"),
        ('"mismatches": 0', '"mismatches": -1', "contract.mismatches: Input should be greater"),
        ('"mismatches": 0', '"mismatches": NaN', "NaN is no number"),
        ('"stage": "software"', '"stage": "quantized"', "the waterfall has the stages quantized"),
        ("{", "[", "it is no JSON: cut short or damaged"),
    ],
)
def test_damage_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "report.json"
    text = report_json(make_sample())
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        load_report(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(data)
    with pytest.raises(FileFormatError):
        load_report(path)


def test_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    data = report_json(make_sample()).encode()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FileFormatError, match="it is no JSON: cut short or damaged"):
        load_report(path)


def test_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="it cannot be read"):
        load_report(tmp_path / "report.json")


def test_pictures_round_trip(tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_pictures(make_pictures(), first)
    loaded = load_pictures(first)
    save_pictures(loaded, second)
    assert first.read_bytes() == second.read_bytes()
    expected, found = make_pictures().poles, loaded.poles
    assert expected is not None
    assert found is not None
    assert (expected.quantized_poles == found.quantized_poles).all()
    assert [t.chip for t in loaded.traces] == [t.chip for t in make_pictures().traces]


def test_empty_pictures_round_trip(tmp_path: Path) -> None:
    save_pictures(Pictures(), tmp_path / "a.safetensors")
    assert load_pictures(tmp_path / "a.safetensors") == Pictures()


def test_damaged_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_pictures(make_pictures(), path)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileFormatError):
        load_pictures(path)
