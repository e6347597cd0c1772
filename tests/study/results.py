"""What two runs of a study must agree in."""

from pathlib import Path
from typing import Any

import pandas as pd

from imssa.study.folder import StudyFolder, open_study


def numbers(root: Path) -> list[dict[str, Any]]:
    """The rows of a study's results, all but their times."""
    frame = pd.read_parquet(root / "results.parquet").drop(columns="seconds")
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def lines(root: Path) -> int:
    """Whole lines of all ledgers."""
    return sum(path.read_bytes().count(b"\n") for path in root.glob("ledger/*.jsonl"))


def reopened(root: Path) -> StudyFolder:
    """The study that a folder holds."""
    return open_study(root, None)
