"""Mutated files of every layout: read or refused with a clear error, in bounded memory."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.fuzzing import LAYOUTS, Layout, outcomes

NAMES = [f"{layout.kind} {layout.mutated}" for layout in LAYOUTS]
GIGABYTE = 2**30


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
def test_mutated_files_are_read_or_refused(layout: Layout, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = outcomes(layout, tmp_path / "files", 0, 250)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert found["refused"] > 20
    assert (after - before) * 1024 < GIGABYTE


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("number", range(len(LAYOUTS)), ids=NAMES)
def test_a_hundred_thousand_mutated_files(number: int, seed: int, tmp_path: Path) -> None:
    """In a process of its own: a library that crashed would end it, and be found."""
    script = (
        "from pathlib import Path; from tests.data.fuzzing import LAYOUTS, outcomes; "
        f"print(outcomes(LAYOUTS[{number}], Path({str(tmp_path / 'files')!r}), {seed + 1}, 1050))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
