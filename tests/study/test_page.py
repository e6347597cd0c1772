"""A study's page: what it says is computed from the results, also when the study is not finished."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from imssa.errors import StudyError
from imssa.evaluation.pages import export, render
from imssa.experiment.recipe import recipe_content
from imssa.study.definition import study_of
from imssa.study.findings import Findings, front, spans
from imssa.study.folder import StudyFolder
from imssa.study.ledger import Outcome
from imssa.study.naming import prefixed, short_names
from imssa.study.page import Material, document_of, material_of
from imssa.study.page_figures import figure_sections
from imssa.study.page_origin import study_text
from imssa.study.table import table_of
from tests.evaluation.test_page import read
from tests.study.tiny import SIGMA, study

if TYPE_CHECKING:
    from imssa.study.summary import Place

ORIGIN = {"version": "0.1.0", "command": "imssa study report FOLDER"}
BITS = "quantization.bits.A"


@pytest.fixture(scope="module")
def material(finished: StudyFolder) -> Material:
    return material_of(finished, ORIGIN)


def told(material: Material) -> str:
    return read(render(document_of(material))).text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_the_answer_is_the_best_and_the_worst_of_the_results(
    finished: StudyFolder, material: Material
) -> None:
    frame = pd.read_parquet(finished.root / "results.parquet")
    means = frame[frame.measure == "compiled"].groupby([BITS, SIGMA]).value.mean()
    found = material.findings.ends("compiled")
    assert (found.high.mean, found.low.mean) == pytest.approx((means.max(), means.min()))
    assert means[found.best] == pytest.approx(means.max())
    assert means[found.worst] == pytest.approx(means.min())
    text = told(material)
    assert f"{100 * means.max():.1f} %" in text
    assert f"{100 * means.min():.1f} %" in text


def test_axes_are_averaged_over(finished: StudyFolder, material: Material) -> None:
    frame = pd.read_parquet(finished.root / "results.parquet")
    frame = frame[frame.measure == "blind"]
    best, high, worst, low = spans(material.findings, "blind")[SIGMA]
    mean = frame.groupby([BITS, SIGMA]).value.mean().groupby(SIGMA).mean()
    assert (mean[best], mean[worst]) == pytest.approx((high, low))
    assert (high, low) == pytest.approx((mean.max(), mean.min()))


def test_columns_that_do_not_cross_are_not_averaged(material: Material) -> None:
    old = material.findings
    part = [row for row in old.table if (row[BITS], row[SIGMA]) != (2, 1e-5)]
    assert spans(Findings(old.study, part), "blind") == {}


def test_page_asks_for_nothing_and_is_the_same_twice(
    finished: StudyFolder, material: Material
) -> None:
    html = render(document_of(material))
    reader = read(html)
    assert html == render(document_of(material_of(finished, ORIGIN)))
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for name, value in reader.attributes:
        if name in {"src", "href", "xlink:href"}:
            assert value.startswith(("#", "data:"))


def test_definition_on_the_page_is_the_study() -> None:
    text = study_text(study())
    assert "accuracies = [" in text
    again = study_of(tomllib.loads(text), recipe_content("zero-one"), "page")
    assert [p.settings for p in again.points] == [p.settings for p in study().points]


def test_unfinished(finished: StudyFolder, material: Material) -> None:
    kept = dict(list(material.outcomes.items())[:9])
    part = dataclasses.replace(
        material,
        findings=Findings(finished.study, table_of(material.rows, kept)),
        outcomes=kept,
        standing=dataclasses.replace(material.standing, done=9, trainings=1),
    )
    assert "Unfinished: 9 of 37 trials are done (24 %); 28 are to go, 1 training" in told(part)
    none = dataclasses.replace(part, findings=Findings(finished.study, []), outcomes={})
    with pytest.raises(StudyError, match="nothing was measured yet"):
        document_of(none)
    other = dataclasses.replace(none, outcomes=kept)
    with pytest.raises(StudyError, match="another version"):
        document_of(other)


def test_failed_trials_show_with_their_errors(finished: StudyFolder, material: Material) -> None:
    trial = next(row.trial for row in material.rows if row.measure == "compiled")
    fault = "RuntimeError: <b>no & room</b>"
    outcomes = {**material.outcomes, trial: Outcome(trial, 0.0, error=fault)}
    part = dataclasses.replace(
        material,
        findings=Findings(finished.study, table_of(material.rows, outcomes)),
        outcomes=outcomes,
        standing=dataclasses.replace(material.standing, done=36, failed={trial: fault}),
    )
    text = told(part)
    assert fault in text
    assert "1 of 37 trials failed" in text
    assert "1 trial failed and is in no mean" in text


def test_front_is_what_no_other_point_beats() -> None:
    rng = np.random.default_rng(0)
    points: dict[Place, tuple[float, float]]
    points = {(n,): (float(c), float(a)) for n, (c, a) in enumerate(rng.random((40, 2)).round(1))}
    kept = {points[place] for place in front(points)}
    beaten = {
        one
        for one in points.values()
        for other in points.values()
        if other != one and other[0] <= one[0] and other[1] >= one[1]
    }
    assert kept == set(points.values()) - beaten


def _row(place: dict[str, Any], measure: str, value: float) -> dict[str, Any]:
    nothing = {"chip": None, "right": None, "items": 0, "seconds": 0.0, "error": None}
    return {**place, "measure": measure, "value": value, "trial": "", **nothing}


def test_accuracy_against_energy(material: Material, tmp_path: Path) -> None:
    old = material.findings
    points = {(row[BITS], row[SIGMA]) for row in old.table}
    rows = [_row({BITS: b, SIGMA: s}, "energy", 1e-12 * b * (1 + 1e5 * s)) for b, s in points]
    found = Findings(old.study, [*old.table, *rows])
    assert old.costs == []
    assert found.costs == ["energy"]
    page = document_of(dataclasses.replace(material, findings=found))
    section = next(s for s in page.sections if s.name == "front-energy")
    assert "energy a time step in pJ" in section.reading
    assert json.loads(json.dumps(section.tables[0].csv())).startswith("Point,energy")
    files = export(page, figures=tmp_path, tables=tmp_path)
    assert {"front-energy.svg", "front-energy.pdf", "means.csv", "map-0.csv"} <= {
        path.name for path in files
    }


def test_points_of_a_search_are_dots_over_each_axis(material: Material) -> None:
    axes = {BITS: [2, 4], SIGMA: {"low": 1e-9, "high": 1e-5, "log": True}}
    searched = study(axes=axes, search={"kind": "random", "number": 3})
    table = [{**row, SIGMA: row[SIGMA] or 1e-9} for row in material.findings.table]
    (section,) = figure_sections(Findings(searched, table))
    assert [figure.name for figure in section.figures] == ["cloud-0", "cloud-1"]
    assert section.figures[0].drawing.count('data-series="0"') >= 2


def test_names_are_as_short_as_they_can_be() -> None:
    columns = [SIGMA, "chip.programming.sigma_siemens", BITS, "chip.stuck.high_rate"]
    assert list(short_names(columns).values()) == [
        "measured chip programming sigma",
        "chip programming sigma",
        "bits A",
        "high rate",
    ]
    assert prefixed([0.0], "J") == (1.0, "J")


def test_seeds_are_repetitions_not_answers() -> None:
    """Two bits are better in the mean; the best single seed has four."""
    told = study(axes={"quantization.bits.A": [2, 4], "seed": [0, 1]}, set={})
    values = {(2, 0): 0.8, (2, 1): 0.8, (4, 0): 0.9, (4, 1): 0.5}
    table: Any = [
        {
            "quantization.bits.A": bits,
            "seed": seed,
            "measure": "blind",
            "value": value,
            "trial": f"{bits}-{seed}",
            "items": 1,
            "right": "",
            "error": None,
        }
        for (bits, seed), value in values.items()
    ]
    found = Findings(told, table)
    assert found.columns == ["quantization.bits.A"]
    assert found.ends("blind").best == (2,)
    assert found.ends("blind").low.mean == pytest.approx(0.7)
    assert found.complete("blind")
    assert list(spans(found, "blind")) == ["quantization.bits.A"]
    assert Findings(study(axes={"seed": [0, 1]}, set={}), table).columns == ["seed"]
