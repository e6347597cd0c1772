"""Runs a program, one sequence after the other; written from docs/program-format.md alone."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from lab_driver.program_file import ProgramFile, Record

Codes = np.ndarray


class Controller(Protocol):
    """What the sequencer needs of a chip."""

    def write(self, array: int, contents: Record) -> None:
        """Writes one array."""

    def mvm(self, phase: Record, drive: Codes, place: tuple[int, int, int]) -> Codes:
        """ADC codes of the phase's pairs; ``place`` is (event, step, sequence)."""


def largest(bits: int) -> int:
    """Largest code of a width."""
    return int(2 ** (bits - 1) - 1)


def clip(value: Codes, bits: int) -> Codes:
    """Saturated to the symmetric range of a width."""
    return np.clip(value, -largest(bits), largest(bits))


def rounded(value: Codes, shift: Any) -> Codes:
    """round(value 2^-shift), ties away from zero; a negative shift multiplies exactly."""
    right = np.maximum(shift, 0)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    magnitude = (np.abs(value) + half) >> right
    return np.sign(value) * magnitude << np.maximum(np.negative(shift), 0)


class Sequencer:
    """Registers and operations of a program, over a chip.

    Args:
        program: What was read from the file.
        controller: Where the arrays are.
    """

    def __init__(self, program: ProgramFile, controller: Controller) -> None:
        self.program, self.controller = program, controller
        self.sections = {name: program.records(name) for name in ("start", "step", "end")}
        self.sizes = {name: size for name, size, _ in program.header["registers"]}
        self.bits = {name: bits for name, _, bits in program.header["registers"]}
        self.dac_bits = program.header["chip"]["converters"]["dac_bits"]
        self.registers: dict[str, Codes] = {}
        self.length = 0

    def write(self) -> None:
        """Writes all arrays of the program."""
        for number, contents in enumerate(self.program.contents()):
            self.controller.write(number, contents)

    def run(self, inputs: Codes, number: int = 0) -> int:
        """The answer to one sequence.

        Args:
            inputs: Input codes, (length, features).
            number: Of the sequence; addresses the read noise of simulated chips.

        Raises:
            ValueError: Inputs that the program cannot take.
        """
        self._require(inputs)
        self.length = len(inputs)
        self.registers = {name: np.zeros(size, np.int64) for name, size in self.sizes.items()}
        self._operate("start", 0, number)
        for step, codes in enumerate(inputs):
            self.registers[self.program.header["input"]] = codes
            self._operate("step", step, number)
        self._operate("end", 0, number)
        return int(self.registers[self.program.header["output"]][0])

    def _require(self, inputs: Codes) -> None:
        name, longest = self.program.header["input"], self.program.header["max_length"]
        size, top = self.sizes[name], largest(self.bits[name])
        fits = inputs.ndim == 2 and inputs.shape[1] == size and 1 <= len(inputs) <= longest
        if not fits or np.any(np.abs(inputs) > top):
            msg = f"1 to {longest} steps of {size} input codes from {-top} to {top} are needed"
            raise ValueError(msg)

    def _operate(self, section: str, step: int, number: int) -> None:
        event = 0
        for record in self.sections[section]:
            if record["operation"] == "Phase":
                self._phase(record, (event, step, number))
                event += 1
            else:
                value = RULES[record["operation"]](self, record)
                self.registers[record["target"]] = np.asarray(value, np.int64)

    def _phase(self, phase: Record, place: tuple[int, int, int]) -> None:
        held = [self.registers[name] for name in phase["drive"]]
        places = zip(phase["drive_register"], phase["drive_index"], strict=True)
        value = np.array([held[r][i] for r, i in places], np.int64) * phase["drive_sign"]
        drive = clip(rounded(value, phase["drive_shift"]), self.dac_bits)
        codes = self.controller.mvm(phase, drive, place) * phase["read_sign"]
        for code, register, index in zip(
            codes, phase["read_register"], phase["read_index"], strict=True
        ):
            self.registers[phase["read"][register]][index] = code

    def source(self, record: Record) -> Codes:
        """The register that an operation reads."""
        return self.registers[record["source"]]

    def scaled(self, record: Record, entry: Any = slice(None)) -> Codes:
        """clip(round(source m 2^-t)) with the entries of the tables that apply."""
        value = self.source(record) * record["multiplier"][entry]
        return clip(rounded(value, record["shift"][entry]), self.bits[record["target"]])


def _add(run: Sequencer, record: Record, other: str) -> Codes:
    return clip(run.source(record) + run.registers[record[other]], run.bits[record["target"]])


def _matmul(run: Sequencer, record: Record) -> Codes:
    total = record["weights"] @ run.source(record) + record["bias"]
    return clip(total, run.bits[record["target"]])


RULES: dict[str, Callable[[Sequencer, Record], Any]] = {
    "Clear": lambda run, record: np.zeros(run.sizes[record["target"]]),
    "Gather": lambda run, record: run.source(record)[record["index"]] * record["sign"],
    "Requantize": lambda run, record: run.scaled(record),
    "Leak": lambda run, record: run.source(record) - rounded(run.source(record), record["k"]),
    "Add": lambda run, record: _add(run, record, "other"),
    "MatMul": _matmul,
    "Table": lambda run, record: record["values"][run.source(record) + len(record["values"]) // 2],
    "Accumulate": lambda run, record: _add(run, record, "target"),
    "MeanByLength": lambda run, record: run.scaled(record, run.length),
    "ArgMax": lambda run, record: [np.argmax(run.source(record))],
}
