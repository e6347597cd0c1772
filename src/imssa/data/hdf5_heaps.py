"""A check of an HDF5 file's heaps before the library reads them.

Lists of unequal length lie in global heap collections. The library walks through the objects of a
collection by their sizes, and walks forever where a damaged size leads nowhere (seen with HDF5 2.0).

Layout of a collection: "GCOL", version 1, three bytes, its size in 8 bytes; then objects: index
(2 bytes), references (2), reserved (4), size (8), values filled up to a multiple of 8. Index 0 is
what is free; its size includes its header.

Source: HDF5 File Format Specification 3.0, sections II.A (superblock) and III.E (global heap).
"""

import mmap
from pathlib import Path
from typing import Final

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
COLLECTION: Final = b"GCOL\x01"
HEADER: Final = 16
WRAP: Final = 2**64
"""Sizes are computed in 64 bits."""


def check_heaps(file: Path) -> None:
    """Refuses a file in which the library would not come to an end.

    Raises:
        ValueError: Not an HDF5 file, sizes not of 8 bytes, or a damaged heap.
        OSError: It cannot be read.
    """
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as held:
        _check_superblock(held)
        left = len(held) // HEADER * 2 + 1000  # objects of true heaps do not overlap
        place = held.find(COLLECTION)
        while place >= 0:
            left -= _objects(held, place, left)
            place = held.find(COLLECTION, place + 1)


def _check_superblock(held: mmap.mmap) -> None:
    head = held[:16]
    if head[:8] != SIGNATURE or len(head) < 16:
        msg = "it does not begin as an HDF5 file"
        raise ValueError(msg)
    sizes = head[13:15] if head[8] < 2 else head[9:11]
    if sizes != b"\x08\x08":
        msg = f"its superblock says sizes of {sizes[0]} and {sizes[1]} bytes instead of 8"
        raise ValueError(msg)


def _objects(held: mmap.mmap, start: int, most: int) -> int:
    """Walks through a collection as the library does; the number of objects in it."""
    end = min(start + int.from_bytes(held[start + 8 : start + 16], "little"), len(held))
    place, count = start + HEADER, 0
    while place + HEADER <= end:
        size = int.from_bytes(held[place + 8 : place + 16], "little")
        free = held[place : place + 2] == b"\0\0"
        step = size if free else HEADER + (size + 7) // 8 * 8
        count += 1
        if step % WRAP < HEADER or step >= WRAP or count > most:
            msg = f"the heap at byte {start} is damaged"
            raise ValueError(msg)
        place += step
    return count
