"""Makes the JSON schema of a program's header from the code.

``python -m imssa.program.schema_source`` prints it; what is shipped (`imssa.program.schema`) is kept
equal to it by a test.
"""

import json
from dataclasses import fields
from typing import Any, Final, get_origin

from imssa.hardware.description import ChipDescription
from imssa.program.operations import BY_NAME
from imssa.program.program import ArrayContents
from imssa.program.rules import MAX_ELEMENTS
from imssa.program.schema import SCHEMA, SECTIONS, Schema

NAME: Final = r"^[A-Za-z_][A-Za-z0-9_.-]*$(?!\n)"
MAX_LENGTH: Final = 2**31 - 1
MAX_OPERATIONS: Final = 2**18
MAX_REGISTERS: Final = 2**16
ELEMENTS: Final = {"Int64": "I64", "Float64": "F64", "Bool": "U8"}
"""Element types by annotation, in safetensors' words; booleans are kept as bytes 0 and 1."""


def header_schema() -> Schema:
    """The schema, made from the records, the chip description and the limits of the format."""
    chip = _bare(ChipDescription.model_json_schema(ref_template="#/$defs/{model}"))
    laws = chip.pop("$defs")
    records = {name: _record(kind) for name, kind in BY_NAME.items()}
    name = {"type": "string", "pattern": NAME, "maxLength": 100}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Header of {SCHEMA}",
        **_object(_header_fields()),
        "$defs": {
            **dict(sorted(laws.items())),
            "ChipDescription": chip,
            **records,
            "name": name,
            "operation": _choice(sorted(BY_NAME, key=lambda kind: kind != "Phase")),
            "register": _tuple(
                {"$ref": "#/$defs/name"}, _integer(1, MAX_ELEMENTS), _integer(2, 32)
            ),
            "array": {"x-arrays": _arrays_of(ArrayContents)},
        },
    }


def _header_fields() -> Schema:
    section = {
        "type": "array",
        "maxItems": MAX_OPERATIONS,
        "items": {"$ref": "#/$defs/operation"},
    }
    name = {"$ref": "#/$defs/name"}
    registers = {
        "type": "array",
        "maxItems": MAX_REGISTERS,
        "items": {"$ref": "#/$defs/register"},
    }
    return {
        "schema": {"const": SCHEMA},
        "chip": {"$ref": "#/$defs/ChipDescription"},
        "registers": registers,
        "arrays": _integer(0, 4096),
        "input": name,
        "output": name,
        "max_length": _integer(1, MAX_LENGTH),
        "class_names": {"type": "array", "maxItems": MAX_ELEMENTS, "items": {"type": "string"}},
        "preparation": {"type": "object"},
        "provenance": {"type": "object"},
        "volt_per_step": {"type": "number", "exclusiveMinimum": 0},
        **dict.fromkeys(SECTIONS, section),
    }


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _tuple(*items: Schema) -> Schema:
    return {"type": "array", "prefixItems": list(items), "items": False, "minItems": len(items)}


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _record(kind: type) -> Schema:
    """Schema of one operation's record; its arrays stand beside the header."""
    name = {"$ref": "#/$defs/name"}
    properties: Schema = {"operation": {"const": kind.__name__}}
    for field in fields(kind):
        if field.type is str:
            properties[field.name] = name
        elif field.type is int:
            properties[field.name] = _integer(0, 4095)
        elif get_origin(field.type) is tuple:
            properties[field.name] = {"type": "array", "maxItems": 4096, "items": name}
    return _object(properties) | {"x-arrays": _arrays_of(kind)}


def _arrays_of(kind: type) -> Schema:
    """Arrays of a record by field: element type, axes, and whether they may be missing."""
    found: Schema = {}
    for field in fields(kind):
        kinds = [field.type, *getattr(field.type, "__args__", ())]
        for annotation in kinds:
            if hasattr(annotation, "dim_str"):
                found[field.name] = {
                    "dtype": ELEMENTS[annotation.__name__.split("[")[0]],
                    "axes": annotation.dim_str.split(),
                    "required": annotation is field.type,
                }
    return found


def _choice(names: list[str]) -> Schema:
    """The record that ``operation`` names, the first asked first: nested if, then, else."""
    schema: Schema = {
        "required": ["operation"],
        "properties": {"operation": {"enum": names}},
    }
    for name in reversed(names):
        schema = {
            "if": {"properties": {"operation": {"const": name}}, "required": ["operation"]},
            "then": {"$ref": f"#/$defs/{name}"},
            "else": schema,
        }
    return {"type": "object", **schema}


def _bare(schema: Any) -> Any:
    """A schema without prose: the page on the format says what fields mean."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"properties", "$defs"}
    return {
        key: {k: _bare(v) for k, v in value.items()} if key in named else _bare(value)
        for key, value in schema.items()
        if key not in {"title", "description", "discriminator"}
    }


if __name__ == "__main__":
    print(json.dumps(header_schema(), indent=1))  # noqa: T201
