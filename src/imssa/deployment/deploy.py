"""A chip of unknown defects made to run a network: scanned, compiled for, written."""

from dataclasses import replace
from typing import Any

from imssa.crossbar.chip import Chip
from imssa.crossbar.executor import write_program
from imssa.deployment.scan import scan
from imssa.mapping import Measures, Tailored, TailoredCompiler, require_served
from imssa.mapping.losses import LARGEST_ERROR
from imssa.mapping.tailored import EVERYTHING
from imssa.mapping.wire_targets import for_wires


def deploy(
    compiler: TailoredCompiler,
    chip: Chip,
    provenance: dict[str, Any],
    measures: Measures = EVERYTHING,
    largest_error: float = LARGEST_ERROR,
) -> Tailored:
    """Scans a chip, compiles for its defects and wires, and writes the program.

    Args:
        compiler: Of the network, for chips of this description; serves any number of chips.
        chip: The chip; what was written on it is lost.
        provenance: Kept in the program.
        measures: What is done against defects.
        largest_error: Largest predicted relative error of a kernel that is let through.

    Returns:
        The program that stands on the chip, and what its defects still cost.

    Raises:
        DesignRuleError: The chip has more defects than can be served; nothing of the program is
            written then.
    """
    defects = scan(chip, compiler.chip)
    tailored = compiler.compile(defects, provenance, measures)
    require_served(tailored.losses, compiler.chip.name, largest_error)
    if compiler.chip.wires is not None:
        wired = for_wires(tailored.program, defects)
        shares = tuple(array.shares for array in wired.arrays)
        tailored = replace(tailored, program=wired.program, shares=shares)
    write_program(tailored.program, chip)
    return tailored
