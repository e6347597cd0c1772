"""Programmed arrays of simulated chip instances, as the phases of a program see them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from imssa.circuit.sensitivity import sensitivities
from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.wires import Wires
from imssa.hardware.description import ChipDescription
from imssa.hardware.law import Draws
from imssa.hardware.pairs import (
    WrittenDevices,
    effective_weights,
    line_variance,
    line_weights,
    pair_targets,
    read_variance,
    write_devices,
)
from imssa.hardware.readout import PairReadout
from imssa.kernels.parallel import worker_count
from imssa.kernels.random import Key
from imssa.program.operations import Phase
from imssa.program.program import ArrayContents, Program

Mask = Bool[np.ndarray, " _"]
Columns = tuple[
    Float[np.ndarray, "chips word_lines columns"], Float32[np.ndarray, "chips rows columns"]
]


@dataclass(frozen=True)
class Seen:
    """What lies between the driven lines of a phase and its ADCs, in codes.

    A column is a pair, or a bit line where amplifiers saturate.

    Attributes:
        weights: Effective weight of each cell; the integer codes on an ideal chip.
        variance: Variance of each weight at each read, in squared codes; one row for all word lines
            where the law is the same at all conductances, none where reads are quiet.
        readout: Gains of the two lines of a pair, where they are not in the weights, and offset in
            codes of the sum; no pairs where amplifiers and ADCs are ideal.
        adc_sigma: Noise of a conversion in codes of the sum; empty: none.
        limit: Largest current of an amplifier in codes of the sum; empty: none.
    """

    weights: Float[np.ndarray, "chips word_lines columns"]
    variance: Float32[np.ndarray, "chips rows columns"]
    readout: Float64[np.ndarray, "chips 3 some_pairs"]
    adc_sigma: Float32[np.ndarray, " noisy_pairs"]
    limit: Float64[np.ndarray, " limited_pairs"]


@dataclass(frozen=True, eq=False)
class ProgrammedArray:
    """One array of many chip instances after writing.

    Attributes:
        devices: Conductances and defects.
        siemens_per_step: Of each pair.
        chip: Its description.
        readout: Amplifiers and ADCs of each chip; None: ideal.
    """

    devices: WrittenDevices
    siemens_per_step: Float64[np.ndarray, " pairs"]
    chip: ChipDescription
    readout: PairReadout | None = None

    @property
    def weights(self) -> Float[np.ndarray, "chips word_lines columns"]:
        """Effective weights in codes while all lines are in use."""
        return self._whole[0]

    @property
    def variance(self) -> Float32[np.ndarray, "chips rows columns"]:
        """Variance of each weight at each read while all lines are in use, in squared codes."""
        return self._whole[1]

    def only(
        self, cells: Bool[np.ndarray, "word_lines pairs"], before: "ProgrammedArray"
    ) -> "ProgrammedArray":
        """This array where cells were written, what stood there before elsewhere."""
        new, devices = self.devices, before.devices
        written = np.repeat(cells, 2, axis=1)
        held = np.where(written, new.conductance_siemens, devices.conductance_siemens)
        changes: dict[str, Any] = {"conductance_siemens": held}
        if new.pulses is not None and devices.pulses is not None:
            changes["pulses"] = devices.pulses + np.where(written, new.pulses, 0)
        if new.failed is not None and devices.failed is not None:
            changes["failed"] = np.where(written, new.failed, devices.failed)
        return replace(self, devices=replace(devices, **changes))

    @cached_property
    def _whole(self) -> Columns:
        return self._columns(None, None)

    def seen_by(self, phase: Phase) -> Seen:
        """What one phase sees; where idle lines float, the circuit is solved anew."""
        pairs, wires = phase.pairs, self.chip.wires
        if wires is not None and wires.by_phase:
            read = _mask(pairs, self.chip.arrays.pairs)
            driven = _mask(phase.word_lines, self.chip.arrays.word_lines)
            weights, variance = self._columns(driven, np.repeat(read, 2))
        else:
            weights, variance = self._whole
        rows = variance if variance.shape[1] <= 1 else variance[:, phase.word_lines]
        columns = both_lines(pairs) if _saturates(self.chip) else pairs
        here = weights[:, phase.word_lines][:, :, columns]
        return Seen(here, rows[:, :, columns], *self._readout(phase))

    def _columns(self, driven: Mask | None, read: Mask | None) -> Columns:
        """Weights and variances with some of the lines in use; None: all."""
        chip, step = self.chip, self.siemens_per_step
        conductance, largest = self.devices.conductance_siemens, chip.converters.pass_max
        transfer = transfer_of(conductance, chip, driven, read)
        if _saturates(chip):
            return line_weights(transfer, step, largest), self._variance(driven, read)
        weights = effective_weights(transfer, step, largest, self.readout)
        return weights, self._variance(driven, read)

    def _variance(
        self, driven: Mask | None, read: Mask | None
    ) -> Float32[np.ndarray, "chips rows columns"]:
        """Variance of each weight at each read; with wires to first order around Y.

        Exact there for one driven line; products of two lines' voltages are left out, which matters
        where idle lines float (README of `imssa.circuit`, "Read noise with wires").
        """
        chip, devices, step = self.chip, self.devices, self.siemens_per_step
        wires, conductance = wires_of(chip), devices.conductance_siemens
        by_line = _saturates(chip)
        if wires is None or chip.read_noise is None:
            law = line_variance if by_line else read_variance
            return law(conductance, chip, step, devices.noise_factor, self.readout)
        sigma = chip.read_noise.sigma_of(conductance, devices.noise_factor)
        pairs = None if by_line else both_lines(np.arange(len(step))).reshape(-1, 2)
        found = []
        for number, (one, noise) in enumerate(zip(conductance, sigma, strict=True)):
            gains = None
            if self.readout is not None and not by_line:
                gains = np.stack([self.readout.plus[number], self.readout.minus[number]], axis=1)
            answers = sensitivities(one, wires, driven=driven, read=read)
            found.append(answers.variance_matrix(noise**2, pairs, gains))
        unit = np.repeat(step, 2) if by_line else step
        return np.asarray((np.array(found) / unit**2).astype(np.float32))

    def _readout(self, phase: Phase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Readout of each chip, ADC noise and limits of a phase's pairs, in codes of the sum."""
        laws, pairs = self.chip.readout, phase.pairs
        sigma, limit = np.zeros(0, np.float32), np.zeros(0)
        if laws is None or self.readout is None:
            return np.zeros((len(self.devices.defects), 3, 0)), sigma, limit
        scale = np.ldexp(phase.full_scale.astype(float), -phase.full_scale_shift)
        offset = self.readout.offset_steps[:, pairs] * scale
        readout = np.stack([self.readout.plus[:, pairs], self.readout.minus[:, pairs], offset], 1)
        if laws.noise_steps > 0:
            sigma = (laws.noise_steps * scale).astype(np.float32)
        if laws.saturation_devices is not None:
            largest = laws.saturation_devices * self.chip.converters.pass_max
            limit = largest * self.chip.window_siemens / self.siemens_per_step[pairs]
        return readout, sigma, limit


def both_lines(pairs: Int64[np.ndarray, " pairs"]) -> Int64[np.ndarray, " bit_lines"]:
    """Bit lines of pairs: 2p and 2p + 1."""
    return np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel()


def _saturates(chip: ChipDescription) -> bool:
    """Whether currents must be known bit line by bit line."""
    return chip.readout is not None and chip.readout.saturation_devices is not None


def _mask(lines: Int64[np.ndarray, " lines"], count: int) -> Mask:
    used = np.zeros(count, np.bool_)
    used[lines] = True
    return used


def targets_of(
    contents: ArrayContents, chip: ChipDescription
) -> Float64[np.ndarray, "word_lines bit_lines"]:
    """Target conductances of an array in siemens; NaN where nothing is written.

    Targets made for wires serve a chip that has them: on ideal ones the codes alone are right.
    """
    codes, step = contents.codes, contents.siemens_per_step
    if contents.targets_siemens is None or chip.wires is None:
        targets = pair_targets(codes, step, chip.g_min_siemens, contents.common_mode)
    else:
        targets = contents.targets_siemens.copy()
    targets[~np.repeat(contents.written, 2, axis=1)] = np.nan
    return targets


def program_array(
    contents: ArrayContents,
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    *,
    array: int | None = None,
    rewritten: int = 0,
) -> ProgrammedArray:
    """Writes one array of many chip instances.

    Args:
        contents: What it is to hold.
        chip: Device laws.
        key: Random key of the array.
        instances: Numbers of the chip instances; results depend on the number alone.
        array: Its number on the chip, for defects that the description places there.
        rewritten: How many times the same was written before.
    """
    targets = targets_of(contents, chip)
    devices = write_devices(targets, chip, key, instances, array=array, rewritten=rewritten)
    step, readout = contents.siemens_per_step, None
    if chip.readout is not None:
        readout = chip.readout.drawn(Draws(key.child("readout"), instances, step.shape))
    return ProgrammedArray(devices, step, chip, readout)


def wires_of(chip: ChipDescription) -> Wires | None:
    """The chip's wires; None where they are ideal."""
    return None if chip.wires is None else Wires(**chip.wires.model_dump())


def transfer_of(
    conductance: Float64[np.ndarray, "chips word_lines bit_lines"],
    chip: ChipDescription,
    driven: Mask | None = None,
    read: Mask | None = None,
) -> Float64[np.ndarray, "chips word_lines bit_lines"]:
    """Transfer matrix Y of each chip's array: bit-line currents are voltages times Y.

    Args:
        conductance: Of the devices.
        chip: Its description.
        driven: Word lines in use, where idle ones float; None: all.
        read: Bit lines in use, where idle ones float; None: all.
    """
    wires = wires_of(chip)
    if wires is None:
        return conductance
    workers = worker_count()
    return transfer_matrix(conductance, wires, driven=driven, read=read, workers=workers)


def program_chips(
    program: Program, chip: ChipDescription, key: Key, instances: Int64[np.ndarray, " chips"]
) -> tuple[ProgrammedArray, ...]:
    """Writes all arrays of many chip instances."""
    return tuple(
        program_array(contents, chip, key.child("array", number), instances, array=number)
        for number, contents in enumerate(program.arrays)
    )
