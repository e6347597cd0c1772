"""Array files: safetensors with one metadata key of canonical JSON that holds all checksums.

Models, quantized networks and programs are all kept this way. The header carries the SHA-256 of
each array and of the header itself, so that any flipped byte is found; nothing is ever unpickled.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from imssa.errors import FileFormatError, OutputError

MAX_BYTES: Final = 2**30

Header = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all: a temporary file beside it, then a rename.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            given=str(path),
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Name a folder that you may write to, on a disk with room.",
        ) from error


def write_arrays(path: Path, kind: str, header: Header, arrays: Arrays) -> str:
    """Writes arrays with a header under the metadata key ``kind``.

    Args:
        path: The file.
        kind: For instance ``imssa.program``.
        header: What JSON can hold.
        arrays: By name.

    Returns:
        The SHA-256 of header and array digests: the identity of the content.
    """
    contiguous = {name: np.asarray(a, order="C") for name, a in sorted(arrays.items())}
    digests = {name: _fingerprint(a) for name, a in contiguous.items()}
    body = {"header": header, "arrays": digests}
    identity = digest(canonical_json(body).encode())
    metadata = {kind: canonical_json({**body, "sha256": identity})}
    write_atomically(path, save(contiguous, metadata=metadata))
    return identity


def _fingerprint(array: NDArray[Any]) -> str:
    """SHA-256 of an array's element type, shape and bytes."""
    return digest(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())


def _refuse(path: Path, rule: str) -> FileFormatError:
    return FileFormatError(
        given=str(path), rule=rule, remedy="Restore the file from a copy or write it anew."
    )


def _metadata(path: Path, data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: an 8-byte length, then JSON."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise _refuse(path, "it is cut short or is no safetensors file")
    try:
        found = json.loads(data[8 : 8 + size])
    except (ValueError, RecursionError) as error:
        raise _refuse(path, "its header is no JSON: damaged, or no safetensors file") from error
    metadata = found.get("__metadata__", {}) if isinstance(found, dict) else {}
    return metadata if isinstance(metadata, dict) else {}


def read_bytes(path: Path) -> bytes:
    """The bytes of a file of bounded size.

    Raises:
        FileFormatError: No such file, unreadable, or larger than 1 GiB.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refuse(path, f"it is larger than {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            given=str(path),
            rule=f"it cannot be read ({error.strerror or error})",
            remedy="Name an existing file that you may read.",
        ) from error


def kinds_in(path: Path) -> tuple[str, ...]:
    """The metadata keys of a file: what kind of content it holds."""
    return tuple(_metadata(path, read_bytes(path)))


def read_arrays(path: Path, kind: str) -> tuple[Header, Arrays, str]:
    """Reads what ``write_arrays`` wrote, checking every checksum.

    Returns:
        Header, arrays by name, and the identity of the content.

    Raises:
        FileFormatError: Missing, cut short, damaged, or of another kind.
    """
    data = read_bytes(path)
    metadata = _metadata(path, data)
    if kind not in metadata:
        held = ", ".join(sorted(metadata)) or "nothing of imssa"
        raise _refuse(path, f"it holds {held}, not {kind}")
    try:
        body = json.loads(metadata[kind])
        arrays: Arrays = load(data)
        header, digests, stated = body["header"], body["arrays"], body["sha256"]
        identity = digest(canonical_json({"header": header, "arrays": digests}).encode())
    except (ValueError, KeyError, TypeError, SafetensorError, RecursionError) as error:
        raise _refuse(path, f"it is damaged ({error})") from error
    actual = {name: _fingerprint(a) for name, a in arrays.items()}
    if identity != stated or actual != digests or not isinstance(header, dict):
        raise _refuse(path, "its checksums do not fit its content: it is damaged")
    return header, arrays, identity
