"""The benchmark of recalibration runs, small, and says what it should."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_every_step_after_writing_is_measured(tmp_path: Path) -> None:
    found = run("recalibration", tmp_path)
    assert found["ideal_chip_accuracy"] == found["quantized_accuracy"]
    assert found["calibration_recordings"] == 2 * 4
    (row,) = found["rows"]
    for step in ("written", "trimmed", "read-out", "recalibrated"):
        assert len(row[step]["per_instance"]) == found["chips"] == 2
        assert row[step]["min"] <= row[step]["mean"]
        assert row[step]["standard_error"] >= 0.0
    assert (
        row["register_errors"]["kernel.0"]["after"] < row["register_errors"]["kernel.0"]["before"]
    )
    assert row["register_errors"]["stream.0"] == {"before": 0.0, "after": 0.0}
    assert set(row["modes"]) == {"found", "rewritten", "kept", "switched_off"}
