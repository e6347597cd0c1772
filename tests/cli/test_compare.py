"""compare and the figures of report, on the finished run and a changed copy of it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from imssa.experiment.folder import SIMULATION
from imssa.program.files import read_arrays, write_arrays
from tests.cli.calls import done, refusal


@pytest.fixture
def other(finished: Path, tmp_path: Path) -> Path:
    """A copy whose network answers two test items otherwise, and whose recipe has another seed."""
    root = tmp_path / "other"
    shutil.copytree(finished, root)
    path = root / "simulation.safetensors"
    header, arrays, _ = read_arrays(path, SIMULATION)
    changed = arrays["software"].copy()
    changed[:2] = 1 - changed[:2]
    write_arrays(path, SIMULATION, header, {**arrays, "software": changed})
    report = json.loads((root / "report.json").read_text())
    report["recipe"]["seed"] = 12
    (root / "report.json").write_text(json.dumps(report))
    return root


def test_compare_pairs_what_is_the_same(finished: Path, other: Path, tmp_path: Path) -> None:
    page, tables = tmp_path / "compare.html", tmp_path / "tables"
    value = done("compare", finished, other, "--out", page, "--tables", tables, "--json").value
    (software,) = [d for d in value["differences"] if d["stage"] == "software"]
    assert software["only_first"] + software["only_second"] == 2
    assert software["p"] >= 0.5
    assert value["not_paired"] == []
    assert value["recipe"]["seed"][1] == 12
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    names = {"costs.csv", "waterfalls.csv", "headlines.csv", "differences.csv", "recipes.csv"}
    assert {path.name for path in tables.iterdir()} == names
    words = done("compare", finished, other).out
    assert "Headline numbers" in words
    assert "Against run" in words


def test_other_items_are_not_paired(finished: Path, other: Path) -> None:
    path = other / "simulation.safetensors"
    header, arrays, _ = read_arrays(path, SIMULATION)
    names = [f"another {number}" for number in range(len(header["names"]))]
    write_arrays(path, SIMULATION, {**header, "names": names}, arrays)
    outcome = done("compare", finished, other)
    assert "other: tested on other items than run: nothing is paired" in outcome.out
    value = done("compare", finished, other, "--json").value
    assert (value["differences"], value["not_paired"]) == ([], ["other"])


def test_what_cannot_be_compared(finished: Path, tmp_path: Path) -> None:
    assert "at least two runs" in refusal("compare", finished)
    assert "each once" in refusal("compare", finished, finished)
    assert "no finished run (report.json is missing)" in refusal("compare", finished, tmp_path)


def test_report_writes_figures_and_tables(folder: Path, tmp_path: Path) -> None:
    value = done("report", "--out", folder, "--figures", tmp_path / "f", "--json", "--quiet").value
    files = [Path(name) for name in value["files"]]
    assert {path.suffix for path in files} == {".svg", ".pdf", ".csv"}
    assert {path.parent for path in files} == {tmp_path / "f"}
    assert all(path.stat().st_size > 0 for path in files)
    waterfall = np.loadtxt(tmp_path / "f" / "waterfall.csv", delimiter=",", skiprows=1, usecols=1)
    report = json.loads((folder / "report.json").read_text())
    assert waterfall.tolist() == [100 * row["accuracy"] for row in report["waterfall"]]


def test_costs_of_a_run_are_shown_and_checked(folder: Path, other: Path) -> None:
    done("report", "--out", folder, "--quiet")
    assert "What it costs" in (folder / "report.html").read_text(encoding="utf-8")
    found = json.loads((folder / "costs.json").read_text())
    assert found["costs"]["chip"]["step_joule"]["total"]["low"] > 0
    (folder / "costs.json").write_text('{"energy": 3}')
    assert "it holds no costs" in refusal("compare", folder, other)
