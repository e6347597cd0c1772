"""Calls of the command line: in this process for speed, in another one for signals."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imssa.cli import main

SETTINGS = (
    "float_training.epochs=3",
    "quantized_training.epochs=3",
    "evaluation.chip_instances=3",
    "model.d_model=3",
    "model.d_state=4",
    "data.front_end.n_mels=6",
    "data.front_end.hop_seconds=0.025",
    "data.front_end.max_frames=16",
)
"""Changes of the recipe zero-one that make a run last some seconds."""


@dataclass(frozen=True)
class Outcome:
    """What a call left."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def call(*words: object) -> Outcome:
    """Runs the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def refusal(*words: object, code: int = 2) -> str:
    """The message of a call that must be refused: no result, no traceback."""
    outcome = call(*words)
    assert outcome.code == code, outcome
    assert not outcome.out
    assert outcome.err.startswith("Error: "), outcome
    assert "Traceback" not in outcome.err
    return outcome.err.removeprefix("Error: ")


def done(*words: object) -> Outcome:
    """A call that must succeed."""
    outcome = call(*words)
    assert outcome.code == 0, outcome
    return outcome


def command(*words: object) -> list[str]:
    """The command line for another process."""
    return [sys.executable, "-m", "imssa", *map(str, words)]


def process(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in another process."""
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def tiny(out: Path, *changes: str) -> list[str]:
    """The words of a run that lasts some seconds."""
    sets = [word for change in (*SETTINGS, *changes) for word in ("--set", change)]
    return ["zero-one", "--out", str(out), *sets]


def results(root: Path) -> dict[str, bytes]:
    """All results of a run that must not depend on how it came about.

    The files in full; of the report all but the times and the command line.
    """
    found = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.safetensors")}
    report = json.loads((root / "report.json").read_text())
    del report["seconds"], report["provenance"]["command"]
    found["report.json"] = json.dumps(report, sort_keys=True).encode()
    found["recipe.toml"] = (root / "recipe.toml").read_bytes()
    return found
