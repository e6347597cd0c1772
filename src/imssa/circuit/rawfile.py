"""Reading the raw files that SPICE simulators write, binary or ASCII, real numbers only."""

from typing import Final

import numpy as np

from imssa.circuit.arrays import Floats
from imssa.errors import FileFormatError

MARKS: Final = (b"\nBinary:\n", b"\nValues:\n")


def read_raw(content: bytes, name: str = "raw file") -> dict[str, Floats]:
    """The vectors of the first plot of a raw file.

    Args:
        content: The file.
        name: What the file is called in error messages.

    Returns:
        By lower-case vector name: its values, (points,), float64.

    Raises:
        FileFormatError: A file that is cut short, of complex numbers, or not a raw file.
    """
    for mark in MARKS:
        head, found, body = content.partition(mark)
        if found:
            break
    else:
        raise _unreadable(name, "it has neither binary data nor values")
    fields, names = _header(head, name)
    if "complex" in fields.get("flags", ""):
        raise _unreadable(name, "its numbers are complex, not real")
    points = _count(fields, "no. points", name)
    if _count(fields, "no. variables", name) != len(names):
        raise _unreadable(name, "it announces another number of variables than it lists")
    read = _binary if mark == MARKS[0] else _ascii
    table = read(body, points, len(names), name)
    return {variable: table[:, column] for column, variable in enumerate(names)}


def _unreadable(name: str, fault: str) -> FileFormatError:
    return FileFormatError(
        given=f"{name}: {fault}",
        rule="a raw file has a header, as many variables and points as it announces, all real",
        remedy="Run the simulator again and look at its messages",
    )


def _header(head: bytes, name: str) -> tuple[dict[str, str], list[str]]:
    """Fields by lower-case key, and the names of the variables."""
    text = head.decode("utf-8", errors="replace")
    before, found, listed = text.partition("\nVariables:")
    if not found:
        raise _unreadable(name, "it lists no variables")
    pairs = (line.partition(":") for line in before.splitlines())
    fields = {key.strip().lower(): value.strip().lower() for key, _, value in pairs}
    rows = [line.split() for line in listed.splitlines() if line.strip()]
    if any(len(row) < 3 for row in rows):
        raise _unreadable(name, "a variable has no name or no type")
    return fields, [row[1].lower() for row in rows]


def _count(fields: dict[str, str], key: str, name: str) -> int:
    value = fields.get(key, "")
    if not value.isdecimal() or int(value) < 1:
        raise _unreadable(name, f"its {key!r} is {value!r}")
    return int(value)


def _binary(body: bytes, points: int, variables: int, name: str) -> Floats:
    wanted = 8 * points * variables
    if len(body) < wanted:
        raise _unreadable(name, f"it is cut short: {len(body)} of {wanted} bytes of data")
    return np.frombuffer(body[:wanted], "<f8").astype(np.float64).reshape(points, variables)


def _ascii(body: bytes, points: int, variables: int, name: str) -> Floats:
    """Each point is its number and then its values, one a line."""
    words = body.split()
    wanted = points * (variables + 1)
    if len(words) < wanted:
        raise _unreadable(name, f"it is cut short: {len(words)} of {wanted} numbers")
    try:
        numbers = np.array([float(word) for word in words[:wanted]])
    except ValueError:
        raise _unreadable(name, "one of its values is not a number") from None
    return numbers.reshape(points, variables + 1)[:, 1:]
