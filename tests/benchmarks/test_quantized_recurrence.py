"""The benchmark of the quantized recurrence runs in its tiny mode and compares the same work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "quantized_recurrence.py"


@pytest.mark.slow
def test_tiny_mode_compares_the_same_work(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    command = [sys.executable, str(SCRIPT), "--tiny", "--json", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    found = json.loads(target.read_text())
    assert [(row["batch"], row["length"]) for row in found["rows"]] == [(2, 20), (1, 33)]
    for row in found["rows"]:
        assert set(row) == {"batch", "length", "ours", "eager", "eager_over_ours"}
        assert row["ours"]["seconds"] > 0
        assert row["eager_over_ours"]["share_of_equal_codes"] > 0.8  # the loop rounds ties to even
