"""What a run leaves: answers, codes, and counts."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from imssa.errors import ShapeError
from imssa.kernels.codes import code_max
from imssa.program.program import Program


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
