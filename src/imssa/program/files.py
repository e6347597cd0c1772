"""Array files: safetensors with one metadata key of canonical JSON that holds all checksums.

Models, quantized networks and programs are all kept this way. The header carries the SHA-256 of
each array and of the header itself, so that any flipped byte is found; nothing is ever unpickled.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from imssa.errors import FileFormatError, OutputError
from imssa.program.containers import Entry, Head, opened, read_head, refuse, strict_json

Header = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
Accept = Callable[[Header, Mapping[str, Entry]], None]

WRITTEN_AS: Final = {
    "imssa.model": "model.safetensors of a run, the float network,",
    "imssa.quantized": "quantized.safetensors of a run, the integer network,",
    "imssa.program": "program.safetensors of a run, or a program that `imssa compile` wrote,",
}
"""Where files of some kinds come from: what is wanted where a file is of another kind."""


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


def read_bytes(path: Path) -> bytes:
    """The bytes of an ordinary file of bounded size.

    Raises:
        FileFormatError: No such file, unreadable, or larger than 1 GiB.
    """
    with opened(path) as stream:
        return stream.read()


def file_in(path: Path, *names: str) -> Path:
    """The file itself; of a folder (that of a run), the first of these that lies in it.

    Raises:
        FileFormatError: The folder holds none of them.
    """
    if not path.is_dir():
        return path
    found = next((path / name for name in names if (path / name).exists()), None)
    if found is None:
        raise FileFormatError(
            given=str(path),
            rule=f"the folder holds no {' or '.join(names)}",
            remedy="Name a file, or the folder of a run whose stage that writes it is finished.",
        )
    return found


def kinds_in(path: Path) -> tuple[str, ...]:
    """The metadata keys of a file: what kind of content it holds."""
    with opened(path) as stream:
        return tuple(read_head(path, stream).metadata)


def read_header(path: Path) -> Header:
    """The header of a file of any kind; its arrays are not read.

    Raises:
        FileFormatError: Missing, cut short, damaged, or not written by imssa.
    """
    with opened(path) as stream:
        head = read_head(path, stream)
    header, _, _ = _signed(path, head, next(iter(head.metadata), "imssa"))
    return header


def read_arrays(path: Path, kind: str, accept: Accept | None = None) -> tuple[Header, Arrays, str]:
    """Reads what ``write_arrays`` wrote, checking every checksum.

    Args:
        path: The file.
        kind: For instance ``imssa.program``.
        accept: Asked before any array is read; raises where the header or the list of arrays is
            not what it should be.

    Returns:
        Header, arrays by name, and the identity of the content.

    Raises:
        FileFormatError: Missing, cut short, damaged, or of another kind.
    """
    with opened(path) as stream:
        head = read_head(path, stream)
        header, digests, identity = _signed(path, head, kind)
        if accept is not None:
            accept(header, head.entries)
        data = head.data + stream.read()
    try:
        arrays: Arrays = load(data)
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise refuse(path, f"it is damaged ({error})") from error
    if {name: _fingerprint(a) for name, a in arrays.items()} != digests:
        raise refuse(path, "its checksums do not fit its content: it is damaged")
    return header, arrays, identity


def _signed(path: Path, head: Head, kind: str) -> tuple[Header, dict[str, str], str]:
    """Header, digests of the arrays and identity, once the text is found to be what was signed."""
    if kind not in head.metadata:
        held = ", ".join(sorted(head.metadata)) or "nothing of imssa"
        rule = f"it holds {held}, not {kind}"
        wanted = WRITTEN_AS.get(kind, f"a file of {kind}")
        raise FileFormatError(given=str(path), rule=rule, remedy=f"Name {wanted} in its place.")
    text = head.metadata[kind]
    try:
        body = strict_json(text)
        header, digests, stated = body["header"], body["arrays"], body["sha256"]
        identity = digest(canonical_json({"header": header, "arrays": digests}).encode())
        canonical = canonical_json(body) == text and len(body) == 3
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise refuse(path, f"it is damaged ({str(error)[:200]})") from error
    if not (canonical and isinstance(header, dict) and isinstance(digests, dict)):
        raise refuse(path, "its header is not written as canonical JSON: it is damaged")
    if identity != stated or digests.keys() != head.entries.keys():
        raise refuse(path, "its checksums do not fit its content: it is damaged")
    return header, digests, identity
