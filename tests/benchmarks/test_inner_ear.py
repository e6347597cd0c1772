"""The benchmark of the inner ear runs, small: its ways agree, its spikes are counted."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_all_ways_of_the_ear_agree(tmp_path: Path) -> None:
    found = run("inner_ear", tmp_path)
    ways = ("whole", "pieces", "filters", "scipy")
    assert [(row["channels"], row["way"]) for row in found["speed"]] == [
        (channels, way) for channels in (700, 64) for way in ways
    ]
    for row in found["speed"]:
        assert row["times_real_time_core"] * row["core_seconds"] == pytest.approx(1.0)
        assert row["scipy_power_difference_decibel"] < 0.2
        assert row["ratio"] == 1 if row["way"] == "whole" else row["ratio"] > 0
    spikes = found["spikes"]
    assert spikes["items"] == 10
    assert spikes["spike_quantiles_0_5_50_95_100"][0] > 500
    assert spikes["share_within_published"] == 1
