"""The training log: one JSON object a line, one line an epoch."""

import json
from pathlib import Path
from typing import Any

from imssa.errors import FileFormatError
from imssa.program.files import read_bytes, write_atomically

Record = dict[str, Any]
"""One epoch.

epoch, step: finished so far, from 1. learning_rates: of the last step, in the order of the parameter
groups. train_loss: mean over the sequences, while training. validation_loss, validation_accuracy:
None without validation data. gradient_norm: mean over the steps, before clipping. seconds: of the
epoch, work before an interruption included.
"""


def write_log(path: Path, history: list[Record]) -> None:
    """Writes the whole log anew, so that it never holds half a line, or an epoch twice.

    Raises:
        OutputError: It cannot be written.
    """
    write_atomically(path, "".join(f"{json.dumps(r, allow_nan=False)}\n" for r in history).encode())


def read_log(path: Path) -> list[Record]:
    """The epochs of a log.

    Raises:
        FileFormatError: It cannot be read, or a line is no record of an epoch.
    """
    lines = read_bytes(path).splitlines()
    return [_record(path, number, line) for number, line in enumerate(lines, 1)]


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        found = json.loads(line)
        if found["epoch"] != number or not isinstance(found["train_loss"], float):
            raise ValueError("epoch")  # noqa: EM101, TRY301
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            given=f"{path}, line {number}",
            rule=f"it is no record of epoch {number}",
            remedy="Remove the file: it is only a record, and nothing else needs it.",
        ) from error
    record: Record = found
    return record
