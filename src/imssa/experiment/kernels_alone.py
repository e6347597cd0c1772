"""The kernels of a program alone: all that drives, reads and updates their states, fed directly.

The rest of a network is left out, since its biases never fall silent.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Int64

from imssa.errors import DesignRuleError
from imssa.program import Program
from imssa.program.operations import Clear, Gather, Operation, Phase, Register

INPUT: Final = "fed"
ANSWER: Final = "answer"
LONGEST: Final = 2**20
"""Steps that the kernels may run; without a mean over time there is nothing else to bound them."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels of a program, to be fed directly.

    Attributes:
        program: Its input is what drives the kernels, and it never ends.
        states: Registers that the kernels feed back.
        fraction_bits: Of each element of these, side by side: bits below the DAC's step.
    """

    program: Program
    states: tuple[str, ...]
    fraction_bits: Int64[np.ndarray, " elements"]


def kernels_of(program: Program) -> Kernels:
    """Takes the kernels out of a program.

    A register that drives word lines, and is read in a time step before it is written there, is fed
    back: a state. What else drives the phases that update states is the kernels' input.

    Raises:
        DesignRuleError: The program feeds nothing back.
    """
    states = _fed_back(program)
    if not states:
        raise DesignRuleError(
            given="a program without states",
            rule="none of its registers is fed back to an array, so none has to come to rest",
            remedy="Name the program of a state-space network.",
        )
    step, inputs = _loop(program, states)
    sizes = {r.name: r for r in program.registers}
    used = {name for op in step for name in (*_sources(op), *_targets(op))}
    total, gathers = 0, list[Operation]()
    for name in inputs:
        index = np.arange(total, total + sizes[name].size)
        gathers.append(Gather(INPUT, name, index, np.ones_like(index)))
        total += len(index)
    bits = min(sizes[name].bits for name in inputs) if inputs else 2
    alone = replace(
        program,
        registers=(
            *(r for r in program.registers if r.name in used),
            Register(INPUT, max(total, 1), bits),
            Register(ANSWER, 1, 2),
        ),
        start=tuple(Clear(name) for name in states),
        step=(*gathers, *step),
        end=(),
        input=INPUT,
        output=ANSWER,
        max_length=LONGEST,
        preparation={},
        provenance={},
    )
    return Kernels(alone, states, _fraction_bits(alone, states))


def _sources(op: Operation) -> tuple[str, ...]:
    """Registers that an operation reads."""
    if isinstance(op, Phase):
        return op.drive
    return tuple(getattr(op, key) for key in ("source", "other") if hasattr(op, key))


def _targets(op: Operation) -> tuple[str, ...]:
    """Registers that an operation writes."""
    return op.read if isinstance(op, Phase) else (op.target,)


def _fed_back(program: Program) -> tuple[str, ...]:
    """Registers that drive an array and still hold what the step before left."""
    written, found = {program.input}, dict[str, None]()
    for op in program.step:
        if isinstance(op, Phase):
            found |= {name: None for name in op.drive if name not in written}
        written |= set(_targets(op))
    return tuple(name for name in found if name in written)


def _loop(
    program: Program, states: tuple[str, ...]
) -> tuple[tuple[Operation, ...], tuple[str, ...]]:
    """Operations of a step from states and inputs to states, and these inputs."""
    needed, kept, inputs = set(states), list[Operation](), set[str]()
    for op in reversed(program.step):
        if needed.isdisjoint(_targets(op)):
            continue
        kept.append(op)
        own = set(_sources(op))
        if isinstance(op, Phase):
            inputs |= own - set(states)
            own &= set(states)
        needed |= own
    ordered = tuple(reversed(kept))
    return ordered, tuple(sorted(inputs))


def _fraction_bits(program: Program, states: tuple[str, ...]) -> Int64[np.ndarray, " elements"]:
    found = {name: np.zeros(program.register(name).size, np.int64) for name in states}
    for phase in program.phases:
        for number, name in enumerate(phase.drive):
            if name in found:
                own = phase.drive_register == number
                found[name][phase.drive_index[own]] = phase.drive_shift[own]
    return np.concatenate([found[name] for name in states])
