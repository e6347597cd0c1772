"""Mutated files of every layout: read or refused with a clear error, in bounded memory and time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.data.fuzzing import LAYOUTS, Layout, outcomes

NAMES = [f"{layout.kind} {layout.mutated}" for layout in LAYOUTS]
ROOT = Path(__file__).parents[2]
GIGABYTE = 2**30
SEED = 1
FILES = 8400
"""Of each layout: 100,800 in all."""
SCRIPT = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from tests.data.fuzzing import LAYOUTS, outcomes

number, folder, seed, count = sys.argv[1:]
print(json.dumps(asdict(outcomes(LAYOUTS[int(number)], Path(folder), int(seed), int(count)))))
"""


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
def test_mutated_files_are_read_or_refused(layout: Layout, tmp_path: Path) -> None:
    before = outcomes(layout, tmp_path / "few", 0, 1).peak_bytes
    found = outcomes(layout, tmp_path / "files", 0, 250)
    assert found.refused > 20
    assert found.read + found.refused == 250
    assert found.peak_bytes - before < GIGABYTE


def measured(number: int, folder: Path, files: int) -> dict[str, Any]:
    """In a process of its own: a library that crashed or hung would end it, and be found."""
    words = [str(number), str(folder), str(SEED), str(files)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{NAMES[number]}: {done.stderr[-2000:]}"
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.proof
def test_a_hundred_thousand_mutated_files(tmp_path: Path) -> None:
    """Writes results/reader_fuzz.json: what became of the files of each layout."""
    found = {name: measured(n, tmp_path / f"{n}", FILES) for n, name in enumerate(NAMES)}
    total = {key: sum(one[key] for one in found.values()) for key in ("read", "refused")}
    summary = {
        "seed": SEED,
        "files": sum(total.values()),
        **total,
        "slowest_seconds": max(one["slowest_seconds"] for one in found.values()),
        "peak_bytes": max(one["peak_bytes"] for one in found.values()),
        "by_reader": found,
    }
    text = json.dumps(summary, indent=1) + "\n"
    (ROOT / "results" / "reader_fuzz.json").write_text(text)
    assert summary["files"] >= 100_000
    assert summary["slowest_seconds"] < 60
    assert summary["peak_bytes"] < 2 * GIGABYTE
