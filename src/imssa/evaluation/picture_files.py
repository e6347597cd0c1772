"""The file of the arrays behind a page's pictures."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Complex128, Float64

from imssa.errors import FileFormatError
from imssa.evaluation.pictures import (
    ConductanceMap,
    ConverterUse,
    ImpulseResponses,
    IrDrop,
    KernelTrace,
    Pictures,
    Poles,
    ReadSpread,
    Skipped,
    WritingLaw,
)
from imssa.program.files import Arrays, read_arrays, write_arrays

KIND: Final = "imssa.pictures"
SCHEMA: Final = "imssa.pictures/4"
READ: Final = ("imssa.pictures/3", SCHEMA)
"""Version 3 lacks impulse responses, converters and the chip's poles."""

GROUPS: Final[dict[str, type[Any]]] = {
    "traces": KernelTrace,
    "conductances": ConductanceMap,
    "poles": Poles,
    "writing": WritingLaw,
    "ir_drop": IrDrop,
    "reads": ReadSpread,
    "skipped": Skipped,
    "responses": ImpulseResponses,
    "converters": ConverterUse,
}
"""Fields of ``Pictures`` and what they hold: several in a tuple, or one or None."""
LATER: Final = ("responses", "converters")
"""Fields that files of version 3 have not."""
SEVERAL: Final = ("traces", "conductances", "skipped", "responses", "converters")


def save_pictures(pictures: Pictures, path: Path) -> None:
    """Writes the arrays, so that a page can be made again without running anything.

    Raises:
        OutputError: The place cannot be written.
    """
    arrays: Arrays = {}
    groups = {name: getattr(pictures, name) for name in GROUPS}
    groups = {n: g if n in SEVERAL else () if g is None else (g,) for n, g in groups.items()}
    header = {
        group: [_flatten(part, f"{group}.{n}", arrays) for n, part in enumerate(parts)]
        for group, parts in groups.items()
    }
    write_arrays(path, KIND, {"schema": SCHEMA, **header}, arrays)


def _flatten(part: Any, prefix: str, arrays: Arrays) -> dict[str, Any]:
    plain = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            pairs = value.view(np.float64).reshape(-1, 2) if value.dtype == complex else value
            arrays[f"{prefix}.{field.name}"] = pairs
        else:
            plain[field.name] = value
    return plain


def load_pictures(path: Path) -> Pictures:
    """Reads what ``save_pictures`` wrote.

    Raises:
        FileFormatError: Missing, damaged, or of another kind or version.
    """
    header, arrays, _ = read_arrays(path, KIND)
    if header.get("schema") not in READ:
        raise FileFormatError(
            given=f"{path} of schema {header.get('schema')!r}",
            rule=f"this version of imssa reads {SCHEMA}",
            remedy="Run the simulation again.",
        )
    try:
        found: dict[str, Any] = {}
        for name, kind in GROUPS.items():
            parts = _parts(kind, name, header, arrays)
            found[name] = parts if name in SEVERAL else parts[0] if parts else None
        return Pictures(**found)
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            given=str(path),
            rule=f"a part is missing ({error})",
            remedy="Run the simulation again.",
        ) from error


def _parts(kind: Any, group: str, header: dict[str, Any], arrays: Arrays) -> tuple[Any, ...]:
    parts = []
    for number, plain in enumerate(header.get(group, ()) if group in LATER else header[group]):
        values = dict(plain)
        for field in fields(kind):
            name = f"{group}.{number}.{field.name}"
            if name in arrays:
                complex_ = field.name.endswith("_poles")
                values[field.name] = _complex(arrays[name]) if complex_ else arrays[name]
        parts.append(kind(**values))
    return tuple(parts)


def _complex(pairs: Float64[np.ndarray, "n 2"]) -> Complex128[np.ndarray, " n"]:
    return np.asarray(pairs[:, 0] + 1j * pairs[:, 1])
