"""A program's time steps one at a time, compiled: registers stay where they are between calls.

Everything that one chip needs stands in one vector (:mod:`imssa.kernels.addresses`), the members of
``Code``, ``Chip``, ``Analog``, ``Room`` and ``Flow`` one after the other.
"""

from typing import Any, Final, NamedTuple

import numba
import numpy as np

from imssa.kernels.addresses import located, packed
from imssa.kernels.interpreter import Code, operate, operate_digital
from imssa.kernels.phase import Analog, Chip, Room

STEP, IN_WINDOW, SAMPLE, STEPS = range(4)
"""Places in a clock: step and sequence number that address the read noise, steps of the window and of
the sequence so far."""

DONE, TOO_LONG = -1, -2
"""What ``run_stream`` gives instead of the step whose codes it refused."""

COUNTER_STEPS: Final = 1 << 32
"""Time steps that the counter of the read noise can tell apart."""

_CHIP: Final = len(Code._fields)
_ANALOG: Final = _CHIP + len(Chip._fields)
_ROOM: Final = _ANALOG + len(Analog._fields)
_FLOW: Final = _ROOM + len(Room._fields)


_NAMES: Final = {
    np.float32: ("variances", "adc_sigma", "squares", "noise"),
    np.float64: ("readout", "inverse", "limit", "readings"),
    np.int32: ("digits", "drives", "codes", "file", "fresh", "final"),
    np.uint32: ("words",),
    np.int64: ("pool", "passes"),
    np.uint64: ("start", "step", "end", "renewed", "recorded"),
}
_TYPES: Final = {name: kind for kind, names in _NAMES.items() for name in names}


class Flow(NamedTuple):
    """What a stream adds to a program and a chip; elements are those of the register file.

    Attributes:
        number: Of the chip instance.
        begin: First element of the input register.
        features: Its elements.
        largest: Largest input code.
        window: Steps of a window.
        endless: Whether another window follows.
        renewed: Elements that a new window sets back.
        renewed_count: Their number.
        fresh: The register file after the start section.
        final: The register file after the end section.
        recorded: Elements to record.
        recorded_count: Their number.
        ending: Whether some of them are written by the end section.
    """

    number: Any
    begin: Any
    features: Any
    largest: Any
    window: Any
    endless: Any
    renewed: Any
    renewed_count: Any
    fresh: Any
    final: Any
    recorded: Any
    recorded_count: Any
    ending: Any


def words_of(code: Code, chip: Chip, analog: Analog, room: Room, flow: Flow) -> Any:
    """All that one chip needs as one vector, for the compiled functions of this file."""
    kind = chip.weights.dtype
    types = {**_TYPES, "weights": kind, "x": kind, "acc": kind}
    return packed((code, chip, analog, room, flow), types)


@numba.njit(nogil=True, forceinline=True)
def _code(words: Any) -> Any:
    rows = np.uint64(0)
    return Code(
        located(words[0], np.int64(0)),
        located(words[1], rows),
        np.uint64(words[2]),
        located(words[3], rows),
        np.uint64(words[4]),
        located(words[5], rows),
        np.uint64(words[6]),
        np.uint64(words[7]),
    )


@numba.njit(nogil=True, forceinline=True)
def _chip(words: Any, weight: Any) -> Any:
    return Chip(
        located(words[_CHIP], weight),
        located(words[_CHIP + 1], np.float32(0)),
        located(words[_CHIP + 2], np.float64(0)),
        words[_CHIP + 3],
        words[_CHIP + 4],
    )


@numba.njit(nogil=True, forceinline=True)
def _analog(words: Any) -> Any:
    return Analog(
        words[_ANALOG],
        words[_ANALOG + 1],
        words[_ANALOG + 2],
        located(words[_ANALOG + 3], np.int64(0)),
        words[_ANALOG + 4] != 0,
        located(words[_ANALOG + 5], np.float64(0)),
        words[_ANALOG + 6] != 0,
        located(words[_ANALOG + 7], np.float32(0)),
        located(words[_ANALOG + 8], np.float64(0)),
        words[_ANALOG + 9],
        np.uint64(words[_ANALOG + 10]),
    )


@numba.njit(nogil=True, forceinline=True)
def _room(words: Any, weight: Any) -> Any:
    return Room(
        located(words[_ROOM], weight),
        located(words[_ROOM + 1], np.float32(0)),
        located(words[_ROOM + 2], np.int32(0)),
        located(words[_ROOM + 3], weight),
        located(words[_ROOM + 4], np.float32(0)),
        located(words[_ROOM + 5], np.uint32(0)),
        located(words[_ROOM + 6], np.int32(0)),
        located(words[_ROOM + 7], np.float64(0)),
        located(words[_ROOM + 8], np.int32(0)),
        located(words[_ROOM + 9], np.int32(0)),
    )


@numba.njit(nogil=True, forceinline=True)
def _flow(words: Any) -> Any:
    return Flow(
        words[_FLOW],
        np.uint64(words[_FLOW + 1]),
        np.uint64(words[_FLOW + 2]),
        words[_FLOW + 3],
        words[_FLOW + 4],
        words[_FLOW + 5] != 0,
        located(words[_FLOW + 6], np.uint64(0)),
        np.uint64(words[_FLOW + 7]),
        located(words[_FLOW + 8], np.int32(0)),
        located(words[_FLOW + 9], np.int32(0)),
        located(words[_FLOW + 10], np.uint64(0)),
        np.uint64(words[_FLOW + 11]),
        words[_FLOW + 12] != 0,
    )


@numba.njit(nogil=True, forceinline=True)
def _end(tape: Any, flow: Any, file: Any, length: Any) -> None:
    """The end section on a copy of the registers."""
    for e in range(tape.size):
        flow.final[e] = file[e]
    operate_digital(tape.end, tape.end_count, tape.pool, np.uint64(length), flow.final)


@numba.njit(nogil=True, forceinline=True)
def _tick(clock: Any) -> None:
    """One step more; beyond the counter's range the read noise goes on as the next sequence's."""
    clock[IN_WINDOW] += 1
    clock[STEPS] += 1
    clock[STEP] += 1
    if clock[STEP] == COUNTER_STEPS:
        clock[STEP] = 0
        clock[SAMPLE] += 1


@numba.njit(cache=True, nogil=True)
def run_stream(words: Any, weight: Any, clock: Any, inputs: int, steps: int, record: int) -> Any:
    """Runs time steps on the registers; gives ``DONE``, or why not.

    Everything is looked at before anything runs, so that a refused block changes nothing.

    Args:
        words: Program, chip, working arrays and stream.
        weight: A number of the weights' type.
        clock: Where the stream stands.
        inputs: Address of the input codes, int64 (steps, features).
        steps: Number of time steps.
        record: Address of the recorded codes, int64 (steps, recorded elements); 0: none.
    """
    tape, chip, analog = _code(words), _chip(words, weight), _analog(words)
    room, flow = _room(words, weight), _flow(words)
    file, given, kept = room.file, located(inputs, np.int64(0)), located(record, np.int64(0))
    if not flow.endless and clock[IN_WINDOW] + steps > flow.window:
        return TOO_LONG
    for i in range(np.uint64(steps) * flow.features):
        if given[i] > flow.largest or given[i] < -flow.largest:
            return np.int64(i // flow.features)
    for k in range(np.uint64(steps)):
        if clock[IN_WINDOW] == flow.window:
            clock[IN_WINDOW] = 0
            for i in range(flow.renewed_count):
                file[flow.renewed[i]] = flow.fresh[flow.renewed[i]]
        for e in range(flow.features):
            file[flow.begin + e] = given[k * flow.features + e]
        address = (clock[STEP], clock[SAMPLE], flow.number)
        operate(tape.step, tape.step_count, tape.pool, chip, analog, address, np.uint64(0), room)
        _tick(clock)
        if record != 0:
            source = file
            if flow.ending:
                _end(tape, flow, file, clock[IN_WINDOW])
                source = flow.final
            for e in range(flow.recorded_count):
                kept[k * flow.recorded_count + e] = source[flow.recorded[e]]
    return DONE


@numba.njit(cache=True, nogil=True)
def start_stream(words: Any) -> None:
    """Fills ``fresh`` with the registers after the start section, from zero."""
    tape, flow = _code(words), _flow(words)
    for e in range(tape.size):
        flow.fresh[e] = 0
    operate_digital(tape.start, tape.start_count, tape.pool, np.uint64(0), flow.fresh)


@numba.njit(cache=True, nogil=True)
def end_stream(words: Any, clock: Any) -> None:
    """Runs the end section on a copy of the registers, for the steps of the window so far."""
    file = located(words[_ROOM + 9], np.int32(0))
    _end(_code(words), _flow(words), file, clock[IN_WINDOW])
