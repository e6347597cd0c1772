"""The poles of a written chip, mode by mode."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float64

from imssa.crossbar.chip import Chip
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.impulse import Dynamics, Wanted, state_matrix
from imssa.mapping.layout import Place
from imssa.mapping.wire_targets import held_weights

Block = Float64[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class ModeReading:
    """One mode as it stands on a chip.

    Attributes:
        layer: Layer of its kernel.
        feature: Feature of its kernel.
        mode: Its number in the kernel.
        array: The array.
        pole: Magnitude of its pole.
        wanted: Magnitude in the integer network.
    """

    layer: int
    feature: int
    mode: int
    array: int
    pole: float
    wanted: float

    @property
    def stable(self) -> bool:
        """Whether its register does not grow by itself."""
        return self.pole <= 1.0 + 1e-9

    @property
    def slower(self) -> float:
        """Its time constant as a multiple of the wanted one; infinite where it never decays."""
        if self.pole >= 1.0:
            return float("inf")
        held, asked = (-1 / np.log(max(p, 1e-12)) for p in (self.pole, min(self.wanted, 1 - 1e-12)))
        return float(held / asked)

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"mode {self.mode} of kernel {self.feature} of layer {self.layer}"


def held_blocks(compiler: TailoredCompiler, tailored: Tailored, chip: Chip) -> list[Block]:
    """Weights in codes that a chip holds for each kernel, its signs taken out.

    From the conductances and what the description says of wires; cells that join kernels are left out.
    """
    return blocks_in(compiler, tailored, held_arrays(tailored, chip))


def held_arrays(tailored: Tailored, chip: Chip) -> list[Float64[np.ndarray, "word_lines pairs"]]:
    """Weights in siemens that all arrays hold, wires and what targets gave up for them included."""
    return [held_array(tailored, chip, n) for n in range(len(tailored.program.arrays))]


def held_array(
    tailored: Tailored, chip: Chip, number: int
) -> Float64[np.ndarray, "word_lines pairs"]:
    """The same of one array."""
    weights = held_weights(tailored.program, number, chip.read(number))
    return weights / tailored.shares[number] if tailored.shares else weights


def blocks_in(
    compiler: TailoredCompiler,
    tailored: Tailored,
    arrays: list[Float64[np.ndarray, "word_lines pairs"]],
) -> list[Block]:
    """Weights in codes of each kernel in arrays that were read, its signs taken out."""
    found = []
    for place in tailored.places:
        step = compiler.chip.window_siemens / compiler.line_max[place.layer]  # its own codes
        found.append(place.signs * arrays[place.array][place.cells] / step)
    return found


def read_modes(
    compiler: TailoredCompiler, tailored: Tailored, chip: Chip
) -> tuple[ModeReading, ...]:
    """Reads a chip back and tells every mode's pole; those switched off are left out.

    Args:
        compiler: That made the program.
        tailored: The program, and where its kernels stand.
        chip: To which it was written.
    """
    return modes_in(compiler, tailored, held_arrays(tailored, chip))


def modes_in(
    compiler: TailoredCompiler,
    tailored: Tailored,
    arrays: list[Float64[np.ndarray, "word_lines pairs"]],
) -> tuple[ModeReading, ...]:
    """The same of arrays that were read."""
    found: list[ModeReading] = []
    for place, block in zip(tailored.places, blocks_in(compiler, tailored, arrays), strict=True):
        wanted = compiler.wanted[place.layer].of(place.feature)
        found += _of_kernel(place, block, wanted)
    return tuple(found)


def _of_kernel(place: Place, block: Block, wanted: Wanted) -> list[ModeReading]:
    held, asked = (mode_poles(b, wanted.dynamics) for b in (block, wanted.blocks))
    on = place.rows.sign[:-1:2] != 0
    return [
        ModeReading(
            place.layer, place.feature, int(m), place.array, float(held[m]), float(asked[m])
        )
        for m in np.flatnonzero(on)
    ]


def mode_poles(block: Block, dynamics: Dynamics) -> Float64[np.ndarray, " modes"]:
    """Magnitude of each mode's pole in the recurrence of one whole kernel.

    Wrong weights join the modes of a kernel, so a pole belongs to none of them alone. It is given to
    the mode that takes part in it most: with right eigenvectors V of the state matrix, state k's part
    in pole i is |V_ki (V^-1)_ik| (participation factors: Perez-Arriaga, Verghese, Schweppe, IEEE
    Trans. Power App. Syst. 101, 1982). A mode to which no pole is given has that of its own states.

    Args:
        block: Weights of one kernel in codes.
        dynamics: What surrounds them.
    """
    matrix = state_matrix(block, dynamics)
    modes = len(matrix) // 2
    own = np.array([np.abs(_eigen(matrix[_of(m), _of(m)])).max() for m in range(modes)])
    value, vector = np.linalg.eig(matrix)
    part = np.abs(vector * np.linalg.pinv(vector).T).reshape(modes, 2, -1).sum(axis=1)
    owner = part.argmax(axis=0)
    given = [np.abs(value[owner == m]).max(initial=0.0) for m in range(modes)]
    return np.where(np.isin(np.arange(modes), owner), given, own)


def _of(mode: int) -> slice:
    return slice(2 * mode, 2 * mode + 2)


def _eigen(matrix: Float64[np.ndarray, "n n"]) -> Complex128[np.ndarray, " n"]:
    return np.asarray(np.linalg.eigvals(matrix), np.complex128)
