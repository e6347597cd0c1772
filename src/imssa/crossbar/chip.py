"""The chip interface: what a program needs of a chip, and the simulated chip behind it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from imssa.crossbar.arrays import ProgrammedArray, Seen, both_lines, program_array
from imssa.errors import MissingToolError, ShapeError
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import read_spread
from imssa.kernels.codes import converted
from imssa.kernels.passes import digits
from imssa.kernels.random import Key, read_normals
from imssa.program.operations import Phase
from imssa.program.program import ArrayContents


@dataclass(frozen=True)
class ReadAddress:
    """Where in a run an MVM stands; read noise is a function of it.

    Attributes:
        event: Number of the phase within a time step.
        step: Time step.
        samples: Number of each sequence of the batch.
    """

    event: int
    step: int
    samples: Int64[np.ndarray, " batch"]


class Chip(ABC):
    """Anything that can be written, read back, and asked for one MVM."""

    @abstractmethod
    def write(self, array: int, contents: ArrayContents) -> None:
        """Writes an array."""

    def rewrite(
        self, array: int, contents: ArrayContents, cells: Bool[np.ndarray, "word_lines pairs"]
    ) -> None:
        """Writes some cells of an array again; the others stay as they are.

        Args:
            array: The array.
            contents: What was written to it.
            cells: The pairs of devices to write.

        Raises:
            MissingToolError: This chip cannot.
        """
        raise MissingToolError(
            given=f"{int(cells.sum())} of {contents.codes.size} cells of array {array}",
            rule=f"{type(self).__name__} cannot write single cells again",
            remedy="Give its driver a method rewrite(array, contents, cells), or do without trimming.",
        )

    @abstractmethod
    def read(self, array: int) -> Float64[np.ndarray, "word_lines bit_lines"]:
        """Conductances of an array in siemens."""

    @abstractmethod
    def mvm(
        self, phase: Phase, drive: Int64[np.ndarray, "batch lines"], address: ReadAddress
    ) -> Int64[np.ndarray, "batch pairs"]:
        """ADC codes of the phase's pairs for DAC codes on its word lines."""


class SimulatedChip(Chip):
    """One instance of a simulated chip.

    Args:
        description: Device laws and converters.
        key: Random key of the study; the instance's number is added to it.
        instance: Number of the chip instance.
    """

    def __init__(self, description: ChipDescription, key: Key, instance: int = 0) -> None:
        self.description, self.key, self.instance = description, key, instance
        self._arrays: dict[int, ProgrammedArray] = {}
        self._written_as: dict[int, tuple[ArrayContents, int]] = {}
        """What was written last, and how many times again."""
        self._by_phase: dict[int, dict[bytes, Seen]] = {}

    def write(self, array: int, contents: ArrayContents) -> None:
        """Writes an array with the errors of its devices.

        The error is a function of the instance's number, whatever stood there before; only writing
        again what stands there already draws it anew.

        Raises:
            ShapeError: The chip has no such array, or one of another size.
        """
        shape = (self.description.arrays.word_lines, self.description.arrays.pairs)
        if not 0 <= array < self.description.arrays.count or contents.codes.shape != shape:
            raise ShapeError(
                given=f"array {array} of shape {contents.codes.shape}",
                rule=f"{self.description.name} has {self.description.arrays.count} of {shape} pairs",
                remedy="Compile the network for this chip.",
            )
        before, times = self._written_as.get(array, (None, 0))
        self._arrays[array] = self._drawn(array, contents, times + 1 if contents is before else 0)

    def rewrite(
        self, array: int, contents: ArrayContents, cells: Bool[np.ndarray, "word_lines pairs"]
    ) -> None:
        """Writes some cells of an array again, each with an error drawn anew.

        Raises:
            ShapeError: The array was not written.
        """
        before, (_, times) = self._written(array), self._written_as[array]
        self._arrays[array] = self._drawn(array, contents, times + 1).only(cells, before)

    def _drawn(self, array: int, contents: ArrayContents, times: int) -> ProgrammedArray:
        """An array written anew; what phases saw of it before is forgotten."""
        key, instances = self.key.child("array", array), np.array([self.instance])
        self._by_phase[array], self._written_as[array] = {}, (contents, times)
        return program_array(
            contents, self.description, key, instances, array=array, rewritten=times
        )

    @property
    def arrays(self) -> tuple[ProgrammedArray, ...]:
        """What stands on the arrays that were written, in their order."""
        return tuple(self._arrays[number] for number in sorted(self._arrays))

    def read(self, array: int) -> Float64[np.ndarray, "word_lines bit_lines"]:
        """Conductances of an array in siemens."""
        return np.asarray(self._written(array).devices.conductance_siemens[0])

    def mvm(
        self, phase: Phase, drive: Int64[np.ndarray, "batch lines"], address: ReadAddress
    ) -> Int64[np.ndarray, "batch pairs"]:
        """ADC codes of the phase's pairs for DAC codes on its word lines."""
        seen, converters = self._seen(phase), self.description.converters
        total = np.zeros((len(drive), len(phase.pairs)), np.int64)
        for number, (bit, sign, weight) in enumerate(converters.passes.tolist()):
            event = address.event * len(converters.passes) + number
            part = digits(drive, bit, sign)
            reading = self._reading(seen, phase, part, replace(address, event=event))
            scale = np.ldexp(phase.full_scale.astype(float), -phase.full_scale_shift)
            total += weight * converted(reading, scale, converters.adc_bits)
        return total

    def _reading(
        self, seen: Seen, phase: Phase, part: Int64[np.ndarray, "batch lines"], at: ReadAddress
    ) -> Float64[np.ndarray, "batch pairs"]:
        """What the ADCs are given in one pass, in codes of the sum."""
        acc = part.astype(float) @ seen.weights[0].astype(float)
        saturating = len(seen.limit) > 0
        sigma = 0.0 if saturating or not len(seen.adc_sigma) else seen.adc_sigma
        if len(seen.variance[0]) or np.any(sigma):
            columns = both_lines(phase.pairs) if saturating else phase.pairs
            normals = self._normals(at, columns)
            acc += read_spread(part, seen.variance[0], sigma) * normals
        if saturating:
            plus, minus = np.clip(acc[:, 0::2], *_both(seen)), np.clip(acc[:, 1::2], *_both(seen))
            acc = seen.readout[0, 0] * plus - seen.readout[0, 1] * minus
            if len(seen.adc_sigma):
                behind = self.description.arrays.bit_lines + phase.pairs
                acc += seen.adc_sigma * self._normals(at, behind)
        return np.asarray(acc + seen.readout[0, 2] if seen.readout.size else acc)

    def _normals(
        self, at: ReadAddress, lines: Int64[np.ndarray, " lines"]
    ) -> Float32[np.ndarray, "batch lines"]:
        key = self.key.child("read")
        return read_normals(key, self.instance, at.event, at.step, at.samples, lines)

    def _seen(self, phase: Phase) -> Seen:
        """What a phase sees of its array; found once for each phase."""
        array, of_array = self._written(phase.array), self._by_phase[phase.array]
        parts = (phase.word_lines, phase.pairs, phase.full_scale, phase.full_scale_shift)
        known = b"/".join(part.tobytes() for part in parts)
        if known not in of_array:
            of_array[known] = array.seen_by(phase)
        return of_array[known]

    def _written(self, array: int) -> ProgrammedArray:
        if array not in self._arrays:
            raise ShapeError(
                given=f"array {array}",
                rule="it was not written",
                remedy="Write every array of the program before running it.",
            )
        return self._arrays[array]


def _both(seen: Seen) -> tuple[Float64[np.ndarray, " pairs"], Float64[np.ndarray, " pairs"]]:
    """Smallest and largest current of the amplifiers."""
    return -seen.limit, seen.limit
