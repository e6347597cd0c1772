"""Figures: well-formed, named, deterministic, and they draw what they are given."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest

from imssa.evaluation.figures import (
    draw_bytes,
    draw_conductance,
    draw_confusion,
    draw_instances,
    draw_operations,
    draw_poles,
    draw_trace,
    draw_waterfall,
)
from imssa.evaluation.figures.accuracy import piled
from imssa.evaluation.report import Report
from tests.evaluation.samples import (
    make_map,
    make_poles,
    make_program,
    make_sample,
    make_trace,
)

HOSTILE = '<script>"&$\\frac{a}$\x07\N{CJK UNIFIED IDEOGRAPH-96F6} and so on, at length'
COUNTS = np.array([[5, 1], [0, 6]])


@pytest.fixture(scope="module")
def report() -> Report:
    return make_sample()


def _conductance() -> str:
    return draw_conductance(make_map(make_program(), 1))


FIGURES: dict[str, Callable[[Report], str]] = {
    "waterfall": lambda r: draw_waterfall(r.waterfall),
    "instances": lambda r: draw_instances({n: p.accuracy.chip for n, p in r.realizations.items()}),
    "confusion": lambda _: draw_confusion(COUNTS, ("zero", "one"), "Software"),
    "trace": lambda _: draw_trace(make_trace()),
    "conductance": lambda _: _conductance(),
    "poles": lambda _: draw_poles(make_poles()),
    "operations": lambda r: draw_operations(r.size.operations_per_step),
    "bytes": lambda _: draw_bytes({"float": 4000, "quantized": 300}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_well_formed_named_and_deterministic(name: str, report: Report) -> None:
    svg = FIGURES[name](report)
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.facecolor": "red"}):
        assert FIGURES[name](report) == svg
    root = ET.fromstring(svg)  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert root.get("role") == "img"
    labels = str(root.get("aria-labelledby")).split()
    named = {element.get("id"): element.text for element in root.iter()}
    assert all(named[label] for label in labels)
    assert [child.tag for child in root][:2] == [f"{space}title", f"{space}desc"]
    assert "metadata" not in svg
    ids = [str(element.get("id")) for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(i.startswith(f"{name}-") for i in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(ids)


def test_no_setting_of_matplotlib_is_left_changed(report: Report) -> None:
    def settings() -> dict[str, object]:
        return {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}

    before = settings()
    draw_waterfall(report.waterfall)
    assert settings() == before


def test_hostile_names_are_plain_text(report: Report) -> None:
    chips = {HOSTILE: report.accuracy.chip}
    for svg in (
        draw_instances(chips),
        draw_confusion(COUNTS, (HOSTILE, "b"), HOSTILE),
        draw_trace(make_trace(kernel=HOSTILE, unit=HOSTILE, chip=HOSTILE)),
        draw_bytes({HOSTILE: 3}),
    ):
        ET.fromstring(svg)  # noqa: S314 - our own text
        assert "<script" not in svg
        assert "$\\frac{a}$" in svg


def test_waterfall_tells_its_numbers(report: Report) -> None:
    svg = draw_waterfall(report.waterfall)
    for row in report.waterfall:
        assert f">{100 * row.accuracy:.1f}<" in svg


def test_stuck_devices_are_counted() -> None:
    array = make_map(make_program(), 0)
    svg = draw_conductance(array)
    assert f"stuck high: {(array.defects > 0).sum()}" in svg
    assert f"stuck low: {(array.defects < 0).sum()}" in svg


@pytest.mark.parametrize("states", [1, 2, 7, 12])
def test_any_number_of_states_can_be_traced(states: int) -> None:
    svg = draw_trace(make_trace(states=states))
    assert f"{min(states, 8)} of {states} states are shown" in svg
    assert f"state {min(states, 8) - 1}<" in svg


def test_ten_classes_fit(report: Report) -> None:
    counts = np.eye(10, dtype=np.int64) * 30
    svg = draw_confusion(counts, tuple("abcdefghij"), "Ten")
    assert svg.count(">100<") == 10
    assert report is not None


@pytest.mark.parametrize("values", [[1.0], [0.5, 0.5, 0.5], [0.3, 0.1, 0.3]])
def test_equal_values_pile_up(values: list[float]) -> None:
    heights = piled(np.array(values))
    assert heights.tolist() == [values[:i].count(v) for i, v in enumerate(values)]
