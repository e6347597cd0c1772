"""The benchmark of exact IR drop runs, small and without peers."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ir_drop.py"


def test_tiny_benchmark(tmp_path: Path) -> None:
    target = tmp_path / "ir_drop.json"
    command = [sys.executable, str(SCRIPT), "--tiny", "--json", str(target)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(target.read_text(encoding="utf-8"))
    assert "not asked for" in found["peers"]["badcrossbar==1.1.0"]
    assert {row["array"] for row in found["rows"]} == {"8x8", "12x12"}
    assert max(row["largest_relative_difference"] for row in found["rows"]) < 1e-6
    assert len(run.stdout.splitlines()) == 2 + len(found["rows"])
    assert list(tmp_path.iterdir()) == [target]
