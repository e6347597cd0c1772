"""The benchmark of a study's overhead adds up."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_study_overhead_in_its_tiny_mode(tmp_path: Path) -> None:
    found = run("study_overhead", tmp_path)
    assert found["trials"] == 40
    seconds = found["seconds"]
    added = seconds["study"]["wall"] - seconds["bare"]["wall"]
    assert found["overhead_milliseconds_per_trial"]["wall"] == pytest.approx(1000 * added / 40)
