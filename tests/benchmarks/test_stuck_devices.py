"""The benchmark of stuck devices runs, small, and says what it should."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_every_step_of_the_compiler_is_measured(tmp_path: Path) -> None:
    found = run("stuck_devices", tmp_path)
    assert 0.0 <= found["software_accuracy"] <= 1.0
    assert [(row["rate"], row["errors"]) for row in found["rows"]] == [(0.1, "stuck"), (0.1, "all")]
    for row in found["rows"]:
        for step in ("whole", "blind", "partner", "arranged", "compiled"):
            assert len(row[step]["per_instance"]) == found["chips"] == 2
            assert row[step]["min"] <= row[step]["mean"]
            assert row[step]["standard_error"] >= 0.0
        assert row["partner"]["lost_weights"] > row["compiled"]["lost_weights"] == 0
    exact = found["rows"][0]  # nothing lost and no other error: the network's own answers
    assert exact["compiled"]["per_instance"] == [found["quantized_accuracy"]] * 2
    assert exact["compiled"]["loss"] == 0.0


@pytest.mark.slow
def test_programming_error_has_a_cell_for_each_network_and_error(tmp_path: Path) -> None:
    found = run("programming_error", tmp_path, "--recipe", "zero-one")
    assert [(r["realization"], r["bits"]) for r in found["rows"]] == [("leaky", 2), ("leaky", 4)]
    for row in found["rows"]:
        assert row["by_error"].keys() == {"0.05"}
        assert len(row["by_error"]["0.05"]["per_instance"]) == 2
        assert 0 <= row["by_error"]["0.05"]["min"] <= row["by_error"]["0.05"]["mean"] <= 1
