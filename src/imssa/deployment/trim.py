"""Modes of a written chip that do not decay as they should: written once more, then switched off."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64

from imssa.crossbar.chip import Chip
from imssa.deployment.modes import ModeReading, held_blocks, read_modes
from imssa.errors import DesignRuleError
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.impulse import squared_errors
from imssa.mapping.layout import Place
from imssa.program.operations import Phase
from imssa.program.program import Program

SLOWER: Final = 4.0
"""A time constant this many times the wanted one is too long."""

SHOWN: Final = 8


@dataclass(frozen=True, eq=False)
class Trimmed:
    """A chip whose modes all decay.

    Attributes:
        tailored: The program as it is to be run: modes that were switched off are neither driven nor
            read; recalibrate it, so that the read-out makes up for them.
        found: Modes that were too slow or unstable after the first writing.
        rewritten: Arrays that were written once more.
        switched_off: Modes that were still so afterwards.
        kept: Of these, modes that are stable and do less harm than their absence; left as they are.
    """

    tailored: Tailored
    found: tuple[ModeReading, ...]
    rewritten: tuple[int, ...]
    switched_off: tuple[ModeReading, ...]
    kept: tuple[ModeReading, ...]


def trim(
    compiler: TailoredCompiler, tailored: Tailored, chip: Chip, slower: float = SLOWER
) -> Trimmed:
    """Reads a chip back, writes arrays with bad modes once more, and switches off what stays bad.

    Args:
        compiler: That made the program.
        tailored: The program, as it stands on the chip.
        chip: The chip; arrays with bad modes are written again.
        slower: Largest time constant that is let through, as a multiple of the wanted one.

    Raises:
        DesignRuleError: The program corrects cells digitally, which conductances do not show.
    """
    if tailored.corrections:
        raise DesignRuleError(
            given=f"a program that corrects {len(tailored.corrections)} cells digitally",
            rule="modes are judged by conductances, and those of corrected cells look wrong",
            remedy="Compile with Measures(correct=0) where modes are to be trimmed.",
        )
    found = _bad(read_modes(compiler, tailored, chip), slower)
    arrays = sorted({mode.array for mode in found})
    for array in arrays:
        chip.write(array, tailored.program.arrays[array])
    left = _bad(read_modes(compiler, tailored, chip), slower) if arrays else ()
    harmful = _harmful(compiler, tailored, chip, left)
    off = tuple(mode for mode, bad in zip(left, harmful, strict=True) if bad)
    kept = tuple(mode for mode, bad in zip(left, harmful, strict=True) if not bad)
    return Trimmed(switched_off(tailored, off), found, tuple(arrays), off, kept)


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
    program, places = tailored.program, list(tailored.places)
    for mode in modes:
        number = _place_of(places, mode)
        lines = 2 * mode.mode + np.arange(2)
        sides = (side.without(lines) for side in (places[number].rows, places[number].columns))
        rows, columns = sides
        per_kernel = len(rows) - 1
        places[number] = replace(places[number], rows=rows, columns=columns)
        program = without_states(program, mode.layer, mode.feature * per_kernel + lines)
    return replace(tailored, program=program, places=tuple(places))


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


def _bad(readings: tuple[ModeReading, ...], slower: float) -> tuple[ModeReading, ...]:
    return tuple(mode for mode in readings if not mode.stable or mode.slower > slower)


def _harmful(
    compiler: TailoredCompiler, tailored: Tailored, chip: Chip, modes: tuple[ModeReading, ...]
) -> list[bool]:
    """Whether a kernel comes nearer to the wanted answer without each of the modes.

    An unstable mode does harm in any case: what it does grows with the sequence.
    """
    blocks, found = held_blocks(compiler, tailored, chip), []
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
