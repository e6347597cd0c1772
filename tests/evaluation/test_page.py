"""The page: parses, asks for nothing, escapes everything, says its counts."""

import dataclasses
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from imssa.errors import OutputError
from imssa.evaluation import (
    Pictures,
    chip_pictures,
    converter_use,
    held_poles,
    load_report,
    save_report,
    waterfall_table,
)
from imssa.evaluation.figures import tell_ir_drop
from imssa.evaluation.page import Material, page, write_page
from imssa.evaluation.pages.origin import recipe_text
from imssa.evaluation.report import Contract, Report, make_report
from imssa.evaluation.words import NARROW
from imssa.kernels.random import Key
from tests.evaluation.samples import (
    make_network,
    make_pictures,
    make_poles,
    make_program,
    make_realization,
    make_sample,
    run_fields,
)

VOID = {"meta", "br", "link", "img", "input", "hr"}
HOSTILE = "</title></svg><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"


class Reader(HTMLParser):
    """Checks nesting, and keeps tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    reader.text = re.sub(r"\s+", " ", reader.text)
    return reader


@pytest.fixture(scope="module")
def html() -> str:
    return page(Material(make_sample(), make_pictures()))


def test_page_parses_and_has_its_parts(html: str) -> None:
    reader = read(html)
    assert reader.tags["h1"] == 1
    assert reader.tags["svg"] == 12
    assert reader.tags["script"] == 1
    for words in (
        "mean of 50 chip instances",
        "60 test recordings",
        "imssa run zero-one --out out/demo --seed 1",
        "wire resistance (IR drop)",
        "none differed",
        "1.0 % stuck high",
        "up to 4.9 %",
    ):
        assert words in reader.text


def test_page_asks_for_nothing(html: str) -> None:
    reader = read(html)
    for name, value in reader.attributes:
        if name in {"src", "href", "xlink:href", "action", "data", "srcset", "poster"}:
            assert value.startswith(("#", "data:image/png;base64,", "data:text/csv;base64,"))
        assert not name.startswith("on")
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "@import" not in html
    spaces = {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\s\"'<>]*", html)) == spaces


def test_ids_are_unique_on_the_page(html: str) -> None:
    ids = Counter(value for name, value in read(html).attributes if name == "id")
    assert [i for i, count in ids.items() if count > 1] == []


def test_page_is_deterministic(html: str) -> None:
    assert page(Material(make_sample(), make_pictures())) == html


def test_page_of_a_report_read_from_its_file_is_the_same(html: str, tmp_path: Path) -> None:
    save_report(make_sample(), tmp_path / "report.json")
    assert page(Material(load_report(tmp_path / "report.json"), make_pictures())) == html


def test_the_recipes_own_realization_comes_first(html: str) -> None:
    quote = "\N{RIGHT SINGLE QUOTATION MARK}"
    assert f"leaky (the recipe{quote}s own)direct" in read(html).text


def test_hostile_text_is_escaped() -> None:
    recipe = {"name": HOSTILE, HOSTILE: HOSTILE}
    report = make_sample(
        recipe=recipe,
        class_names=(HOSTILE, "one"),
        chip_name=HOSTILE,
        not_modelled=(HOSTILE,),
        effects={"all": HOSTILE},
    )
    reader = read(
        page(Material(report, make_pictures(kernel=HOSTILE, sequence=HOSTILE, chip=HOSTILE)))
    )
    assert (reader.tags["script"], reader.tags["img"]) == (1, 0)
    assert "{{ 7 * 7 }}" in reader.text
    assert reader.tags["svg"] == 12


def test_mismatches_are_an_alarm() -> None:
    part = make_realization("leaky", 0.03).model_copy(
        update={"contract": Contract(codes_compared=10, mismatches=3)}
    )
    text = read(
        page(Material(make_report("leaky", {"leaky": part}, **run_fields()), Pictures()))
    ).text
    assert "Of 10 integer codes compared along the chain, 3 differed" in text
    assert "none differed" not in text


def test_page_without_pictures() -> None:
    reader = read(page(Material(make_sample(), Pictures())))
    assert reader.tags["svg"] == 6
    assert "One kernel over time" not in reader.text
    assert "Who lives where" not in reader.text


def test_page_shows_each_effect_with_its_numbers() -> None:
    program = make_program()
    pictures = chip_pictures(program, Key.root(0))
    reader = read(page(Material(make_sample(), pictures)))
    assert reader.tags["svg"] == 6 + len(program.arrays) + 4
    assert "What each effect of the chip does" in reader.text
    assert "Not drawn" not in reader.text
    assert pictures.ir_drop is not None
    assert tell_ir_drop(pictures.ir_drop).replace(NARROW, " ") in reader.text.replace(NARROW, " ")


def test_page_says_why_a_picture_is_missing() -> None:
    program = make_program()
    ideal = dataclasses.replace(program, chip=program.chip.only("stuck"))
    reader = read(page(Material(make_sample(), chip_pictures(ideal, Key.root(0)))))
    assert reader.tags["svg"] == 6 + len(program.arrays)
    for words in (
        "programming error: writing is exact on this chip",
        "(IR drop): wires are ideal on this chip",
        "repeated reads: reads are quiet on this chip",
    ):
        assert words in reader.text


def test_every_table_scrolls_inside_its_box(html: str) -> None:
    """So that a phone's page is never wider than the phone."""
    boxes = re.findall(r'<div class="scroll"[^>]*>\s*<table ', html)
    assert len(boxes) == html.count("<table ") > 3
    assert ".scroll { overflow-x: auto;" in html
    assert re.search(r"pre \{[^}]*overflow-x: auto", html)


def test_a_page_of_everything() -> None:
    program, network = make_program(), make_network()
    draw = np.random.default_rng(1)
    inputs, lengths = draw.integers(-127, 128, (2, 9, 5)), np.array([9, 6])
    drawn = chip_pictures(program, Key.root(0))
    poles = dataclasses.replace(
        make_poles(), chip_poles=held_poles(program, Key.root(0), network), chip="chip 0"
    )
    pictures = dataclasses.replace(
        drawn, poles=poles, converters=converter_use(program, Key.root(0), inputs, lengths)
    )
    parts = {"ADC": {"low": 1.0, "typical": 2.0, "high": 4.0}}
    material = Material(
        make_sample(),
        pictures,
        program=program,
        costs={"energy a step, pJ": parts},
        hashes={"program": "ab" * 32},
    )
    html = page(material)
    reader = read(html)
    for words in (
        "Who lives where",
        "How the converters are used",
        "energy a step, pJ: 2 (from 1 to 4)",
        "SHA-256 of program",
        "on or beyond the unit circle",
        "weights from being held",
        "95 % interval",
    ):
        assert words in reader.text.replace(NARROW, " "), words
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    for link in re.findall(r'<a href="#([^"]+)"', html):
        assert f'id="{link}"' in html


def test_weights_that_are_not_held_are_those_of_stuck_pairs() -> None:
    program = make_program()
    drawn = chip_pictures(program, Key.root(0))
    array = drawn.conductances[0]
    material = Material(make_sample(), drawn, program=program)
    missed = material.missed(array)
    contents = program.arrays[0]
    actual = array.actual_siemens
    for row, pair in np.ndindex(missed.shape):
        stuck = bool(array.defects[row, 2 * pair : 2 * pair + 2].any())
        held = (actual[row, 2 * pair] - actual[row, 2 * pair + 1]) / contents.siemens_per_step[pair]
        off = abs(held - contents.codes[row, pair]) >= 0.5
        assert missed[row, pair] == (contents.written[row, pair] and stuck and off)
    assert missed.any()


def test_further_stages_stand_in_the_waterfall() -> None:
    part = make_realization("leaky", 0.03)
    row = part.waterfall[-1].model_copy(update={"stage": "recalibrated", "accuracy": 0.99})
    part = part.model_copy(update={"waterfall": (*part.waterfall, row)})
    report = make_report("leaky", {"leaky": part}, **run_fields())
    text = read(page(Material(report, Pictures()))).text
    assert "Chips so trimmed, then digital operations fitted" in text
    assert "recalibrated it gains" in text
    assert "recalibrated" in _printed(report, 100)


def test_one_chip_one_realization() -> None:
    part = make_realization("direct", 0.1, chips=1)
    report = make_report("direct", {"direct": part}, **run_fields(chip_instances=1))
    assert "mean of 1 chip instance, 95" in read(page(Material(report, Pictures()))).text


def test_page_is_written(tmp_path: Path) -> None:
    write_page(Material(make_sample(), Pictures()), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="it cannot be written"):
        write_page(Material(make_sample(), Pictures()), tmp_path / "file" / "report.html")


def test_recipe_is_shown_as_toml() -> None:
    recipe = {"name": "a", "data": {"root": None, "words": ["b", None]}}
    assert recipe_text(recipe) == 'name = "a"\n\n[data]\nwords = [\n    "b",\n]\n'


def _printed(report: Report, width: int) -> str:
    console = Console(width=width, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(waterfall_table(report))
    return capture.get()


def test_terminal_table() -> None:
    report = make_sample()
    text = _printed(report, 80)
    for row in report.waterfall:
        assert f"{100 * row.accuracy:.1f}" in text
    assert "direct, all together" in text
    assert "60 test recordings" in text


def test_terminal_table_reads_no_markup() -> None:
    parts = {"leaky": make_realization("leaky", 0.03), "[bold]": make_realization("direct", 0.2)}
    assert "[bold]" in _printed(make_report("leaky", parts, **run_fields()), 100)
