"""Faults of a configuration in words: the user's keys, what was given, the nearest valid key."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from imssa.hardware.devices import LAW_NAMES


def faults_in_words(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line a fault, in order.

    Args:
        error: What validation found.
        model: The model that was validated, for the names of its keys.
    """
    return [_fault(detail, model) for detail in error.errors()]


def listed(faults: list[str]) -> str:
    """Faults as the middle of an error text."""
    count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
    return "\n".join([count, *(f"  - {fault}" for fault in faults), "It has to be valid"])


def _fault(detail: Any, model: type[BaseModel]) -> str:
    path = [str(part) for part in detail["loc"]]
    names = [part for part in path if part not in LAW_NAMES]
    key = ".".join(names) or "description"
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(path[-1], _keys(model, path[:-1]), n=1, cutoff=0.5)
        hint = f"; did you mean {'.'.join([*names[:-1], close[0]])}?" if close else ""
        return f"{key}: unknown key{hint}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    given = detail.get("input")
    told = detail["type"] in {"missing", "rule"} or isinstance(given, dict | BaseModel)
    return f"{key}: {message}" + ("" if told else f" (given: {given!r})")


def _keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Valid keys of the section at a path; a law's name on the path chooses among laws."""
    sections = [model]
    for part in path:
        chosen = [s for s in sections if "law" in s.model_fields]
        chosen = [s for s in chosen if s.model_fields["law"].default == part]
        found = [m for s in sections if part in s.model_fields for m in _models(s, part)]
        sections = chosen or found
    return sorted({key for section in sections for key in section.model_fields})


def _models(section: type[BaseModel], field: str) -> Iterator[type[BaseModel]]:
    stack = [section.model_fields[field].annotation]
    while stack:
        annotation = stack.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        else:
            stack.extend(get_args(annotation))
