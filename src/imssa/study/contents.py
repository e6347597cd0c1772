"""What a user's data hold, told by a fingerprint: not where they lie, nor when they were written.

Of a folder the names of all files below it and their sizes count, and bytes of up to ``MOST_FILES`` of
them, evenly spaced in the order of their names; of a file its size and bytes. Together about
``MOST_BYTES`` are read, of each file all if its share allows it, else ``PIECES`` pieces from its start to
its end. So a copy on another machine has the same fingerprint, and other data under the same path have
another one, unless they differ only in bytes that were not read.
"""

import hashlib
import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from imssa.errors import DataError

FETCHED: Final = "fetched.json"
"""Says from where a set was fetched; mirrors have the same data."""
MOST_FILES: Final = 4096
MOST_BYTES: Final = 2**28
PIECES: Final = 16
DIGITS: Final = 32
ROOTS: Final = frozenset({"root", "data.root", "auxiliary.root"})
"""Keys whose values are paths of data."""


def fingerprint(root: Path) -> str | None:
    """Of a folder or a file; None: there is none.

    Files and folders whose names begin with a dot are left out: systems and tools write them.

    Raises:
        DataError: Something there cannot be read.
    """
    if not root.exists():
        return None
    try:
        files = [("", root)] if root.is_file() else sorted(_below(root))
        if not files:
            return None
        total = hashlib.sha256()
        for name, path in files:
            total.update(f"{name}\0{path.stat().st_size}\n".encode())
        chosen = files[:: -(-len(files) // MOST_FILES)]
        for _, path in chosen:
            with path.open("rb") as stream:
                _take(stream, path.stat().st_size, MOST_BYTES // len(chosen), total)
    except OSError as error:
        raise DataError(
            given=f"data root {root}",
            rule=f"{error.filename or 'it'} cannot be read ({error.strerror or error})",
            remedy="Name data that you may read.",
        ) from error
    return total.hexdigest()[:DIGITS]


def _below(root: Path) -> Iterator[tuple[str, Path]]:
    """Files below a folder by their names from there, links followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(root, onerror=_raised, followlinks=True):
        about = Path(place).stat()
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.is_file() and path.name != FETCHED:
                yield unicodedata.normalize("NFC", path.relative_to(root).as_posix()), path


def _raised(error: OSError) -> None:
    raise error


def _take(stream: BinaryIO, size: int, share: int, total: Any) -> None:
    """Feeds a file's bytes, or evenly spaced pieces of them, to a hash."""
    if size <= share:
        total.update(stream.read())
        return
    length = max(1, share // PIECES)
    for piece in range(PIECES):
        stream.seek((size - length) * piece // (PIECES - 1))
        total.update(stream.read(length))


@dataclass
class Contents:
    """Fingerprints of a study's data by path, each taken once.

    Attributes:
        known: Those taken so far, or kept from an earlier run.
        look: Whether those that are not known are taken; else such a path stands for its data.
        missing: Paths where there are no data.
    """

    known: dict[str, str] = field(default_factory=dict)
    look: bool = True
    missing: set[str] = field(default_factory=set)

    def of(self, root: Path | None) -> str | None:
        """The fingerprint of data; None: bundled ones, or not known."""
        path = str(root)
        if root is not None and self.look and path not in {*self.known, *self.missing}:
            found = fingerprint(root)
            if found is None:
                self.missing.add(path)
            else:
                self.known[path] = found
        return self.known.get(path)

    def require(self) -> None:
        """Refuses data that are not there: trials are known by what their data hold.

        Raises:
            DataError: Naming them.
        """
        if self.missing:
            raise DataError(
                given=f"data root {', '.join(sorted(self.missing))}",
                rule="there is no such folder or file, or it is empty",
                remedy="Name the folder or file of the data, with --set data.root=DIR or auxiliary.root=DIR.",
            )


def by_content(value: Any, known: Mapping[str, str], key: str = "") -> Any:
    """A study's or a recipe's content with fingerprints in place of the paths of data.

    Example:
        >>> by_content({"data": {"root": "/a"}, "seed": 1}, {"/a": "3f"})
        {'data': {'root': '3f'}, 'seed': 1}

    Only values of ``ROOTS`` are paths of data, whatever other values may be equal.
    """
    if isinstance(value, Mapping):
        return {name: by_content(inner, known, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [by_content(inner, known, key) for inner in value]
    return known.get(str(value), value) if key in ROOTS else value
