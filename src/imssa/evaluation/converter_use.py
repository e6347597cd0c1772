"""How DACs and ADCs are used while a program hears recordings."""

import numpy as np
from jaxtyping import Bool, Int64

from imssa.crossbar import simulate
from imssa.evaluation.pictures import ConverterUse
from imssa.kernels.codes import code_max, driven
from imssa.kernels.random import Key
from imssa.program import Program

BINS = 24
"""Of a histogram over the share of the range that a code takes."""

Codes = Int64[np.ndarray, "steps elements"]
_WORDS = {
    "state": "states",
    "stream": "kernel inputs",
    "adc": "state sums",
    "readout": "kernel outputs",
    "encoded": "encoder",
    "mixed": "mixing map",
    "logits": "decoder",
    "input": "network inputs",
    "activation": "mixing inputs",
    "mean": "decoder inputs",
}


def converter_use(
    program: Program,
    key: Key,
    inputs: Int64[np.ndarray, "items length features"],
    lengths: Int64[np.ndarray, " items"],
) -> tuple[ConverterUse, ...]:
    """Codes of all converters on chip instance 0, by the register that they come from or go to.

    Registers are looked at after each time step, so that a DAC's codes of states are those of the
    step that follows.

    Args:
        program: Which program.
        key: The key of a study, so that the chip is that of its results.
        inputs: Input codes of some recordings.
        lengths: Their true lengths.
    """
    driving = list(dict.fromkeys(name for phase in program.phases for name in phase.drive))
    reading = list(dict.fromkeys(name for phase in program.phases for name in phase.read))
    names = tuple(dict.fromkeys((*driving, *reading)))
    trace = simulate(program, program.chip, key, np.zeros(1, np.int64), inputs, lengths, names)
    heard = np.arange(inputs.shape[1]) < lengths[:, None]
    steps = {name: trace.steps[name][0][heard] for name in names}
    converters = program.chip.converters
    found = [
        _use("DAC", name, _driving(program, name, steps[name]), converters.dac_bits)
        for name in driving
    ]
    for name in reading:
        read = np.flatnonzero(_used(program, name, read=True))
        found.append(_use("ADC", name, steps[name][:, read], converters.conversion_bits))
    return tuple(found)


def _driving(program: Program, name: str, codes: Codes) -> Codes:
    """DAC codes of a register's elements that drive word lines."""
    shift = np.zeros(codes.shape[1], np.int64)
    for phase in program.phases:
        for number, driver in enumerate(phase.drive):
            own = phase.drive_register == number
            if driver == name:
                shift[phase.drive_index[own]] = phase.drive_shift[own]
    used = np.flatnonzero(_used(program, name, read=False))
    return driven(codes[:, used], shift[used], program.chip.converters.dac_bits)


def _used(program: Program, name: str, *, read: bool) -> Bool[np.ndarray, " elements"]:
    """Elements of a register that an array reads into, or that drive one."""
    used = np.zeros(program.register(name).size, bool)
    for phase in program.phases:
        names, register, index = (
            (phase.read, phase.read_register, phase.read_index)
            if read
            else (phase.drive, phase.drive_register, phase.drive_index)
        )
        for number, other in enumerate(names):
            if other == name:
                used[index[register == number]] = True
    return used


def _use(converter: str, name: str, codes: Codes, bits: int) -> ConverterUse:
    largest = code_max(bits)
    size = np.abs(codes).ravel()
    counts, _ = np.histogram(size / largest, BINS, (0.0, 1.0 + 1e-9))
    return ConverterUse(
        converter=converter,
        register=name,
        words=_words(name),
        bits=bits,
        conversions=int(size.size),
        zero=float((size == 0).mean()) if size.size else 0.0,
        at_the_end=float((size >= largest).mean()) if size.size else 0.0,
        shares=counts / max(size.size, 1),
    )


def _words(register: str) -> str:
    role, _, layer = register.partition(".")
    words = _WORDS.get(role, role)
    return f"{words}, layer {layer}" if layer.isdigit() else words
