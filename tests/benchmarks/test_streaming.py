"""The benchmark of streams runs, small: its ways agree, and its memory stands still."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_all_ways_through_time_agree_in_constant_memory(tmp_path: Path) -> None:
    found = run("streaming", tmp_path)
    chips, floats = ("step", "push", "whole"), ("step", "push", "whole", "eager")
    assert [(row["case"], row["way"]) for row in found["rows"]] == [
        *(("integer network", way) for way in chips),
        *(("chip, all errors", way) for way in chips),
        *(("float network", way) for way in floats),
        *(("float, 128 kernels", way) for way in floats),
    ]
    for row in found["rows"]:
        assert row["ratio"] == 1 if row["way"] == "step" else row["ratio"] > 0
        assert row["largest_relative_difference"] <= (1e-4 if "float" in row["case"] else 0)
        assert row["times_real_time"] * row["seconds"] == pytest.approx(0.01)
    assert [row["case"] for row in found["long"]] == [
        "integer network",
        "chip, all errors",
        "float network",
    ]
    for row in found["long"]:
        assert row["steps"] == 20_000
        assert row["push"]["traced_peak_bytes"] < 65_536
        for way in ("step", "push"):
            assert (row[way]["resident_growth_bytes"] or 0) <= 2**20
