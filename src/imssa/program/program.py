"""The compiled artefact: weight codes on arrays, registers, and what happens at each time step."""

from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import NDArray

from imssa.errors import FileFormatError
from imssa.hardware.description import ChipDescription
from imssa.places import AnyPath
from imssa.program.files import Arrays, Header, read_arrays, write_arrays
from imssa.program.operations import BY_NAME, Operation, Phase, Register
from imssa.program.rules import broken_rules
from imssa.program.schema import SCHEMA, SECTIONS, Entries, array_faults, schema_faults

KIND: Final = "imssa.program"


@dataclass(frozen=True)
class ArrayContents:
    """What one crossbar holds.

    Attributes:
        codes: Integer weight of each differential pair.
        written: Cells that are programmed; the others are never written.
        siemens_per_step: Conductance difference of one integer step on each pair.
        common_mode: Steps by which both devices of a pair stand above the bottom of the window
            besides the weight, so that a sound device answers for a stuck partner; None: none.
        targets_siemens: Conductance to which each written device is set where lines have resistance,
            so that the array as a whole holds the codes; bit line 2p is the plus device of pair p,
            2p + 1 the minus device. None, and on ideal wires: as codes and common mode say.
    """

    codes: Int64[np.ndarray, "word_lines pairs"]
    written: Bool[np.ndarray, "word_lines pairs"]
    siemens_per_step: Float64[np.ndarray, " pairs"]
    common_mode: Int64[np.ndarray, "word_lines pairs"] | None = None
    targets_siemens: Float64[np.ndarray, "word_lines bit_lines"] | None = None


@dataclass(frozen=True)
class Program:
    """Everything that a chip and its digital side need to run a network.

    Registers start at zero. ``start`` runs once a sequence, ``step`` at each time step after the
    input codes were put into register ``input``, ``end`` after the last step.

    Attributes:
        chip: What it is compiled for.
        registers: All registers, by name unique.
        arrays: Contents of the chip's arrays that are used.
        start: Operations at a sequence's start.
        step: Operations of one time step, in order.
        end: Operations after the last step.
        input: Register of the input codes.
        output: Register of the answer (one element).
        max_length: Longest sequence in steps.
        class_names: What the answers mean.
        preparation: How recordings become input codes (front end, normalization, input step).
        provenance: Where the program comes from.
    """

    chip: ChipDescription
    registers: tuple[Register, ...]
    arrays: tuple[ArrayContents, ...]
    start: tuple[Operation, ...]
    step: tuple[Operation, ...]
    end: tuple[Operation, ...]
    input: str
    output: str
    max_length: int
    class_names: tuple[str, ...]
    preparation: dict[str, Any]
    provenance: dict[str, Any]

    def register(self, name: str) -> Register:
        """The register of a name."""
        return next(r for r in self.registers if r.name == name)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The MVMs of one time step, in order."""
        return tuple(o for o in self.step if isinstance(o, Phase))

    @property
    def volt_per_step(self) -> float:
        """Word-line voltage of one DAC code."""
        return float(self.chip.read_voltage_volt / (2 ** (self.chip.converters.dac_bits - 1) - 1))


def save_program(program: Program, path: AnyPath) -> str:
    """Writes a program file; gives the SHA-256 of its content."""
    arrays: Arrays = {}
    header: Header = {
        "schema": SCHEMA,
        "chip": program.chip.model_dump(mode="json"),
        "registers": [[r.name, r.size, r.bits] for r in program.registers],
        "arrays": len(program.arrays),
        "input": program.input,
        "output": program.output,
        "max_length": program.max_length,
        "class_names": list(program.class_names),
        "preparation": program.preparation,
        "provenance": program.provenance,
        "volt_per_step": program.volt_per_step,
    }
    for number, contents in enumerate(program.arrays):
        for field in fields(ArrayContents):
            value = getattr(contents, field.name)
            if value is not None:
                arrays[f"array.{number}.{field.name}"] = (
                    value.astype(np.uint8) if value.dtype == bool else value
                )
    for section in SECTIONS:
        header[section] = [
            _encode(operation, f"{section}.{number}", arrays)
            for number, operation in enumerate(getattr(program, section))
        ]
    return write_arrays(Path(path), KIND, header, arrays)


def _encode(operation: Operation, prefix: str, arrays: Arrays) -> dict[str, Any]:
    record: dict[str, Any] = {"operation": type(operation).__name__}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
        else:
            record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


def load_program(path: AnyPath) -> Program:
    """Reads a program file and checks every rule of the format.

    Raises:
        FileFormatError: Damaged, of another kind or version, or breaking a rule of the format.
    """
    path = Path(path)
    header, arrays, _ = read_arrays(path, KIND, lambda *head: _require_head(path, *head))
    try:
        program = _decode(header, arrays)
        faults = broken_rules(program)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        faults = [f"{type(error).__name__}: {error}"]
    _require_none(path, faults)
    return program


def _require_head(path: Path, header: Header, entries: Entries) -> None:
    """Refuses a header of another version, or one that breaks its schema, before arrays are read."""
    schema = header.get("schema")
    if schema != SCHEMA:
        raise FileFormatError(
            given=f"{path} of schema {repr(schema)[:80]}",
            rule=f"this version of imssa reads {SCHEMA}",
            remedy="Compile the network again, or use the version of imssa that wrote it.",
        )
    _require_none(path, schema_faults(header) or list(islice(array_faults(header, entries), 5)))


def _require_none(path: Path, faults: list[str]) -> None:
    if faults:
        raise FileFormatError(
            given=str(path), rule="; ".join(faults[:5]), remedy="Compile the network again."
        )


def _decode(header: Header, arrays: Arrays) -> Program:
    sections = {
        section: tuple(
            _decode_operation(record, f"{section}.{number}", arrays)
            for number, record in enumerate(header[section])
        )
        for section in SECTIONS
    }
    contents = tuple(_decode_array(arrays, number) for number in range(header["arrays"]))
    program = Program(
        chip=ChipDescription.model_validate(header["chip"]),
        registers=tuple(Register(*parts) for parts in header["registers"]),
        arrays=contents,
        input=header["input"],
        output=header["output"],
        max_length=header["max_length"],
        class_names=tuple(header["class_names"]),
        preparation=header["preparation"],
        provenance=header["provenance"],
        **sections,
    )
    if header["volt_per_step"] != program.volt_per_step:
        msg = f"volt_per_step is {header['volt_per_step']}, {program.volt_per_step} is needed"
        raise ValueError(msg)
    return program


def _decode_array(arrays: Arrays, number: int) -> ArrayContents:
    common, targets = (f"array.{number}.{name}" for name in ("common_mode", "targets_siemens"))
    return ArrayContents(
        common_mode=arrays.get(common),
        targets_siemens=arrays.get(targets),
        codes=arrays[f"array.{number}.codes"],
        written=_booleans(arrays, f"array.{number}.written"),
        siemens_per_step=arrays[f"array.{number}.siemens_per_step"],
    )


def _booleans(arrays: Arrays, name: str) -> NDArray[np.bool_]:
    if np.any(arrays[name] > 1):
        msg = f"array {name} holds other bytes than 0 and 1"
        raise ValueError(msg)
    return arrays[name].astype(bool)


def _decode_operation(record: dict[str, Any], prefix: str, arrays: Arrays) -> Operation:
    kind = BY_NAME[record["operation"]]
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = record.get(field.name, arrays.get(f"{prefix}.{field.name}"))
        values[field.name] = tuple(value) if isinstance(value, list) else value
    operation: Operation = kind(**values)
    return operation
