"""Figures: well-formed, named, deterministic, and they draw what they are given."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import matplotlib as mpl
import numpy as np
import pytest

from imssa.evaluation import IrDrop, Pictures, chip_pictures
from imssa.evaluation.figures import (
    draw_actual_against_target,
    draw_bytes,
    draw_conductance,
    draw_confusion,
    draw_costs,
    draw_instances,
    draw_ir_drop,
    draw_operations,
    draw_poles,
    draw_programming_error,
    draw_read_noise,
    draw_trace,
    draw_waterfall,
    tell_actual_against_target,
    tell_conductance,
    tell_ir_drop,
    tell_programming_error,
    tell_read_noise,
)
from imssa.evaluation.figures.accuracy import piled
from imssa.evaluation.report import Report
from imssa.evaluation.words import NARROW
from imssa.kernels.random import Key
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


@cache
def _effects() -> Pictures:
    return chip_pictures(make_program(), Key.root(0))


def _drawn(name: str) -> str:
    found = _effects()
    assert found.writing is not None
    assert found.ir_drop is not None
    assert found.reads is not None
    draw: dict[str, Callable[[], str]] = {
        "written": partial(draw_actual_against_target, found.conductances, found.writing),
        "error": partial(draw_programming_error, found.conductances, found.writing),
        "ir-drop": partial(draw_ir_drop, found.ir_drop),
        "reads": partial(draw_read_noise, found.reads),
    }
    return draw[name]()


FIGURES: dict[str, Callable[[Report], str]] = {
    "waterfall": lambda r: draw_waterfall(r.waterfall),
    "instances": lambda r: draw_instances({n: p.accuracy.chip for n, p in r.realizations.items()}),
    "confusion": lambda _: draw_confusion(COUNTS, ("zero", "one"), "Software"),
    "trace": lambda _: draw_trace(make_trace()),
    "conductance": lambda _: _conductance(),
    "poles": lambda _: draw_poles(make_poles()),
    "written": lambda _: _drawn("written"),
    "error": lambda _: _drawn("error"),
    "ir-drop": lambda _: _drawn("ir-drop"),
    "reads": lambda _: _drawn("reads"),
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


def test_every_kind_of_defect_has_a_mark() -> None:
    array = make_map(make_program(), 0)
    defects = array.defects.copy()
    defects[5, :] = -2
    svg = draw_conductance(replace(array, defects=defects))
    assert f"open: {defects.shape[1]}<" in svg
    assert "open" not in re.findall(r"<text.*", draw_conductance(array))
    assert f"{defects.shape[1]} open." in tell_conductance(replace(array, defects=defects))


def test_arrays_without_a_sound_device_can_be_drawn() -> None:
    found = _effects()
    assert found.writing is not None
    stuck = [replace(a, defects=np.ones_like(a.defects)) for a in found.conductances]
    ET.fromstring(draw_programming_error(stuck, found.writing))  # noqa: S314 - our own text
    assert "0 sound" in draw_actual_against_target(stuck, found.writing)


def test_captions_of_writing_state_the_samples_own_statistics() -> None:
    found = _effects()
    assert found.writing is not None
    sound = [(a.defects == 0) & ~np.isnan(a.target_siemens) for a in found.conductances]
    error = 1e6 * np.concatenate(
        [
            (a.actual_siemens - a.target_siemens)[m]
            for a, m in zip(found.conductances, sound, strict=True)
        ]
    )
    told = tell_programming_error(found.conductances, found.writing).replace(NARROW, " ")
    assert f"mean {error.mean():.3f} \N{MICRO SIGN}S, sigma {error.std():.3f} " in told
    assert f"has mean {1e6 * found.writing.mean_siemens:.3f} " in told
    assert f"sigma {1e6 * found.writing.sigma_siemens:.3f} " in told
    scattered = tell_actual_against_target(found.conductances, found.writing).replace(NARROW, "")
    assert f"{len(error)} sound" in scattered


def test_caption_of_the_ir_drop_states_the_loss() -> None:
    drop = IrDrop(
        array=1,
        chip="c",
        wires="w",
        drive="phase 0",
        drive_volt=np.array([0.2, 0.0]),
        word_line_volt=np.array([[0.19, 0.18], [0.0, 0.0]]),
        bit_line_volt=np.array([[0.01, 0.004], [0.0, 0.0]]),
        device_ampere=np.array([[18e-6, 8.8e-6], [0.0, 0.0]]),
        output_ampere=np.array([18e-6, 8.8e-6]),
        ideal_ampere=np.array([20e-6, 10e-6]),
    )
    told = tell_ir_drop(drop).replace(NARROW, " ")
    assert "1 of 2 word lines at 0.2 V" in told
    assert "fall by up to 20.0 mV, bit lines rise to 10.0 mV" in told
    assert "phase 0: 1 of 2 word lines" in told
    assert "lose 10.7 % of their current; a bit line from 10.0 % to 12.0 % (those of" in told
    faint = replace(drop, ideal_ampere=np.array([20e-6, 1e-6]))
    assert "from 10.0 % to 10.0 %" in tell_ir_drop(faint).replace(NARROW, " ")
    draw_ir_drop(replace(drop, drive_volt=np.zeros(2), ideal_ampere=np.zeros(2)))


def test_caption_of_reads_states_measured_and_law() -> None:
    reads = _effects().reads
    assert reads is not None
    told = tell_read_noise(reads).replace(NARROW, " ")
    assert f"{1e6 * np.sqrt(np.mean(reads.sigma_siemens**2)):.3f} \N{MICRO SIGN}S" in told
    assert f"by the law {np.sqrt(np.mean(reads.own_pair_sigma_codes**2)):.4f}" in told


def test_units_carry_the_micro_sign() -> None:
    for name in ("written", "error", "reads", "conductance"):
        svg = FIGURES[name](make_sample())
        assert "\N{MICRO SIGN}S" in svg
        assert "uS" not in re.sub(r"data:[^\"]*", "", svg)


def test_costs_have_plain_ticks_and_a_whole_title() -> None:
    parts = {
        "ADC": {"low": 2e-6, "typical": 0.07, "high": 0.5},
        "DAC": {"low": 0.004, "typical": 0.01, "high": 0.09},
    }
    title = "Energy of a time step on a digital chip in int8, nJ"
    drawn = draw_costs(parts, title)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn) + re.findall(
        r"<tspan[^>]*>([^<]*)<", drawn
    )
    assert "mathdefault" not in drawn
    assert {"0.01", title, "bar: range, dot: typical"} <= set(texts)
    narrow = {"ADC": {"low": 0.4, "typical": 0.5, "high": 0.6}}
    assert ">0.5</text>" in draw_costs(narrow, title)


@pytest.mark.parametrize("words", ["url(#x", "url(#x)", 'href="#y', "<a url(#b)>"])
def test_words_that_look_like_references_are_words(words: str) -> None:
    ET.fromstring(draw_confusion(COUNTS, (words, "b"), words))  # noqa: S314 - our own text


def test_a_figure_as_a_file_is_written_in_one_way(report: Report) -> None:
    drawn = draw_waterfall(report.waterfall)
    own, wide = drawn.standalone(), drawn.standalone(640)
    assert own.split(">", 1)[1] == wide.split(">", 1)[1]
    for text in (own, wide):
        root = ET.fromstring(text)  # noqa: S314 - our own text
        x, _, width, height = map(float, str(root.get("viewBox")).split())
        ground = root[0]
        assert ground.get("fill") == "#ffffff"
        assert (float(str(ground.get("x"))), float(str(ground.get("width")))) == (x, width)
        assert "var(" not in text
        assert "currentColor" not in text
        assert "data-hover" not in text
    assert 'width="640"' in wide
    assert f'height="{640 * height / width:.0f}"' in wide
