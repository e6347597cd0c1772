"""A study's figure: its points are the means of the results."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imssa.errors import StudyError
from imssa.study.engine import known_plan
from imssa.study.figure import curves_of, draw_study, layout_of, tell_study, write_figure
from imssa.study.folder import StudyFolder
from imssa.study.summary import means
from imssa.study.table import Table, table_of
from tests.study.tiny import SIGMA, study


@pytest.fixture(scope="module")
def table(finished: StudyFolder) -> Table:
    return table_of(known_plan(finished).rows, finished.outcomes())


def test_files_hold_the_means_of_the_results(
    finished: StudyFolder, table: Table, tmp_path: Path
) -> None:
    files = write_figure(finished.study, table, tmp_path / "figures")
    assert [path.suffix for path in files] == [".svg", ".pdf", ".csv"]
    assert files[0].read_text().startswith("<svg")
    assert "<title" in files[0].read_text()
    assert "currentColor" not in files[0].read_text()  # it opens alone, too
    assert files[1].read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader(files[2].read_text().splitlines()))
    frame = pd.read_parquet(finished.root / "results.parquet")
    expected = frame.groupby(["quantization.bits.A", SIGMA, "measure"]).value.mean()
    assert len(rows) == len(expected) == 4 * 5
    for row in rows:
        key = (int(row["quantization.bits.A"]), float(row[SIGMA]), row["measure"])
        assert float(row["mean"]) == pytest.approx(expected[key])


def test_the_same_twice(finished: StudyFolder, table: Table, tmp_path: Path) -> None:
    first, again = (write_figure(finished.study, table, tmp_path / n) for n in "ab")
    for a, b in zip(first, again, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_layout_left_out_is_filled_in() -> None:
    axes = {"seed": [0, 1], "model.d_model": [1, 2, 3], "quantization.bits.A": [2, 4]}
    found = layout_of(study(axes=axes, set={}))
    assert (found.x, found.lines, found.panels) == (
        "model.d_model",
        ("quantization.bits.A", "measure"),
        None,
    )
    named = study(axes=axes, set={}, figure={"lines": ["seed", "measure"]})
    assert layout_of(named).lines == ("seed", "measure")
    assert layout_of(study(axes={"seed": [0, 1]})).x == "seed"


def test_seeds_are_pooled_and_whole_numbers_have_whole_ticks() -> None:
    axes = {"seed": [0, 1, 2], "quantization.bits.A": [2, 3, 4]}
    found = study(axes=axes, set={}, measure={"accuracies": ["quantized"]})
    rows = [
        {**point.labels, "measure": "quantized", "chip": None, "trial": str(number)}
        | {
            "value": 0.5 + 0.1 * float(point.labels["seed"]),
            "right": "wA==",
            "items": 4,
            "error": None,
        }
        for number, point in enumerate(found.points)
    ]
    curves = curves_of(found, rows)
    assert list(curves.points) == [(2,), (3,), (4,)]
    for mean in curves.points.values():
        assert mean.mean == pytest.approx(0.6)
        assert mean.points == 3
        assert mean.standard_error == pytest.approx(0.1 / np.sqrt(3))
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", draw_study(found, curves))
    assert {"2", "3", "4"} <= set(texts)
    assert not [t for t in texts if re.fullmatch(r"[23]\.\d+", t)]


def test_standard_error_is_over_chips_and_recordings_or_over_points() -> None:
    def row(seed: int, right: str, value: float, chip: int = 0) -> dict[str, object]:
        told = {"seed": seed, "measure": "blind", "right": right, "items": 4, "value": value}
        return {**told, "trial": f"{seed}-{chip}"}

    one = [row(0, "8A==", 1.0), row(0, "8A==", 1.0, 1)]  # all four right on both chips
    assert means(one, ["measure"], ["seed"])["blind",].standard_error == 0.0
    single = means([row(0, "wA==", 0.5)], ["measure"], ["seed"])["blind",]  # two of four
    assert single.standard_error == pytest.approx(np.sqrt(0.25 / 3))
    seeds = means([*one, row(1, "wA==", 0.5)], ["measure"], ["seed"])["blind",]
    assert (seeds.mean, seeds.points, seeds.chips) == (0.75, 2, 3)
    assert seeds.standard_error == pytest.approx(np.std([1.0, 0.5], ddof=1) / np.sqrt(2))
    twice = [{**row(0, "wA==", 0.5), "rate": rate} for rate in (0.0, 0.1)]  # one trial, two points
    assert means(twice, ["measure"], ["rate"])["blind",] == single


def test_words_and_text_axes(finished: StudyFolder, table: Table) -> None:
    told = tell_study(curves_of(finished.study, table))
    assert told.startswith("Accuracy along quantization.bits.A.")
    assert told.count("%") == 2 * 2 * 5
    named = [{**row, "quantization.bits.A": f"{row['quantization.bits.A']} bits"} for row in table]
    assert "2 bits" in draw_study(finished.study, curves_of(finished.study, named))


def test_nothing_measured(finished: StudyFolder) -> None:
    with pytest.raises(StudyError, match="nothing was measured yet"):
        curves_of(finished.study, [])
