"""The closed-loop benchmark: its table is whole, and what it computes is the same each time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "closed_loop.py"


def run(target: Path) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), "--tiny", "--json", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    found: dict[str, Any] = json.loads(target.read_text())
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(tmp_path_factory.mktemp("closed_loop") / "first.json")


@pytest.mark.slow
def test_every_work_has_a_row_of_ours_and_of_the_bare_product(found: dict[str, Any]) -> None:
    cases = list(dict.fromkeys(row["case"] for row in found["rows"]))
    assert cases == [
        "closed loop, 20 steps, batch 1",
        "closed loop, 20 steps, batch 4",
        "3 chips, 20 steps, batch 4",
        "one call, batch 16",
    ]
    names = [(row["case"], row["name"]) for row in found["rows"]]
    assert names == [(case, name) for case in cases for name in ("imssa", "bare product")]
    for row in found["rows"]:
        assert row["seconds"] >= row["least_seconds"] > 0
        assert row["threads"] >= 1
        assert row["ratio"] > 0
    assert all(row["ratio"] == 1 for row in found["rows"] if row["name"] == "imssa")
    assert found["failed"] == {}


@pytest.mark.slow
def test_fused_and_single_reads_agree_on_the_same_inputs(found: dict[str, Any]) -> None:
    checks = found["contestants"]["imssa"]["checks"]
    assert set(checks) == {"fused", "step by step"}
    for check in checks.values():
        assert check == {
            "codes_equal": 1.0,
            "largest_difference_codes": 0,
            "read_noise_to_ours": 1.0,
        }


@pytest.mark.slow
def test_signals_of_the_loop_neither_die_out_nor_sit_at_the_bounds(found: dict[str, Any]) -> None:
    spreads = [row["spread"] for row in found["rows"] if "codes" in row]
    assert len(spreads) == 3
    assert all(30 < spread < 120 for spread in spreads)  # codes reach from -127 to 127


@pytest.mark.slow
def test_final_codes_are_the_same_in_another_run(found: dict[str, Any], tmp_path: Path) -> None:
    def codes(result: dict[str, Any]) -> dict[str, str]:
        return {row["case"]: row["codes"] for row in result["rows"] if "codes" in row}

    assert codes(run(tmp_path / "second.json")) == codes(found)
    assert len(set(codes(found).values())) == 3
