"""Damage and forgery of program files, from a seed: what a reader must outlive."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from imssa.program.files import canonical_json, digest

if TYPE_CHECKING:
    from collections.abc import Callable

Random = np.random.Generator
KIND = "imssa.program"

EVIL: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2.0,
    2**31,
    2**63,
    -(2**63),
    10**30,
    1e308,
    "",
    "zero",
    "../../etc/passwd",
    "/dev/zero",
    "a\x00b",
    "\ud800",
    "state\n",
    "x" * 5000,
    [],
    {},
    [[]],
    {"operation": "Phase"},
    [0] * 5000,
    ["state", 2**40, 9],
)
"""What a place of a header may be replaced by."""

TOKENS = (b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"NaN", b"-1", b"1e999", b"\\ud800")


def parts(data: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Head, signed body and data of a file."""
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + size])
    return head, json.loads(head["__metadata__"][KIND]), data[8 + size :]


def joined(head: dict[str, Any], text: str, data: bytes) -> bytes:
    """A file of these parts."""
    head = {**head, "__metadata__": {KIND: text}}
    encoded = json.dumps(head, separators=(",", ":")).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data


def signed(body: dict[str, Any]) -> str:
    """A body with the checksum that it asks for, as a forger would sign it."""
    body = {"arrays": body["arrays"], "header": body["header"]}
    return canonical_json({**body, "sha256": digest(canonical_json(body).encode())})


def damaged(data: bytes, random: Random) -> bytes:
    """Bytes flipped, cut out, put in, doubled or moved."""
    place = int(random.integers(len(data)))
    length = int(random.integers(1, 40))
    piece = data[place : place + length]
    token = TOKENS[int(random.integers(len(TOKENS)))]
    changed: tuple[Callable[[], bytes], ...] = (
        lambda: data[:place] + bytes([data[place] ^ (1 << (length % 8))]) + data[place + 1 :],
        lambda: data[:place] + data[place + length :],
        lambda: data[:place] + piece + data[place:],
        lambda: data[:place] + token + data[place + len(token) :],
        lambda: data[:place] + token + data[place:],
        lambda: data[:place],
        lambda: (
            (int.from_bytes(data[:8], "little") ^ (1 << length)).to_bytes(8, "little") + data[8:]
        ),
    )
    return changed[int(random.integers(len(changed)))]()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places of a JSON value."""
    found = [path]
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(part, (*path, key))
    return found


def forged(data: bytes, random: Random) -> bytes:
    """A file whose header, or whose list of arrays, was changed in one place and signed anew."""
    head, body, rest = parts(data)
    root = (
        body["header"] if random.random() < 0.8 else {k: v for k, v in head.items() if k[0] != "_"}
    )
    *way, last = _some(random, places(root)[1:])
    holder = root
    for key in way:
        holder = holder[key]
    choice = int(random.integers(3))
    if choice == 0:
        del holder[last]
    elif choice == 1 and isinstance(holder, list):
        holder.insert(last, holder[last])
    else:
        holder[last] = _some(random, EVIL)
    if root is not body["header"]:
        head = {**root, "__metadata__": head["__metadata__"]}
    return joined(head, signed(body), rest)


def _some(random: Random, values: Any) -> Any:
    return values[int(random.integers(len(values)))]
