"""What each effect of a chip does to a program's arrays: the numbers behind the pictures."""

from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float64, Int64

from imssa.circuit.voltages import node_voltages
from imssa.circuit.wires import RESISTANCES, Wires
from imssa.crossbar.arrays import program_array, targets_of, wires_of
from imssa.evaluation.phase_drive import PhaseDrive, largest_drive
from imssa.evaluation.pictures import (
    ConductanceMap,
    IrDrop,
    Pictures,
    ReadSpread,
    Skipped,
    WritingLaw,
)
from imssa.evaluation.writing import writing_law
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import WrittenDevices, read_variance
from imssa.hardware.wires import WireSettings
from imssa.kernels.random import Key
from imssa.program import Program

READS: Final = 256
DEVICES: Final = 4096
LEVELS: Final = 201
Part = TypeVar("Part")


def chip_pictures(
    program: Program,
    key: Key,
    *,
    instance: int = 0,
    array: int = 0,
    codes: Int64[np.ndarray, "length features"] | None = None,
) -> Pictures:
    """Pictures of one chip instance after writing a program; what is off is skipped with a reason.

    Args:
        program: The program, with its chip description.
        key: The key of a study, so that the instance is that of its results.
        instance: Number of the chip instance.
        array: Whose wires and reads are shown; writing is shown of all arrays.
        codes: Input codes of one recording, for the voltages on the wires; None: every line of the
            array's first phase at the read voltage.

    Returns:
        Everything but traces and poles, which need the network.

    Raises:
        ShapeError: No phase of the program uses the array, or it cannot take the codes.
    """
    drive = largest_drive(program, key, array, codes, instance=instance)
    chip, one = program.chip, np.array([instance])
    targets = [targets_of(contents, chip) for contents in program.arrays]
    devices = [
        program_array(contents, chip, key.child("array", number), one, array=number).devices
        for number, contents in enumerate(program.arrays)
    ]
    seen, key = devices[array], key.child("pictures")
    step = program.arrays[array].siemens_per_step
    found = (
        writing_law(chip, np.stack(targets), key.child("law")),
        ir_drop(chip, seen.conductance_siemens[0], drive, array=array, instance=instance),
        read_noise(chip, seen, step, key.child("reads"), array=array, instance=instance),
    )
    return Pictures(
        conductances=tuple(
            ConductanceMap(
                number,
                f"{chip.name}, chip {instance}",
                target,
                written.conductance_siemens[0],
                written.defects[0],
                chip.g_max_siemens,
            )
            for number, (target, written) in enumerate(zip(targets, devices, strict=True))
        ),
        writing=_only(WritingLaw, found),
        ir_drop=_only(IrDrop, found),
        reads=_only(ReadSpread, found),
        skipped=tuple(part for part in found if isinstance(part, Skipped)),
    )


def _only(kind: type[Part], found: tuple[object, ...]) -> Part | None:
    return next((part for part in found if isinstance(part, kind)), None)


def ir_drop(
    chip: ChipDescription,
    conductance: Float64[np.ndarray, "word_lines bit_lines"],
    drive: PhaseDrive | None = None,
    *,
    array: int = 0,
    instance: int = 0,
) -> IrDrop | Skipped:
    """Voltages and currents of one array with the chip's wires, solved exactly.

    Args:
        chip: The description, for its wires and its read voltage.
        conductance: Of each device, in siemens.
        drive: Of a phase; None: all word lines at the read voltage, where wires cost most, and all
            bit lines read.
        array: Number of the array, for the caption.
        instance: Number of the chip instance, for the caption.

    Example:
        >>> from imssa.hardware import load_chip
        >>> drop = ir_drop(load_chip("taox-64"), np.full((64, 64), 150e-6))
        >>> float(round(1 - drop.output_ampere.sum() / drop.ideal_ampere.sum(), 2))
        0.29
    """
    wires = wires_of(chip)
    picture = "Voltages and currents in an array (IR drop)"
    if wires is None or chip.wires is None:
        return Skipped(picture, "wires are ideal on this chip (it has no wire resistance)")
    if drive is None:
        drive = _everything(chip, conductance)
    used: dict[str, Any] = {"driven": drive.driven, "read": drive.read}
    point = node_voltages(conductance, wires, drive.volt, **used)
    ideal = node_voltages(conductance, _without_resistance(wires), drive.volt, **used)
    return IrDrop(
        array=array,
        chip=f"{chip.name}, chip {instance}",
        wires=_wires_in_words(chip.wires),
        drive=drive.words,
        drive_volt=drive.volt,
        word_line_volt=point.word_line_volt,
        bit_line_volt=point.bit_line_volt,
        device_ampere=point.device_ampere,
        output_ampere=point.output_ampere * drive.read,
        ideal_ampere=ideal.output_ampere * drive.read,
    )


def _everything(
    chip: ChipDescription, conductance: Float64[np.ndarray, "word_lines bit_lines"]
) -> PhaseDrive:
    """All word lines at the read voltage, all bit lines read."""
    word_lines, bit_lines = conductance.shape
    volt = np.full(word_lines, chip.read_voltage_volt)
    return PhaseDrive(volt, np.ones(word_lines, bool), np.ones(bit_lines, bool), "all lines in use")


def _without_resistance(wires: Wires) -> Wires:
    """The same lines, driven and read alike, with ideal wires."""
    none: dict[str, Any] = dict.fromkeys(RESISTANCES, 0.0)
    return replace(wires, **none)


def _wires_in_words(wires: WireSettings) -> str:
    word, bit = wires.word_line_resistance_ohm, wires.bit_line_resistance_ohm
    text = f"{word:g} and {bit:g} ohm a segment of word and bit line"
    ends = wires.driver_resistance_ohm, wires.sense_resistance_ohm
    if any(ends):
        text += f", {ends[0]:g} ohm a driver, {ends[1]:g} ohm an amplifier"
    return text


def read_noise(
    chip: ChipDescription,
    devices: WrittenDevices,
    siemens_per_step: Float64[np.ndarray, " pairs"],
    key: Key,
    *,
    array: int = 0,
    instance: int = 0,
) -> ReadSpread | Skipped:
    """Reads the devices of one written array again and again, and looks at the spread.

    Of large arrays word lines at equal distances are read, ``DEVICES`` devices in all.

    Args:
        chip: The description.
        devices: What was written; its first chip is read.
        siemens_per_step: Of each pair.
        key: Random key of the reads.
        array: Number of the array, for the caption.
        instance: Number of the chip instance, for the caption.
    """
    law = chip.read_noise
    if law is None:
        return Skipped("Spread of repeated reads", "reads are quiet on this chip (no read noise)")
    word_lines, bit_lines = devices.conductance_siemens.shape[1:]
    count = min(word_lines, max(1, DEVICES // bit_lines))
    rows = np.linspace(0, word_lines - 1, count).astype(int)
    conductance = devices.conductance_siemens[:1, rows]
    factor = None if devices.noise_factor is None else devices.noise_factor[:1, rows]
    own = np.broadcast_to(law.sigma_of(conductance, factor), conductance.shape)[0]
    normals = key.normals(np.arange(READS), own.size).reshape(READS, *own.shape)
    reads = conductance[0] + own * normals
    weights = (reads[..., 0::2] - reads[..., 1::2]) / siemens_per_step
    variance = read_variance(conductance, chip, siemens_per_step, factor)[0].astype(float)
    held = (conductance[0, :, 0::2] - conductance[0, :, 1::2]) / siemens_per_step
    levels = np.linspace(0.0, max(float(conductance.max()), chip.g_max_siemens), LEVELS)
    return ReadSpread(
        array=array,
        chip=f"{chip.name}, chip {instance}",
        law=f"{law.law} law",
        reads=READS,
        conductance_siemens=conductance.ravel(),
        sigma_siemens=reads.std(axis=0, ddof=1).ravel(),
        own_sigma_siemens=own.ravel(),
        level_siemens=levels,
        level_sigma_siemens=law.sigma(levels),
        weight_codes=held.ravel(),
        pair_sigma_codes=weights.std(axis=0, ddof=1).ravel(),
        own_pair_sigma_codes=np.broadcast_to(np.sqrt(variance), held.shape).ravel(),
    )
