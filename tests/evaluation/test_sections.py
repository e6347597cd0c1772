"""Documents: tables as CSV, figures as files of their own, pages that let nothing else run."""

import base64
import csv
import hashlib
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from imssa.errors import OutputError
from imssa.evaluation.figures import draw_bytes
from imssa.evaluation.figures.training import draw_training
from imssa.evaluation.pages import Cell, Column, Document, Figure, Section, Table, export, render
from imssa.evaluation.pages.sections import data_table

RECORDS = [
    {
        "train_loss": 1.0 / n,
        "validation_loss": 2.0 / n,
        "validation_accuracy": 0.5,
        "gradient_norm": 1.0,
    }
    for n in range(1, 6)
]


def _document() -> Document:
    table = Table(
        "numbers",
        "Some numbers",
        (Column("name", numeric=False), Column("value")),
        ((Cell('a "b", c', "shown"), Cell(1 / 3, "0.33")), (Cell("none", "none"), Cell(None, "-"))),
    )
    figures = (
        Figure("bytes", draw_bytes({"float": 10, "quantized": 3}), "Bytes."),
        Figure("course", draw_training(RECORDS, "float", "course"), "Course."),
    )
    section = Section("one", "One", "A sentence.", figures=figures, tables=(table,))
    return Document("title", "kicker", "Heading", ("Lead.",), (), (section,))


def test_csv_keeps_all_digits_and_quotes() -> None:
    table = _document().sections[0].tables[0]
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows == [["name", "value"], ['a "b", c', str(1 / 3)], ["none", ""]]


def test_a_page_holds_its_tables_as_files() -> None:
    html = render(_document())
    (found,) = re.findall(r'href="data:text/csv;base64,([^"]*)" download="numbers.csv"', html)
    assert base64.b64decode(found).decode() == _document().sections[0].tables[0].csv()


def test_only_the_pages_own_script_may_run() -> None:
    html = render(_document())
    (allowed,) = re.findall(r"script-src 'sha256-([^']*)'", html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == allowed
    assert "default-src 'none'" in html


def test_figures_and_tables_as_files(tmp_path: Path) -> None:
    files = export(_document(), figures=tmp_path / "f", tables=tmp_path / "t")
    names = {"bytes.svg", "bytes.pdf", "course.svg", "course.pdf", "numbers.csv"}
    assert {path.name for path in files} == names
    for name in ("bytes", "course"):
        svg = (tmp_path / "f" / f"{name}.svg").read_text(encoding="utf-8")
        root = ET.fromstring(svg.encode())  # noqa: S314 - our own text
        assert str(root.get("width")).endswith("pt")
        assert "currentColor" not in svg
        assert "var(" not in svg
        assert "data-" not in svg
        assert (tmp_path / "f" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_a_pdf_is_deterministic() -> None:
    drawings = [figure.drawing for figure in _document().sections[0].figures]
    assert [d.pdf() for d in drawings] == [d.pdf() for d in drawings]


def test_lines_can_be_switched_off_by_name() -> None:
    svg = draw_training(RECORDS, "float")
    assert svg.count('data-series="1"') == 2  # validation loss and accuracy
    assert svg.count('data-series="0"') == 1
    assert "&quot;series&quot;:[&quot;training&quot;,&quot;validation&quot;" in svg


def test_plain_tables_are_links_alone() -> None:
    table = data_table("plain", "Plain", ("a", "b"), [(1, 2.5)])
    assert not table.shown
    assert table.csv() == "a,b\n1,2.5\n"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="folder of figures or tables"):
        export(_document(), figures=tmp_path / "file", tables=None)
