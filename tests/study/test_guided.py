"""Guided search: finds what is better, and is the same however often it was killed."""

from pathlib import Path

import pytest

from imssa.errors import StudyError
from imssa.study.definition import Study
from imssa.study.engine import Options, run_study
from imssa.study.folder import StudyFolder, open_study
from imssa.study.guided import Guide
from imssa.study.shards import Shard
from tests.study.results import numbers
from tests.study.tiny import SIGMA, study


def searched(number: int = 24) -> Study:
    axes = {
        SIGMA: {"low": 0.0, "high": 6e-5},
        "measured.chip.stuck.high_rate": {"low": 1e-3, "high": 0.3, "log": True},
        "measured.chip.arrays.count": [3, 4],
    }
    search = {"kind": "guided", "number": number, "goal": "blind", "together": 4}
    measure = {
        "accuracies": ["blind"],
        "chips": 1,
        "effects": ["programming", "stuck"],
        "part": "validation",
    }
    return study(axes=axes, search=search, measure=measure)


def score(labels: dict[str, object]) -> float:
    """Best without error."""
    return (
        1.0 - float(str(labels[SIGMA])) * 1e4 - float(str(labels["measured.chip.stuck.high_rate"]))
    )


def search_through(journal: Path, number: int = 24, rounds: int = 99) -> list[dict[str, object]]:
    guide = Guide(searched(number), journal)
    for _ in range(rounds):
        points = guide.ask()
        if not points:
            break
        guide.tell([score(dict(point.labels)) for point in points])
    return [dict(point.labels) for point in guide.asked()]


def test_later_points_are_better(tmp_path: Path) -> None:
    found = [score(labels) for labels in search_through(tmp_path / "j", 40)]
    assert len(found) == 40
    assert sum(found[24:]) / 16 > sum(found[:10]) / 10


def test_interrupted_at_any_line_the_search_is_the_same(tmp_path: Path) -> None:
    whole = search_through(tmp_path / "whole", 12)
    text = (tmp_path / "whole").read_bytes()
    ends = [n + 1 for n, byte in enumerate(text) if byte == 10]
    for number, end in enumerate(ends[1::9]):
        journal = tmp_path / f"cut-{number}"
        journal.write_bytes(text[: end + 5])  # and a torn line
        assert search_through(journal, 12) == whole


def test_a_longer_search_goes_on(tmp_path: Path) -> None:
    short = search_through(tmp_path / "j", 8)
    assert search_through(tmp_path / "j", 16)[:8] == short


def test_failed_points_are_passed_over(tmp_path: Path) -> None:
    guide = Guide(searched(8), tmp_path / "j")
    points = guide.ask()
    guide.tell([None, *(0.5 for _ in points[1:])])
    assert len(guide.ask()) == 4
    assert len(guide.asked()) == 8


def test_the_search_runs_and_goes_on(trained: Path) -> None:
    folder: StudyFolder = open_study(trained, searched(6))
    standing = run_study(folder, Options(jobs=1))
    assert (standing.points, standing.done) == (6, 6)
    first = numbers(trained)
    assert run_study(open_study(trained, searched(8)), Options(jobs=1)).points == 8
    assert [row["trial"] for row in numbers(trained)][:6] == [row["trial"] for row in first]


def test_it_cannot_be_divided(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="a guided search chooses its points by those before"):
        run_study(open_study(tmp_path, searched()), Options(jobs=1, shard=Shard(1, 2)))
