"""Whether the defect map of a tailored program's chip is still the one it was compiled for."""

import hashlib

from imssa.errors import FileFormatError
from imssa.hardware import ChipDescription, DefectMap, read_defect_map
from imssa.program import Program


def own_map(chip: ChipDescription) -> DefectMap | None:
    """The map that a chip's description names, if it names one.

    Raises:
        FileFormatError: It cannot be read, or is not one of such a chip.
    """
    if chip.defect_map is None:
        return None
    shape = (chip.arrays.word_lines, chip.arrays.bit_lines)
    return read_defect_map(chip.defect_map, chip.arrays.count, shape)


def map_digest(defects: DefectMap) -> str:
    """SHA-256 of a map's devices."""
    return hashlib.sha256(b"".join(matrix.tobytes() for matrix in defects.arrays)).hexdigest()


def require_own_map(program: Program) -> None:
    """Refuses a program whose chip's map was replaced since it was compiled.

    Raises:
        FileFormatError: The map is another one, or cannot be read.
    """
    kept = program.provenance.get("compiled", {}).get("defects_sha256")
    defects = own_map(program.chip) if kept is not None else None
    if defects is not None and map_digest(defects) != kept:
        raise FileFormatError(
            given=f"defect map {program.chip.defect_map}",
            rule="it is not the map that this program was compiled for",
            remedy="Restore that map, or compile the network for this one.",
        )
