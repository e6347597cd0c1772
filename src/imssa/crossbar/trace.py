"""What a run leaves: answers, codes, and counts."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int64

from imssa.errors import DesignRuleError, ShapeError
from imssa.hardware.description import EFFECTS, ChipDescription
from imssa.kernels.codes import code_max
from imssa.program.program import Program
from imssa.program.rules import reads_have_addresses


@dataclass(frozen=True)
class Trace:
    """What running a program leaves.

    Attributes:
        answers: Class of each sequence, (chips, batch) or (batch,).
        final: Registers after the last operation, (..., batch, size) by name.
        steps: Recorded registers after each time step, (..., batch, length, size) by name; zero
            beyond a sequence's length.
    """

    answers: Int64[np.ndarray, "*chips batch"]
    final: dict[str, Int64[np.ndarray, "..."]]
    steps: dict[str, Int64[np.ndarray, "..."]] = field(default_factory=dict)


def require_inputs(
    program: Program,
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
) -> None:
    """Refuses inputs that the program cannot take.

    Raises:
        ShapeError: Another number of features, or lengths out of range.
    """
    features = program.register(program.input).size
    if inputs.ndim != 3 or inputs.shape[2] != features or not len(inputs):
        raise ShapeError(
            given=f"inputs of shape {inputs.shape}",
            rule=f"the program takes (batch, length, {features})",
            remedy="Use the front end that is stored with the program.",
        )
    longest = min(program.max_length, inputs.shape[1])
    if lengths.shape != (len(inputs),) or lengths.min() < 1 or lengths.max() > longest:
        raise ShapeError(
            given=f"lengths {lengths.tolist()[:5]} ...",
            rule=f"each of the {len(inputs)} sequences has a length from 1 to {longest}",
            remedy="Crop the sequences, or compile a network with a larger max_length.",
        )
    largest = code_max(program.register(program.input).bits)
    real = inputs[np.arange(inputs.shape[1]) < lengths[:, None]]
    if real.max() > largest or real.min() < -largest:
        raise ShapeError(
            given=f"input codes from {real.min()} to {real.max()}",
            rule=f"the input register holds {-largest} to {largest}",
            remedy="Make codes with the input step that is stored with the program.",
        )


def require_addresses(program: Program) -> None:
    """Refuses a program with more reads a time step than read noise can tell apart.

    Raises:
        DesignRuleError: Naming phases and passes.
    """
    for fault in reads_have_addresses(program):
        raise DesignRuleError(
            given=f"a program compiled for {program.chip.name}",
            rule=fault,
            remedy="Use more arrays and fewer phases, or converters with fewer passes.",
        )


def require_chip(program: Program, chip: ChipDescription) -> None:
    """Refuses a chip that a program was not compiled for; only the devices' errors may differ.

    Refuses a program too whose reads have no addresses of their own (`imssa.program.rules`).

    Args:
        program: The program.
        chip: What it is to run on.

    Raises:
        DesignRuleError: Naming every difference, or the number of reads.
    """
    require_addresses(program)
    ours, theirs = (_fixed(c) for c in (program.chip, chip))
    faults = [f"{key} {ours[key]} and {theirs[key]}" for key in ours if ours[key] != theirs[key]]
    if len(program.arrays) > chip.arrays.count:
        faults.append(f"it uses {len(program.arrays)} arrays of {chip.arrays.count}")
    if faults:
        raise DesignRuleError(
            given=f"a program compiled for {program.chip.name}, on {chip.name}",
            rule=f"program and chip differ in: {'; '.join(faults)}",
            remedy="Compile the network for this chip.",
        )


def _fixed(chip: ChipDescription) -> dict[str, Any]:
    """What the codes of a program rely on: all but names, limits, errors and the number of arrays."""
    limits = {"word_line_current_max_ampere", "phase_seconds"}
    left_out = {"name", "source", "age_seconds", *limits, *EFFECTS}
    fixed: dict[str, Any] = {}
    for key, value in chip.model_dump(mode="json", exclude=left_out).items():
        parts = value if isinstance(value, dict) else {None: value}
        fixed |= {f"{key}.{name}" if name else key: inner for name, inner in parts.items()}
    del fixed["arrays.count"]
    return fixed
