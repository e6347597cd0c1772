"""A program on one chip as a stream: one time step after the other, for deployment and live signals."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64

from imssa.crossbar.fused import Machine, ProgrammedChips
from imssa.errors import DesignRuleError, ImssaError, ShapeError
from imssa.kernels.codes import code_max
from imssa.kernels.stream import (
    COUNTER_STEPS,
    DONE,
    IN_WINDOW,
    SAMPLE,
    STEPS,
    TOO_LONG,
    Flow,
    end_stream,
    run_stream,
    start_stream,
    words_of,
)
from imssa.program.operations import Accumulate, ArgMax, MeanByLength, Phase
from imssa.program.program import Program


class Stream:
    """One chip instance that takes its input one time step at a time, in constant memory.

    Codes are those of ``ProgrammedChips.run`` on the same inputs, exactly, noise on or off. All
    arrays are made here; a step makes none.

    *How long.* The mean over time is kept as a sum, and a program can divide by at most its
    ``max_length``. Without a `window` a stream is therefore one sequence of at most so many steps;
    one more is refused until ``restart``. With a `window` it never ends: when that many steps are
    full, the next one begins the sums anew, and an answer is always that of the steps since. The
    kernels' states live on (what was heard before still rings) or, without `keeps_states`, begin anew
    with the sums: each window is a sequence of its own.

    *Read noise.* Draws are addressed by step and sequence. The step counts on over windows; only
    ``restart`` begins at step 0, as the next sequence. After 2^32 steps (16 months of 10 ms) without
    a restart the count goes on as step 0 of the next sequence: a stream repeats no draw.

    A stream belongs to one thread at a time, and is neither copied nor pickled.

    Args:
        chips: The programmed chip, one instance. Made with ``chip.only()`` it is the ideal chip, and
            so the integer network.
        window: Steps after which the sums begin anew, at most the program's ``max_length``; None:
            one sequence.
        keeps_states: Whether a new window clears the sums only.
        sample: Number of the first sequence; addresses the read noise.
        record: Registers that ``push`` writes out after each step. Those of the end section, as the
            answer, are what the program would give if the sequence ended there.

    Raises:
        ShapeError: More than one instance, or a window or sequence number out of range.
        DesignRuleError: A program whose steps need the length of the sequence.
    """

    def __init__(
        self,
        chips: ProgrammedChips,
        *,
        window: int | None = None,
        keeps_states: bool = True,
        sample: int = 0,
        record: tuple[str, ...] = (),
    ) -> None:
        self.program = chips.program
        _require(chips, window, sample)
        self._machine = machine = chips.machine(0)
        self._flow = _flow(self.program, machine, window, keeps_states, record)
        parts = (machine.code, machine.chip, machine.analog, machine.room, self._flow)
        self._words = words_of(*parts)
        self._weight = machine.chip.weights.dtype.type(0)
        self._clock = np.zeros(4, np.int64)
        self._given = np.zeros(self._flow.features, np.int64)
        self._given_at = self._given.ctypes.data
        self._final = _views(self.program, machine, self._flow.final)
        self._answer = self._final[self.program.output]
        self._scores = self._final[_scores(self.program)]
        start_stream(self._words)
        self._clock[SAMPLE] = sample - 1
        self.restart()
        self._run(self._given_at, 0, 0)  # compiled now, so that the first step takes no longer
        end_stream(self._words, self._clock)

    @property
    def steps(self) -> int:
        """Steps since the last restart."""
        return int(self._clock[STEPS])

    @property
    def sample(self) -> int:
        """Number of the sequence that addresses the read noise."""
        return int(self._clock[SAMPLE])

    def restart(self) -> None:
        """Begins the next sequence: registers as after the start section, step 0."""
        sample = self._clock[SAMPLE] + 1
        self._clock[:] = 0
        self._clock[SAMPLE] = sample
        np.copyto(self._machine.room.file, self._flow.fresh)

    def begin(self) -> None:
        """Begins a new window here: the sums, and without `keeps_states` all registers, begin anew."""
        renewed = self._flow.renewed
        self._machine.room.file[renewed] = self._flow.fresh[renewed]
        self._clock[IN_WINDOW] = 0

    def step(self, codes: Int64[np.ndarray, " features"]) -> None:
        """Runs one time step.

        Args:
            codes: Input codes.

        Raises:
            ShapeError: Other features, codes out of range, or a sequence that is full; the stream
                stays as it was.
        """
        if codes.shape != self._given.shape or codes.dtype != np.int64:
            raise self._misshapen(codes)
        np.copyto(self._given, codes)
        self._run(self._given_at, 1, 0)

    def push(
        self,
        codes: Int64[np.ndarray, "steps features"],
        out: Int64[np.ndarray, "steps elements"] | None = None,
    ) -> None:
        """Runs many time steps in one compiled call.

        Args:
            codes: Input codes; in C order they are not copied.
            out: Where the registers of `record` are written after each step, side by side in their
                order; in C order.

        Raises:
            ShapeError: Other features, codes out of range, more steps than the sequence may have, or
                another shape of `out`; the stream stays as it was.
        """
        if codes.shape[1:] != self._given.shape or codes.dtype != np.int64:
            raise self._misshapen(codes)
        given = np.require(codes, np.int64, ["C", "A"])
        if out is not None:
            _require_out(out, (len(given), self._flow.recorded_count))
        record = 0 if out is None or not out.size else out.ctypes.data
        self._run(given.ctypes.data, len(given), record)

    def answer(self) -> int:
        """The class of the steps so far, those of the current window where there are windows.

        Raises:
            ShapeError: No step was run yet.
        """
        self._end()
        return int(self._answer[0])

    def scores(self) -> Int32[np.ndarray, " classes"]:
        """The codes of which the answer is the largest; overwritten when asked again.

        Raises:
            ShapeError: No step was run yet.
        """
        self._end()
        return self._scores

    def final(self) -> dict[str, Int32[np.ndarray, " size"]]:
        """All registers as if the sequence ended here, by name; overwritten when asked again.

        Raises:
            ShapeError: No step was run yet.
        """
        self._end()
        return self._final

    def _run(self, inputs: int, steps: int, record: int) -> None:
        found = run_stream(self._words, self._weight, self._clock, inputs, steps, record)
        if found != DONE:
            raise self._refusal(found, steps)

    def _end(self) -> None:
        if not self._clock[IN_WINDOW]:
            raise ShapeError(
                given="a stream without a step",
                rule="an answer is the mean over at least one step",
                remedy="Push a step before asking.",
            )
        end_stream(self._words, self._clock)

    def _refusal(self, found: int, steps: int) -> ShapeError:
        if found == TOO_LONG:
            return ShapeError(
                given=f"{steps} more steps after {self.steps}",
                rule=f"the program takes the mean of at most {self.program.max_length} steps",
                remedy="Restart the stream, or give it a window.",
            )
        largest = self._flow.largest
        return ShapeError(
            given=f"input codes beyond {largest} at step {found} of the {steps} given",
            rule=f"the input register holds {-largest} to {largest}",
            remedy="Make codes with the input step that is stored with the program.",
        )

    def _misshapen(self, codes: np.ndarray) -> ShapeError:
        features = self._flow.features
        return ShapeError(
            given=f"codes of shape {codes.shape} and type {codes.dtype}",
            rule=f"a step takes ({features},) int64 codes, a block (steps, {features})",
            remedy="Use the front end that is stored with the program.",
        )

    def __reduce__(self) -> Any:
        raise ImssaError(
            given="a copy of a stream",
            rule="its registers stand at fixed places in the memory of one process",
            remedy="Make another stream of the same chips.",
        )


def _flow(
    program: Program,
    machine: Machine,
    window: int | None,
    keeps_states: bool,
    record: tuple[str, ...],
) -> Flow:
    size = len(machine.room.file)
    given = program.register(program.input)
    recorded = _elements(program, machine, record)
    summed = {op.target for op in program.step if isinstance(op, Accumulate)}
    renewed = summed if keeps_states else {r.name for r in program.registers}
    ended = {op.target for op in program.end if not isinstance(op, Phase)}
    elements = _elements(program, machine, sorted(renewed))
    return Flow(
        number=machine.number,
        begin=machine.offsets[given.name],
        features=given.size,
        largest=code_max(given.bits),
        window=window or program.max_length,
        endless=window is not None,
        renewed=elements,
        renewed_count=len(elements),
        fresh=np.zeros(size, np.int32),
        final=np.zeros(size, np.int32),
        recorded=recorded,
        recorded_count=len(recorded),
        ending=bool(ended & set(record)),
    )


def _elements(program: Program, machine: Machine, names: Iterable[str]) -> np.ndarray:
    """Elements of registers in the register file."""
    parts = [np.arange(program.register(n).size) + machine.offsets[n] for n in names]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.uint64)


def _views(program: Program, machine: Machine, file: np.ndarray) -> dict[str, np.ndarray]:
    """Registers by name, to be looked at only."""
    views = {r.name: file[machine.offsets[r.name] :][: r.size] for r in program.registers}
    for view in views.values():
        view.setflags(write=False)
    return views


def _scores(program: Program) -> str:
    """The register of which the answer is the largest element; else the answer's own."""
    names = [o.source for o in program.end if isinstance(o, ArgMax) and o.target == program.output]
    return names[-1] if names else program.output


def _require(chips: ProgrammedChips, window: int | None, sample: int) -> None:
    """Refuses what cannot be a stream."""
    longest = chips.program.max_length
    if len(chips.instances) != 1:
        raise ShapeError(
            given=f"{len(chips.instances)} chip instances",
            rule="a stream runs on one",
            remedy="Program one instance for each stream.",
        )
    if window is not None and not 1 <= window <= longest:
        raise ShapeError(
            given=f"window = {window}",
            rule=f"the program takes the mean of 1 to {longest} steps",
            remedy="Choose a shorter window, or compile a network with a larger max_length.",
        )
    if not 0 <= sample < COUNTER_STEPS:
        raise ShapeError(
            given=f"sample = {sample}",
            rule="sequences are numbered from 0 to 2^32 - 1",
            remedy="Number the streams of a chip from 0 on.",
        )
    if any(isinstance(op, MeanByLength) for op in (*chips.program.start, *chips.program.step)):
        raise DesignRuleError(
            given="a program that divides by the length before the sequence ends",
            rule="a stream does not know its length in advance",
            remedy="Divide in the program's end section.",
        )


def _require_out(out: np.ndarray, shape: tuple[int, int]) -> None:
    if out.shape != shape or out.dtype != np.int64 or not out.flags.carray:
        raise ShapeError(
            given=f"out of shape {out.shape} and type {out.dtype}",
            rule=f"the recorded registers take {shape} int64 numbers in C order, writeable",
            remedy="Make it once by np.empty, of that shape, and use it for every block.",
        )
