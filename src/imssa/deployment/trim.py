"""Cells of a written chip written again until the kernels answer as they should.

A device is written within a tolerance of its own, the same for all. What an error does to the answer of
a kernel differs by orders of magnitude between cells: a hundredth of the window on the damping of a
slow mode is a different mode, on a fast one it is nothing. So a written chip is read back, and the
cells that move the impulse response of their kernel by more than a share are written again, each time
with an error of its own, and read back, until none is left or all have had their tries; the tolerance
grows from round to round. What cannot be brought to decay is switched off. No recordings are needed.

Reading back must wait until conductances have settled: what is judged is what stays.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Int8, Int64

from imssa.crossbar.chip import Chip
from imssa.deployment.harm import Arrays, Harm
from imssa.deployment.modes import ModeReading, blocks_in, held_array, held_arrays, modes_in
from imssa.errors import DesignRuleError
from imssa.hardware.defects import SOUND
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.impulse import squared_errors
from imssa.mapping.layout import Place
from imssa.program.operations import Phase
from imssa.program.program import Program

SLOWER: Final = 4.0
"""A time constant this many times the wanted one is too long."""

CELL_ERROR: Final = 0.02
"""Share of a kernel's impulse response (2-norm) by which one cell may be wrong."""

ROUNDS: Final = 32
"""How often a cell is written again at most."""

LENIENT: Final = 3.0
"""Doublings of the tolerance until the last round, for cells that few errors are small enough for."""

SHOWN: Final = 8


@dataclass(frozen=True, eq=False)
class Trimmed:
    """A chip whose kernels answer as near as its cells can be written, and whose modes all decay.

    Attributes:
        tailored: The program as it is to be run: modes that were switched off are neither driven nor
            read; recalibrate it, so that the read-out makes up for them.
        found: Modes that were too slow or unstable after the first writing.
        rewritten: Cells that were written again, each as often as it was.
        rounds: How often cells were written again, `ROUNDS` times at most.
        wrong: Cells that still do more harm than the tolerance, which is `LENIENT` times doubled then: of
            defects, or of errors that are the same each time.
        switched_off: Modes that were still too slow or unstable afterwards.
        kept: Of these, modes that are stable and do less harm than their absence; left as they are.
    """

    tailored: Tailored
    found: tuple[ModeReading, ...]
    rewritten: int
    rounds: int
    wrong: int
    switched_off: tuple[ModeReading, ...]
    kept: tuple[ModeReading, ...]


def trim(
    compiler: TailoredCompiler,
    tailored: Tailored,
    chip: Chip,
    slower: float = SLOWER,
    cell_error: float = CELL_ERROR,
) -> Trimmed:
    """Reads a chip back, writes cells again that harm their kernels, and switches off what stays bad.

    Args:
        compiler: That made the program.
        tailored: The program, as it stands on the chip.
        chip: The chip; it must be able to write single cells, unless none is wrong.
        slower: Largest time constant that is let through, as a multiple of the wanted one.
        cell_error: Share of a kernel's impulse response by which one cell may be wrong; it doubles
            `LENIENT` times until the last round.

    Raises:
        DesignRuleError: The program corrects cells digitally, which conductances do not show.
        MissingToolError: The chip cannot write single cells.
    """
    if tailored.corrections:
        raise DesignRuleError(
            given=f"a program that corrects {len(tailored.corrections)} cells digitally",
            rule="modes are judged by conductances, and those of corrected cells look wrong",
            remedy="Compile with Measures(correct=0) where modes are to be trimmed.",
        )
    held = held_arrays(tailored, chip)
    found = _bad(modes_in(compiler, tailored, held), slower)
    rewritten, rounds, wrong = _rewrite(compiler, tailored, chip, held, cell_error)
    left = _bad(modes_in(compiler, tailored, held), slower)
    harmful = _harmful(compiler, tailored, held, left)
    off = tuple(mode for mode, bad in zip(left, harmful, strict=True) if bad)
    kept = tuple(mode for mode, bad in zip(left, harmful, strict=True) if not bad)
    return Trimmed(switched_off(tailored, off), found, rewritten, rounds, wrong, off, kept)


def require_stable(readings: tuple[ModeReading, ...], slower: float = SLOWER) -> None:
    """Refuses a chip with modes that are unstable or too slow.

    Args:
        readings: As of `read_modes`.
        slower: Largest time constant that is let through, as a multiple of the wanted one.

    Raises:
        DesignRuleError: Naming them.
    """
    bad = _bad(readings, slower)
    if bad:
        named = [f"{mode.name} has a pole of {mode.pole:.4f} for {mode.wanted:.4f}" for mode in bad]
        more = [f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
        raise DesignRuleError(
            given=f"a chip with {len(bad)} bad modes of {len(readings)}",
            rule=f"time constants are at most {slower:g} times the wanted ones: "
            + "; ".join([*named[:SHOWN], *more]),
            remedy="Trim the chip (imssa.deployment.trim), write it again, or allow slower modes.",
        )


def switched_off(tailored: Tailored, modes: tuple[ModeReading, ...]) -> Tailored:
    """The program with modes neither driven nor read any more; the arrays stay as they are."""
    program, places, blocks = tailored.program, list(tailored.places), list(tailored.blocks)
    for mode in modes:
        number = _place_of(places, mode)
        lines = 2 * mode.mode + np.arange(2)
        sides = (side.without(lines) for side in (places[number].rows, places[number].columns))
        rows, columns = sides
        per_kernel = len(rows) - 1
        places[number] = replace(places[number], rows=rows, columns=columns)
        blocks[number] = blocks[number].copy()
        blocks[number][lines] = blocks[number][:, lines] = 0.0
        program = without_states(program, mode.layer, mode.feature * per_kernel + lines)
    return replace(tailored, program=program, places=tuple(places), blocks=tuple(blocks))


def without_states(program: Program, layer: int, states: Int64[np.ndarray, " states"]) -> Program:
    """The program without the word lines that states drive and the pairs from which they are read.

    Their ADC codes are then never written, so that their registers stay at zero.
    """
    step = tuple(_without(o, layer, states) if isinstance(o, Phase) else o for o in program.step)
    return replace(program, step=step)


def _without(phase: Phase, layer: int, states: Int64[np.ndarray, " states"]) -> Phase:
    state, adc = f"state.{layer}", f"adc.{layer}"
    line = _others(phase.drive, state, phase.drive_register, phase.drive_index, states)
    pair = _others(phase.read, adc, phase.read_register, phase.read_index, states)
    of_lines = ("word_lines", "drive_register", "drive_index", "drive_sign", "drive_shift")
    of_pairs = ("pairs", "read_register", "read_index", "read_sign", "full_scale")
    kept = {name: getattr(phase, name)[line] for name in of_lines}
    kept |= {name: getattr(phase, name)[pair] for name in (*of_pairs, "full_scale_shift")}
    return replace(phase, **kept)


def _others(
    names: tuple[str, ...],
    name: str,
    register: Int64[np.ndarray, " lines"],
    index: Int64[np.ndarray, " lines"],
    states: Int64[np.ndarray, " states"],
) -> Bool[np.ndarray, " lines"]:
    """Which lines belong to none of the states."""
    if name not in names:
        return np.ones(len(register), np.bool_)
    return np.asarray((register != names.index(name)) | ~np.isin(index, states))


def _rewrite(
    compiler: TailoredCompiler, tailored: Tailored, chip: Chip, held: Arrays, cell_error: float
) -> tuple[int, int, int]:
    """Writes cells until none does harm; how many, in how many rounds, and how many are left.

    What arrays hold is brought up to date in place.
    """
    arrays, harm, total = tailored.program.arrays, Harm(compiler, tailored), 0
    cells = [
        contents.written & ~_both_defective(defects)[:, : contents.written.shape[1]]
        for contents, defects in zip(arrays, tailored.defects.arrays, strict=False)
    ]
    for number in range(ROUNDS + 1):
        doublings = LENIENT * min(1.0, number / (ROUNDS - 1))
        cells = harm.cells(held, cells, cell_error * 2.0**doublings)
        count = sum(int(mask.sum()) for mask in cells)
        if not count or number == ROUNDS:
            break
        for array in [n for n, mask in enumerate(cells) if mask.any()]:
            chip.rewrite(array, arrays[array], cells[array])
            held[array] = held_array(tailored, chip, array)
        total += count
    return total, number, count


def _both_defective(
    defects: Int8[np.ndarray, "word_lines bit_lines"],
) -> Bool[np.ndarray, "word_lines pairs"]:
    """Pairs that hold the same whatever is written."""
    return np.asarray((defects[:, 0::2] != SOUND) & (defects[:, 1::2] != SOUND))


def _bad(readings: tuple[ModeReading, ...], slower: float) -> tuple[ModeReading, ...]:
    return tuple(mode for mode in readings if not mode.stable or mode.slower > slower)


def _harmful(
    compiler: TailoredCompiler, tailored: Tailored, held: Arrays, modes: tuple[ModeReading, ...]
) -> list[bool]:
    """Whether a kernel comes nearer to the wanted answer without each of the modes.

    An unstable mode does harm in any case: what it does grows with the sequence.
    """
    blocks, found = blocks_in(compiler, tailored, held), []
    for mode in modes:
        block = blocks[_place_of(list(tailored.places), mode)]
        without, lines = block.copy(), 2 * mode.mode + np.arange(2)
        without[lines] = without[:, lines] = 0.0
        wanted = compiler.wanted[mode.layer].of(mode.feature)
        nearer = squared_errors(without, wanted) < squared_errors(block, wanted)
        found.append(bool(nearer) or not mode.stable)
    return found


def _place_of(places: list[Place], mode: ModeReading) -> int:
    wanted = (mode.layer, mode.feature)
    return next(n for n, place in enumerate(places) if (place.layer, place.feature) == wanted)
