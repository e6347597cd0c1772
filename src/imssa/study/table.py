"""The results as one table: a Parquet file that pandas and others read, or CSV without these libraries.

One row for each point, measure and chip: the axes, what answered, on which chip instance, the share of
right answers, and behind it which recordings were answered rightly; of a cost its typical value in
joules or seconds, and its range. Rows stand in the order of the
study, so that the file is the same whatever the order of work.
"""

import csv
import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from imssa.program.files import write_atomically
from imssa.study.config import Label
from imssa.study.ledger import Outcome
from imssa.study.trials import Row

PARQUET: Final = "results.parquet"
CSV: Final = "results.csv"
COLUMNS: Final = (
    "measure",
    "chip",
    "value",
    "low",
    "high",
    "right",
    "items",
    "trial",
    "seconds",
    "error",
)

Table = list[dict[str, Any]]


def table_of(rows: list[Row], outcomes: dict[str, Outcome]) -> Table:
    """The rows that are done, in the order of the study."""
    return [
        {
            **row.point.labels,
            "measure": row.measure,
            "chip": row.chip,
            **_told(outcomes[row.trial]),
        }
        for row in rows
        if row.trial in outcomes
    ]


def _told(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in COLUMNS[2:]}


def write_results(
    root: Path, names: list[str], rows: list[Row], outcomes: dict[str, Outcome]
) -> Path:
    """Writes the results of a study.

    Args:
        root: The study's folder.
        names: Columns of its axes.
        rows: Its rows.
        outcomes: Of its trials, as far as they are done.

    Returns:
        The file.

    Raises:
        OutputError: It cannot be written.
    """
    table = _uniform(table_of(rows, outcomes), names)
    columns = [*names, *COLUMNS]
    parquet = find_spec("pandas") is not None and find_spec("pyarrow") is not None
    path, other = (root / n for n in ((PARQUET, CSV) if parquet else (CSV, PARQUET)))
    write_atomically(path, (_parquet if parquet else _csv)(table, columns))
    other.unlink(missing_ok=True)
    return path


def _uniform(table: Table, names: list[str]) -> Table:
    """Axes whose values are of several kinds become text: a column has one kind."""
    mixed = [name for name in names if len({_kind(row[name]) for row in table}) > 1]
    return [{**row, **{name: str(row[name]) for name in mixed}} for row in table]


def _kind(value: Label) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if number else type(value).__name__


def _parquet(table: Table, columns: list[str]) -> bytes:
    import pandas as pd

    kinds = {"chip": "Int64", "items": "int64"}
    kinds |= dict.fromkeys(("value", "low", "high", "seconds"), "float64")
    kinds |= dict.fromkeys(("right", "error", "trial", "measure"), "string")
    frame = pd.DataFrame(table, columns=columns).astype(kinds)
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def _csv(table: Table, columns: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()
