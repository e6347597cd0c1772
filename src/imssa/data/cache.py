"""Features kept on disk, so that a front end runs once per data set.

A file's name is a SHA-256 of the items' contents and of the front end's configuration; the file
holds a checksum of its arrays. A file that is damaged in any way is made anew.
"""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from imssa.data.front_ends import FrontEnd
from imssa.data.sources import Features
from imssa.errors import OutputError

VERSION: Final = 1
"""To be raised whenever the front end's arithmetic changes."""

_DAMAGED: Final = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, MemoryError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def cached_features(
    make: Callable[[], Features], digest: str, config: FrontEnd, folder: Path | None
) -> Features:
    """Features and lengths of items, from the cache where it has them.

    Args:
        make: Makes them; only called where the cache does not have them.
        digest: SHA-256 of the items' contents (``Source.digest``).
        config: The front end.
        folder: Where the cache lies; made if need be. None: no cache.

    Returns:
        Features (items, length, features) and lengths (items,).

    Raises:
        OutputError: The folder cannot be written.
        DataError: An item cannot be used.
        RecipeError: The front end does not fit the items.
    """
    if folder is None:
        return make()
    file = folder / f"features-{cache_key(digest, config)}.npz"
    found = _read(file)
    if found is None:
        found = make()
        _write(file, found)
    return found


def cache_key(digest: str, config: FrontEnd) -> str:
    """SHA-256 over what features depend on, as hexadecimal digits."""
    parts = {"version": VERSION, "recordings": digest, "front_end": config.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _checksum(features: np.ndarray, lengths: np.ndarray) -> UInt8[np.ndarray, " 32"]:
    total = hashlib.sha256(repr((features.shape, features.dtype.str, lengths.dtype.str)).encode())
    total.update(np.ascontiguousarray(features).tobytes())
    total.update(np.ascontiguousarray(lengths).tobytes())
    return np.frombuffer(total.digest(), np.uint8)


def _read(file: Path) -> Features | None:
    """What a cache file holds, or None where it is missing or damaged."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            features, lengths, checksum = held["features"], held["lengths"], held["checksum"]
    except _DAMAGED:
        return None
    return (features, lengths) if np.array_equal(checksum, _checksum(features, lengths)) else None


def _write(file: Path, found: Features) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, found)
    except OSError as error:
        raise OutputError(
            given=f"feature cache {file.parent}",
            rule=f"the folder cannot be written ({error.strerror})",
            remedy="Name another cache folder, or none.",
        ) from error


def _replace(file: Path, found: Features) -> None:
    """Writes a temporary file beside the cache file and renames it."""
    features, lengths = found
    descriptor, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            np.savez(
                stream, features=features, lengths=lengths, checksum=_checksum(features, lengths)
            )
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
