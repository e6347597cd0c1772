"""Reads a program file; written from docs/program-format.md, with numpy and json alone."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

KIND, SCHEMA = "imssa.program", "imssa.program/1"
TYPES = {"I64": np.dtype("<i8"), "F64": np.dtype("<f8"), "U8": np.dtype("|u1")}
MAX_HEAD = 100_000_000
TAIL = len(',"sha256":"') + 64 + len('"}')

Record = dict[str, Any]


class ProgramFileError(Exception):
    """A file that is no program, damaged, or of a version that this driver does not know."""


@dataclass(frozen=True)
class ProgramFile:
    """A program as it stands in its file.

    Attributes:
        header: The header of the format.
        arrays: Weights and index lists by name.
        identity: SHA-256 of the content.
    """

    header: Record
    arrays: dict[str, np.ndarray]
    identity: str

    def records(self, section: str) -> list[Record]:
        """Operations of ``start``, ``step`` or ``end``, each with its arrays as fields."""
        return [
            record | self._fields(f"{section}.{number}.")
            for number, record in enumerate(self.header[section])
        ]

    def contents(self) -> list[Record]:
        """What each array of the chip is to hold."""
        return [self._fields(f"array.{number}.") for number in range(self.header["arrays"])]

    def _fields(self, prefix: str) -> Record:
        return {
            name.removeprefix(prefix): values
            for name, values in self.arrays.items()
            if name.startswith(prefix)
        }


def read_program(path: Path) -> ProgramFile:
    """Reads a file and checks its version and every checksum.

    Raises:
        ProgramFileError: Saying what is wrong.
    """
    try:
        return _read(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        msg = f"{path} cannot be read as a program ({error or type(error).__name__})"
        raise ProgramFileError(msg) from error


def _read(data: bytes) -> ProgramFile:
    size = int.from_bytes(data[:8], "little")
    _need(len(data) >= 8 and size <= min(len(data) - 8, MAX_HEAD), "cut short, or no program file")
    entries = _parsed(data[8 : 8 + size].decode())
    text = entries.pop("__metadata__")[KIND]
    body = _parsed(text)
    identity = hashlib.sha256((text[:-TAIL] + "}").encode()).hexdigest()
    _need(identity == body["sha256"], "damaged: the header does not fit its checksum")
    version = body["header"]["schema"]
    _need(version == SCHEMA, f"version {version!r}; this driver reads {SCHEMA}")
    arrays = _arrays(data[8 + size :], entries, body["arrays"])
    return ProgramFile(body["header"], arrays, identity)


def _need(holds: bool, words: str) -> None:
    if not holds:
        raise ValueError(words)


def _parsed(text: str) -> Record:
    found = json.loads(text, object_pairs_hook=_once)
    _need(isinstance(found, dict), "no JSON object")
    return dict(found)


def _once(pairs: list[tuple[str, Any]]) -> Record:
    _need(len(dict(pairs)) == len(pairs), "a key twice")
    return dict(pairs)


def _arrays(data: bytes, entries: Record, digests: Record) -> dict[str, np.ndarray]:
    _need(entries.keys() == digests.keys(), "arrays and checksums do not go together")
    found, place = {}, 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        kind, shape = TYPES[entry["dtype"]], tuple(entry["shape"])
        begin, end = entry["data_offsets"]
        _need(begin == place and end <= len(data), f"array {name} lies outside the data")
        values = np.frombuffer(data[begin:end], kind).reshape(shape)
        signed = f"{kind.str}{shape}".encode() + data[begin:end]
        fits = hashlib.sha256(signed).hexdigest() == digests[name]
        _need(fits, f"array {name} does not fit its checksum")
        found[name], place = values, end
    _need(place == len(data), "bytes left over behind the last array")
    return found
