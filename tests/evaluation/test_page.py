"""The page: parses, asks for nothing, escapes everything, says its counts."""

import dataclasses
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from imssa.errors import OutputError
from imssa.evaluation import (
    Pictures,
    chip_pictures,
    load_report,
    save_report,
    waterfall_table,
    write_page,
)
from imssa.evaluation.figures import tell_ir_drop
from imssa.evaluation.page import page, recipe_text
from imssa.evaluation.report import Contract, Report, make_report
from imssa.evaluation.words import NARROW
from imssa.kernels.random import Key
from tests.evaluation.samples import (
    make_pictures,
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
    return page(make_sample(), make_pictures())


def test_page_parses_and_has_its_parts(html: str) -> None:
    reader = read(html)
    assert reader.tags["h1"] == 1
    assert reader.tags["svg"] == 12
    assert reader.tags["script"] == 0
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
            assert value.startswith(("#", "data:image/png;base64,"))
        assert not name.startswith("on")
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "@import" not in html
    spaces = {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\s\"'<>]*", html)) == spaces


def test_ids_are_unique_on_the_page(html: str) -> None:
    ids = Counter(value for name, value in read(html).attributes if name == "id")
    assert [i for i, count in ids.items() if count > 1] == []


def test_page_is_deterministic(html: str) -> None:
    assert page(make_sample(), make_pictures()) == html


def test_page_of_a_report_read_from_its_file_is_the_same(html: str, tmp_path: Path) -> None:
    save_report(make_sample(), tmp_path / "report.json")
    assert page(load_report(tmp_path / "report.json"), make_pictures()) == html


def test_the_recipes_own_realization_comes_first(html: str) -> None:
    quote = "\N{RIGHT SINGLE QUOTATION MARK}"
    assert f"leaky(the recipe{quote}s own)direct" in read(html).text


def test_hostile_text_is_escaped() -> None:
    recipe = {"name": HOSTILE, HOSTILE: HOSTILE}
    report = make_sample(
        recipe=recipe,
        class_names=(HOSTILE, "one"),
        chip_name=HOSTILE,
        not_modelled=(HOSTILE,),
        effects={"all": HOSTILE},
    )
    reader = read(page(report, make_pictures(kernel=HOSTILE, sequence=HOSTILE, chip=HOSTILE)))
    assert reader.tags["script"] == reader.tags["img"] == 0
    assert "{{ 7 * 7 }}" in reader.text
    assert reader.tags["svg"] == 12


def test_mismatches_are_an_alarm() -> None:
    part = make_realization("leaky", 0.03).model_copy(
        update={"contract": Contract(codes_compared=10, mismatches=3)}
    )
    text = read(page(make_report("leaky", {"leaky": part}, **run_fields()), Pictures())).text
    assert "Of 10 integer codes compared along the chain, 3 differed" in text
    assert "none differed" not in text


def test_page_without_pictures() -> None:
    reader = read(page(make_sample(), Pictures()))
    assert reader.tags["svg"] == 6
    assert "One kernel over time" not in reader.text


def test_page_shows_each_effect_with_its_numbers() -> None:
    program = make_program()
    pictures = chip_pictures(program, Key.root(0))
    reader = read(page(make_sample(), pictures))
    assert reader.tags["svg"] == 6 + len(program.arrays) + 4
    assert "What each effect of the chip does" in reader.text
    assert "Not drawn" not in reader.text
    assert pictures.ir_drop is not None
    assert tell_ir_drop(pictures.ir_drop).replace(NARROW, " ") in reader.text.replace(NARROW, " ")


def test_page_says_why_a_picture_is_missing() -> None:
    program = make_program()
    ideal = dataclasses.replace(program, chip=program.chip.only("stuck"))
    reader = read(page(make_sample(), chip_pictures(ideal, Key.root(0))))
    assert reader.tags["svg"] == 6 + len(program.arrays)
    for words in (
        "programming error: writing is exact on this chip",
        "(IR drop): wires are ideal on this chip",
        "repeated reads: reads are quiet on this chip",
    ):
        assert words in reader.text


def test_every_table_scrolls_inside_its_box(html: str) -> None:
    """So that a phone's page is never wider than the phone."""
    boxes = re.findall(r'<div class="scroll">\s*<table>', html)
    assert len(boxes) == html.count("<table>") > 3
    assert ".scroll { overflow-x: auto;" in html
    assert re.search(r"pre \{[^}]*overflow-x: auto", html)


def test_one_chip_one_realization() -> None:
    part = make_realization("direct", 0.1, chips=1)
    report = make_report("direct", {"direct": part}, **run_fields(chip_instances=1))
    assert "mean of 1 chip instance, worst" in read(page(report, Pictures())).text


def test_page_is_written(tmp_path: Path) -> None:
    write_page(make_sample(), Pictures(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="it cannot be written"):
        write_page(make_sample(), Pictures(), tmp_path / "file" / "report.html")


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
