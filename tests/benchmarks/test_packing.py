"""The benchmark of packing runs, small, and says what it should."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_packing_says_how_near_it_comes(tmp_path: Path) -> None:
    found = run("packing", tmp_path)
    rows = {row["layout"]: row for row in found["recipes"]}
    assert (rows["one-shot"]["arrays"], rows["one-shot"]["phases"]) == (21, 1)
    assert (rows["phased"]["arrays"], rows["phased"]["phases"]) == (3, 21)
    for row in (*found["recipes"], *found["large"]):
        assert row["arrays"] >= row["fewest_arrays"]
        assert row["phases"] >= row["fewest_phases"]
        assert 0 < row["utilization"] <= 1
    for kind in ("random", "mixed"):
        assert found[kind]["networks"] == 3
        for layout in found[kind]["layouts"].values():
            assert all(1 <= part["mean"] <= part["worst"] for part in layout.values())
