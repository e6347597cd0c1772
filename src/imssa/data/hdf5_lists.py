"""How long the lists of an HDF5 data set say they are, before the library makes room for them.

A list of variable length is stored as its number of values (4 bytes), the address of a heap and a number
in it (HDF5 File Format Specification 3.0, IV.B "Data Object Data Storage", variable-length data). The
library makes room for as many values as are said before it looks into the heap, which never is
compressed: so all lists together are no larger than the file.
"""

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from jaxtyping import Int64

if TYPE_CHECKING:
    import h5py

COUNT_BYTES = 4
NUMBER_BYTES = 4


def lengths_said(found: "h5py.Dataset", path: Path) -> Int64[np.ndarray, " lists"]:
    """Values that each list says it has, as far as that is stored plainly or deflated.

    Args:
        found: Lists of variable length, one axis.
        path: Its file.
    """
    address, _ = found.file.id.get_create_plist().get_sizes()
    entry = COUNT_BYTES + int(address) + NUMBER_BYTES
    if found.file.userblock_size:
        return np.zeros(0, np.int64)
    with path.open("rb") as stream:
        stored = b"".join(_stored(found, stream, entry))
    whole = np.frombuffer(stored[: len(stored) // entry * entry], np.uint8).reshape(-1, entry)
    return np.ascontiguousarray(whole[:, :COUNT_BYTES]).view("<u4").ravel().astype(np.int64)


def _stored(found: "h5py.Dataset", stream: BinaryIO, entry: int) -> list[bytes]:
    """Bytes of the entries: of chunks too, whole."""
    data: Any = found.id
    if not found.chunks:
        offset = data.get_offset()
        return [] if offset is None else [_read(stream, offset, len(found) * entry)]
    parts = []
    for number in range(data.get_num_chunks()):
        chunk = data.get_chunk_info(number)
        part = _read(stream, chunk.byte_offset, chunk.size)
        whole = found.chunks[0] * entry
        if found.compression == "gzip" and not chunk.filter_mask:
            part = zlib.decompressobj().decompress(part, whole)
        if found.compression in {None, "gzip"} and not found.shuffle:
            parts.append(part[:whole])
    return parts


def _read(stream: BinaryIO, offset: int, size: int) -> bytes:
    stream.seek(offset)
    return stream.read(size)
