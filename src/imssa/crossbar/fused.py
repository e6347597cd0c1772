"""The fused simulation: whole sequences on many chip instances at once."""

from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Int64

from imssa.crossbar.arrays import ProgrammedArray, Seen, program_chips
from imssa.crossbar.tape import Tape, encode
from imssa.crossbar.trace import Trace, require_chip, require_inputs
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.interpreter import Code, run_items
from imssa.kernels.parallel import for_ranges
from imssa.kernels.phase import Analog, Chip, Room, room_for
from imssa.kernels.products import padded
from imssa.kernels.random import Key
from imssa.program.program import Program

MEMORY_BUDGET_BYTES: Final = 2**30


def simulate(  # noqa: PLR0913
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    record: tuple[str, ...] = (),
    *,
    first_sample: int = 0,
    memory_budget_bytes: int = MEMORY_BUDGET_BYTES,
) -> Trace:
    """Runs a program on many simulated chip instances, code for code as the executor does.

    Args:
        program: The program.
        chip: Device laws; usually the program's own chip, or it with some effects only.
        key: Random key of the study.
        instances: Numbers of the chip instances.
        inputs: Input codes; steps beyond a sequence's length are not executed.
        lengths: True lengths.
        record: Registers to keep after each step.
        first_sample: Number of the first sequence; addresses the read noise.
        memory_budget_bytes: Chips are run in groups whose devices, registers and records fit in it.

    Returns:
        Answers (chips, batch); registers with a leading axis of chips.

    Raises:
        ShapeError: Inputs that the program cannot take.
        DesignRuleError: A chip that differs from the program's own in more than its errors.
    """
    require_inputs(program, inputs, lengths)
    chunk = _chips_at_once(program, chip, inputs.shape, record, memory_budget_bytes)
    traces = [
        ProgrammedChips(program, chip, key, instances[i : i + chunk]).run(
            inputs, lengths, record, first_sample=first_sample
        )
        for i in range(0, len(instances), chunk)
    ]
    return traces[0] if len(traces) == 1 else _together(traces)


class Machine(NamedTuple):
    """One programmed chip as the compiled interpreter takes it, with working arrays of its own.

    Attributes:
        code: The program.
        chip: What the chip holds.
        number: Number of the chip instance.
        analog: What all phases share.
        room: Working arrays; registers stand in its file.
        offsets: First element of each register.
    """

    code: Code
    chip: Chip
    number: int
    analog: Analog
    room: Room
    offsets: dict[str, int]


class ProgrammedChips:
    """Simulated chip instances to which a program was written, ready for any number of sequences.

    Args:
        program: The program.
        chip: Device laws; usually the program's own chip, or it with some effects only.
        key: Random key of the study.
        instances: Numbers of the chip instances.
        arrays: What was written to the chips already, as on a simulated chip; None: the program's
            arrays are written.

    Raises:
        DesignRuleError: A chip that differs from the program's own in more than its errors.
    """

    def __init__(
        self,
        program: Program,
        chip: ChipDescription,
        key: Key,
        instances: Int64[np.ndarray, " chips"],
        arrays: tuple[ProgrammedArray, ...] | None = None,
    ) -> None:
        require_chip(program, chip)
        self.program, self.instances = program, instances
        arrays = program_chips(program, chip, key, instances) if arrays is None else arrays
        self.arrays = arrays
        seen = [arrays[p.array].seen_by(p) for p in program.phases]
        rows = max((s.variance.shape[1] for s in seen), default=0)
        self._tape = encode(program, rows, 2 if any(len(s.limit) for s in seen) else 1)
        weights, variances = (
            _joined([getattr(s, name) for s in seen], len(instances))
            for name in ("weights", "variance")
        )
        none = np.zeros((len(instances), 3, 0))
        readout = np.concatenate([none, *(s.readout for s in seen)], axis=2)
        self._chips = (weights, variances, readout, *key.child("read").words, instances)
        self._analog = _analog(chip, self._tape, seen)
        widest = chip.arrays.bit_lines + chip.arrays.pairs
        self._room = (*self._tape.widest, widest, self._tape.size, weights.dtype)

    def machine(self, place: int) -> Machine:
        """The chip at a place of ``instances``, for running it otherwise than in whole sequences."""
        weights, variances, readout, *key = self._chips[:5]
        rows = (np.ascontiguousarray(part[place]) for part in (weights, variances, readout))
        chip, number = Chip(*rows, *key), int(self.instances[place])
        room = room_for(*self._room)
        return Machine(_code(self._tape), chip, number, self._analog, room, self._tape.offsets)

    def run(
        self,
        inputs: Int64[np.ndarray, "batch length features"],
        lengths: Int64[np.ndarray, " batch"],
        record: tuple[str, ...] = (),
        *,
        first_sample: int = 0,
    ) -> Trace:
        """Runs all chips on sequences; the reads of a sequence's number are always the same.

        Args:
            inputs: Input codes; steps beyond a sequence's length are not executed.
            lengths: True lengths.
            record: Registers to keep after each step.
            first_sample: Number of the first sequence; addresses the read noise.

        Returns:
            Answers (chips, batch); registers with a leading axis of chips.

        Raises:
            ShapeError: Inputs that the program cannot take.
        """
        require_inputs(self.program, inputs, lengths)
        tape, (batch, length, _) = self._tape, inputs.shape
        elements = _elements(self.program, tape, record)
        numbers = np.arange(batch) + first_sample
        sequences = (np.ascontiguousarray(inputs), np.ascontiguousarray(lengths), numbers)
        places = (tape.offsets[self.program.input], elements)
        final = np.empty((len(self.instances), batch, tape.size), np.int64)
        kept = np.zeros((len(self.instances), batch, length, len(elements)), np.int64)
        code = _code(tape)
        for_ranges(
            len(self.instances) * batch,
            lambda first, end: run_items(
                first,
                end,
                code,
                self._chips,
                self._analog,
                sequences,
                places,
                room_for(*self._room),
                (final, kept),
            ),
        )
        return _trace(self.program, tape, record, final, kept)


def _chips_at_once(
    program: Program,
    chip: ChipDescription,
    shape: tuple[int, ...],
    record: tuple[str, ...],
    memory_budget_bytes: int,
) -> int:
    """Chips whose devices, registers and records fit in the budget; at least one.

    An array takes about six numbers a device: conductance, defects, weights and variances, the last
    two also joined for all phases.
    """
    sizes = {r.name: r.size for r in program.registers}
    numbers = shape[0] * (sum(sizes.values()) + shape[1] * sum(sizes[name] for name in record))
    numbers += 6 * len(program.arrays) * chip.arrays.word_lines * chip.arrays.bit_lines
    return max(1, memory_budget_bytes // (8 * numbers))


def _elements(
    program: Program, tape: Tape, record: tuple[str, ...]
) -> Int64[np.ndarray, " elements"]:
    """Elements of the recorded registers in the register file."""
    parts = [np.arange(program.register(n).size) + tape.offsets[n] for n in record]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _together(traces: list[Trace]) -> Trace:
    """Traces of groups of chips as one."""

    def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    answers = np.concatenate([trace.answers for trace in traces])
    return Trace(answers, joined([t.final for t in traces]), joined([t.steps for t in traces]))


def _code(tape: Tape) -> Code:
    """The tape with unsigned counts: they keep indices unsigned."""
    start, step, end = (np.uint64(len(rows)) for rows in (tape.start, tape.step, tape.end))
    size = np.uint64(tape.size)
    return Code(tape.pool, tape.start, start, tape.step, step, tape.end, end, size)


def _analog(chip: ChipDescription, tape: Tape, seen: list[Seen]) -> Analog:
    """What all phases share; a chip has noise or limits on all its pairs or on none."""
    limit = np.concatenate([np.zeros(0), *(s.limit for s in seen)])
    sigma = np.concatenate([np.zeros(0, np.float32), *(s.adc_sigma for s in seen)])
    passes = chip.converters.passes
    return Analog(
        dac_max=code_max(chip.converters.dac_bits),
        adc_max=code_max(chip.converters.adc_bits),
        pass_count=len(passes),
        passes=passes,
        bit_lines=len(limit) > 0,
        inverse=1.0 / tape.scale,
        adc_noise=len(sigma) > 0,
        adc_sigma=sigma,
        limit=limit,
        first_adc=chip.arrays.bit_lines,
        readout=np.uint64(sum(s.readout.shape[2] for s in seen)),
    )


def _joined(parts: list[Any], chips: int) -> Any:
    """Matrices of all phases for each chip, flat, phase after phase, rows padded with zeros."""
    flat = []
    for part in parts:
        more = padded(part.shape[2]) - part.shape[2]
        flat.append(np.pad(part, ((0, 0), (0, 0), (0, more))).reshape(chips, -1))
    kind = np.result_type(np.float32, *flat)
    return np.concatenate([np.zeros((chips, 0), kind), *flat], axis=1)


def _trace(program: Program, tape: Tape, record: tuple[str, ...], final: Any, kept: Any) -> Trace:
    registers = {
        r.name: final[..., tape.offsets[r.name] : tape.offsets[r.name] + r.size]
        for r in program.registers
    }
    sizes = np.cumsum([0] + [program.register(name).size for name in record])
    steps = {
        name: kept[..., first:end]
        for name, (first, end) in zip(record, pairwise(sizes), strict=True)
    }
    return Trace(registers[program.output][..., 0], registers, steps)
