"""The MVMs of a program as their cost sees them."""

from collections.abc import Sequence

from imssa.cost.analog import Read, drive_bits
from imssa.cost.devices import Conductances, device_watt, expected_conductances
from imssa.cost.drives import Drives
from imssa.cost.ranges import ZERO, Range
from imssa.errors import ShapeError
from imssa.program.operations import Phase
from imssa.program.program import Program


def read_of(phase: Phase, program: Program, watt: Range = ZERO) -> Read:
    """One phase.

    Args:
        phase: The phase.
        program: Its program.
        watt: Power of the devices, summed over passes.
    """
    chip = program.chip
    return Read(
        lines=len(phase.word_lines),
        pairs=len(phase.pairs),
        passes=len(chip.converters.passes),
        drive_bits=drive_bits(chip.converters),
        adc_bits=chip.converters.adc_bits,
        cells=chip.arrays.bit_lines,
        watt=watt,
        phase_seconds=chip.phase_seconds,
    )


def reads_of(
    program: Program, drives: Drives, conductances: Sequence[Conductances] | None = None
) -> tuple[Read, ...]:
    """All phases of a time step.

    Args:
        program: The program.
        drives: How hard lines are driven.
        conductances: Of each array, as a chip reads them back; None: what is expected.

    Raises:
        ShapeError: Conductances of another number of arrays, or of another shape.
    """
    held = expected_conductances(program) if conductances is None else tuple(conductances)
    shape = (program.chip.arrays.word_lines, program.chip.arrays.bit_lines)
    if len(held) != len(program.arrays) or any(one.shape != shape for one in held):
        raise ShapeError(
            given=f"conductances of {len(held)} arrays, {[one.shape for one in held][:3]}",
            rule=f"the program has {len(program.arrays)} arrays of {shape}",
            remedy="Give what Chip.read gives for each array of the program.",
        )
    return tuple(
        read_of(phase, program, device_watt(phase, program.chip, held[phase.array], squares))
        for phase, squares in zip(program.phases, drives.squares, strict=True)
    )
