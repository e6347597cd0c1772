"""The JSON schema of a program's header, and what a file must be before its arrays are read.

``program-1.schema.json`` beside this module is what drivers in other languages take; it is made from
the code by `imssa.program.schema_source`. JSON Schema 2020-12, with two additions: an integer is
written without point or exponent, and ``x-arrays``, which validators ignore, names the arrays that
belong to a record, each with its element type and axes.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from imssa.program.containers import Entry

if TYPE_CHECKING:
    from jsonschema import ValidationError

SCHEMA: Final = "imssa.program/1"
SCHEMA_FILE: Final = "program-1.schema.json"
SECTIONS: Final = ("start", "step", "end")

Schema = dict[str, Any]
Entries = Mapping[str, Entry]


@cache
def shipped_schema() -> Schema:
    """The schema that is shipped with the package."""
    text = files("imssa.program").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    found: Schema = json.loads(text)
    return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return extend(Draft202012Validator, type_checker=checker)(shipped_schema())


def schema_faults(header: Schema, most: int = 5) -> list[str]:
    """Where a header breaks the schema, each as a JSON path and what is wrong there."""
    return list(_too_long(header)) or [
        _words(error) for error in islice(_validator().iter_errors(header), most)
    ]


def _too_long(header: Schema) -> Iterator[str]:
    """Lists too long to be looked through."""
    for name, part in shipped_schema()["properties"].items():
        value, most = header.get(name), part.get("maxItems")
        if isinstance(value, list) and most is not None and len(value) > most:
            yield f"$.{name}: {len(value):,} items, at most {most:,} are allowed"


def _words(error: "ValidationError") -> str:
    """The innermost reason, short enough to read."""
    from jsonschema.exceptions import best_match

    inner = best_match([error]) or error
    message = inner.message
    if len(message) > 160:
        message = f"{message[:80]} ... {message[-75:]}"
    return f"{inner.json_path}: {message}"


def array_faults(header: Schema, entries: Entries) -> Iterator[str]:
    """Where a file's arrays are not those that its (valid) header speaks of."""
    expected = dict(_expected(header, entries))
    for name in sorted(expected.keys() - entries.keys()):
        yield f"it lacks the array {name}"
    for name in sorted(entries.keys() - expected.keys()):
        yield f"it has an array {name[:80]!r} that no record speaks of"
    for name in sorted(expected.keys() & entries.keys()):
        dtype, shape = expected[name]
        entry = entries[name]
        fits = [size in {None, actual} for size, actual in zip(shape, entry.shape, strict=False)]
        if entry.dtype != dtype or len(entry.shape) != len(shape) or not all(fits):
            words = " x ".join("any" if size is None else str(size) for size in shape)
            found = f"{entry.dtype[:8]} {list(entry.shape[:8])}"
            yield f"array {name} is {found}, {dtype} of {words} is needed"


def _expected(
    header: Schema, entries: Entries
) -> Iterator[tuple[str, tuple[str, tuple[int | None, ...]]]]:
    definitions = shipped_schema()["$defs"]
    size = header["chip"]["arrays"]
    pairs = size["bit_lines"] // 2
    known = {"word_lines": size["word_lines"], "pairs": pairs, "bit_lines": 2 * pairs}
    for number in range(header["arrays"]):
        for field, kind in definitions["array"]["x-arrays"].items():
            name = f"array.{number}.{field}"
            if kind["required"] or name in entries:
                yield name, (kind["dtype"], tuple(known[axis] for axis in kind["axes"]))
    for section in SECTIONS:
        for number, record in enumerate(header[section]):
            for field, kind in definitions[record["operation"]]["x-arrays"].items():
                shape = (None,) * len(kind["axes"])
                yield f"{section}.{number}.{field}", (kind["dtype"], shape)
