"""Costs as measures of a study: the cost model's own numbers, in the results and in the figure."""

import csv
import shutil
from pathlib import Path

import pytest

from imssa.cost import cost_of, total
from imssa.program import load_program
from imssa.study.engine import Options, known_plan, run_study
from imssa.study.figure import curves_of, tell_study, write_figure
from imssa.study.folder import StudyFolder, open_study
from imssa.study.front import front_of
from imssa.study.table import Table, table_of
from tests.study.results import numbers
from tests.study.tiny import study

MEASURE = {"accuracies": ["quantized"], "costs": ["energy", "step_seconds"]}
AXES = {"quantization.bits.A": [2, 4], "layout": ["phased", "one-shot"]}


@pytest.fixture(scope="module")
def folder(finished: StudyFolder, tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    root = tmp_path_factory.mktemp("costs")
    shutil.copytree(finished.stages, root / "stages")
    figure = {"x": "energy", "lines": ["layout"], "measures": ["quantized"]}
    found = open_study(root, study(axes=AXES, measure=MEASURE, figure=figure))
    run_study(found, Options(jobs=1))
    return found


def table(folder: StudyFolder) -> Table:
    return table_of(known_plan(folder).rows, folder.outcomes())


@pytest.mark.parametrize("measure", ["energy", "step_seconds"])
def test_costs_are_those_of_the_cost_model(folder: StudyFolder, measure: str) -> None:
    rows = [r for r in numbers(folder.root) if r["measure"] == measure]
    assert len(rows) == 4
    found = {tuple(r[k] for k in ("low", "value", "high")) for r in rows}
    expected = set()
    for path in folder.stages.glob("program-*/program.safetensors"):
        chip = cost_of(load_program(path), rate_hertz=50.0).chip
        cost = total(chip.step_joule if measure == "energy" else chip.step_seconds)
        expected.add((cost.low, cost.typical, cost.high))
    assert found <= expected


def test_a_figure_over_energy_has_a_dot_a_point_and_the_front(
    folder: StudyFolder, tmp_path: Path
) -> None:
    rows = table(folder)
    dots = {(row["layout"], row["value"]) for row in rows if row["measure"] == "energy"}
    curves = curves_of(folder.study, rows)
    assert set(curves.points) == dots
    assert "Front: " in tell_study(curves)
    files = write_figure(folder.study, rows, tmp_path)
    assert "front" in files[0].read_text()
    assert len(list(csv.DictReader(files[2].read_text().splitlines()))) == len(dots)


def test_nothing_beats_a_point_of_the_front() -> None:
    points = [(3.0, 0.5), (1.0, 0.2), (2.0, 0.6), (4.0, 0.6), (5.0, 0.9), (1.0, 0.3)]
    front = front_of(points)
    assert front == [(1.0, 0.3), (2.0, 0.6), (5.0, 0.9)]
    for cost, accuracy in points:
        assert any(c <= cost and a >= accuracy for c, a in front)
