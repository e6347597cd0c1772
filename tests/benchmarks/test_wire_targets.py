"""The benchmark of targets for wires runs, small, and says what it should."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_codes_gains_and_targets_are_compared(tmp_path: Path) -> None:
    found = run("wire_targets", tmp_path)
    (row,) = found["rows"]
    assert (row["size"], row["ohm"]) == (32, 5.0)
    weights = row["weights"]
    assert weights["by_targets"] < weights["by_gains"] < weights["by_codes"]
    assert 0 < row["least_share"] <= row["mean_share"] <= 1
    for errors in ("still", "programmed"):
        assert set(row[errors]) == {"codes", "targets", "wired"}
        assert all(0 <= part["min"] <= part["mean"] <= 1 for part in row[errors].values())
