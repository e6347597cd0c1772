"""The page of the shipped studies is what their kept results say, whichever of them are kept."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imssa.study.folder import StudyFolder
from imssa.study.shipped import study_names

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

keeping: Any = importlib.import_module("keep_studies")
answers: Any = importlib.import_module("study_answers")

KEPT = sorted((ROOT / "results" / "studies").glob("*.json"))


def test_the_page_is_what_the_results_say() -> None:
    check = [sys.executable, str(ROOT / "scripts" / "keep_studies.py"), "--check"]
    assert subprocess.run(check, check=False).returncode == 0, "run scripts/keep_studies.py"


def test_every_shipped_study_has_an_answer() -> None:
    assert set(answers.ANSWERS) == set(study_names())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_studies_are_small_and_have_figures(path: Path) -> None:
    assert path.stat().st_size < 100_000
    found = json.loads(path.read_text("utf-8"))
    assert found["study"]["name"] == path.stem
    assert found["study"]["set"].get("data.root", "DIR") == "DIR"
    assert all(row["standard_error"] >= 0 for row in found["means"])
    assert (ROOT / "docs" / "pictures" / "studies" / f"{path.stem}.svg").is_file()


def test_no_study_is_needed_for_a_page(tmp_path: Path) -> None:
    assert "##" not in keeping.page(tmp_path)


def test_a_study_is_kept_whole_or_not_at_all(finished: StudyFolder, tmp_path: Path) -> None:
    kept = keeping.kept(finished)
    assert (kept["trials"], kept["trainings"], len(kept["means"])) == (37, 2, 4 * 5)
    assert kept["provenance"]["version"]
    empty = StudyFolder(tmp_path, finished.study)
    with pytest.raises(SystemExit, match="0 of 37 trials"):
        keeping.kept(empty)


def rows(values: dict[tuple[Any, ...], float], names: tuple[str, ...]) -> Any:
    """Means of `blind` at some labels."""
    return answers.Means(
        [
            {**dict(zip(names, at, strict=True)), "measure": "blind", "mean": mean}
            for at, mean in values.items()
        ]
    )


def test_programming_error_that_is_endured_is_found_between_the_points() -> None:
    values = {
        (bits, f"{how} noise", sigma): 0.9 if sigma == 0.0 or bits == 2 else 0.85
        for how in ("with", "without")
        for bits in (2, 5)
        for sigma in (0.0, 1e-5, 3e-5)
    }
    found = answers.programming_error(rows(values, ("bits", "training", answers.SIGMA)))
    assert "2 bits 30 uS, 5 bits 4 uS" in found.sentence
    assert "met (30 and 4 uS)" in str(found.reproduced)


def test_fewest_bits_ends_where_a_curve_falls() -> None:
    assert answers.fewest([(2, 0.9), (3, 0.7), (4, 0.89), (8, 0.9)], 0.9) == "4 bits"
    assert answers.fewest([(2, 0.5), (8, 0.7)], 0.9) == "more than 8 bits"
