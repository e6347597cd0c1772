"""After a loud input comes silence: does every register come to rest, and how soon must it?

Kernels are fed bursts at the DAC's full scale, then zeros.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from imssa.crossbar import ProgrammedChips, Stream
from imssa.experiment.kernels_alone import INPUT, Kernels
from imssa.experiment.linear import decay_rates, is_linear
from imssa.hardware import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.program import Program

ALLOWED_STEPS: Final = 2.0
"""DAC steps from zero at which a register counts as at rest."""

MARGIN: Final = 2.0
"""By how much more steps are given than the slowest pole takes, for rounding and clipped drives."""

MOST_STEPS: Final = 8_000
WATCHED_STEPS: Final = 64
"""Steps after the silence that are looked at: a limit cycle passes through zero."""

BURSTS: Final = 3
SMALLEST_RATE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Silence:
    """What is left in the registers of chips some steps after a burst.

    Attributes:
        names: Of each register element, a mode's two alike: "mode 0 of kernel 3 of layer 0".
        steps: Steps of silence that were given.
        largest: Largest magnitude that is left after any burst, in DAC steps.
    """

    names: tuple[str, ...]
    steps: int
    largest: Float64[np.ndarray, "chips elements"]

    @property
    def restless(self) -> Bool[np.ndarray, "chips elements"]:
        """Registers that have not come to rest."""
        return self.largest > ALLOWED_STEPS


def steps_to_rest(kernels: Kernels) -> int:
    """Steps in which the slowest pole takes a full register to rest, with a margin.

    |r_k| <= R rho^k, so k = ln(R / 2) / -ln rho for a register of R DAC steps and the largest pole
    magnitude rho of the linear recurrence, its rounding and clipping left out. At most
    ``MOST_STEPS``, which a pole on the unit circle gets too, and a step that is not linear.
    """
    if not is_linear(kernels.program):
        return MOST_STEPS
    rate = float(decay_rates(kernels.program, kernels.states).max())
    if rate >= 1.0:
        return MOST_STEPS
    codes = max(code_max(kernels.program.register(name).bits) for name in kernels.states)
    largest = float(np.ldexp(float(codes), -int(kernels.fraction_bits.min())))
    steps = (
        MARGIN * np.log(max(largest / ALLOWED_STEPS, math.e)) / -np.log(max(rate, SMALLEST_RATE))
    )
    return min(int(np.ceil(steps)), MOST_STEPS)


def silence_after_burst(
    kernels: Kernels,
    chip: ChipDescription,
    instances: Int64[np.ndarray, " chips"],
    steps: int,
    key: Key,
) -> Silence:
    """Feeds bursts to chips, waits, and looks at what is left for some steps more.

    Args:
        kernels: Of the program.
        chip: Device laws.
        instances: Numbers of the chips.
        steps: Steps of silence.
        key: Of the chips, and of the bursts.
    """
    loud = _bursts(kernels.program, max(steps // 4, 1), key.child("burst"))
    largest = np.stack(
        [
            _left(ProgrammedChips(kernels.program, chip, key, one), kernels.states, loud, steps)
            for one in np.split(instances, len(instances))
        ]
    )
    return Silence(_names(kernels), steps, np.ldexp(largest, -kernels.fraction_bits))


def _left(
    chip: ProgrammedChips,
    states: tuple[str, ...],
    bursts: Int64[np.ndarray, "batch length inputs"],
    steps: int,
) -> Float64[np.ndarray, " elements"]:
    """Largest magnitude of each register after any of the bursts, in its own steps."""
    stream = Stream(chip, record=states)
    silence = np.zeros((steps, bursts.shape[2]), np.int64)
    elements = sum(chip.program.register(name).size for name in states)
    seen = np.zeros((len(bursts), WATCHED_STEPS, elements), np.int64)
    for burst, out in zip(bursts, seen, strict=True):
        stream.restart()
        stream.push(burst)
        stream.push(silence)
        stream.push(silence[:1].repeat(WATCHED_STEPS, axis=0), out)
    return np.asarray(np.abs(seen).max(axis=(0, 1)).astype(float))


def _bursts(program: Program, length: int, key: Key) -> Int64[np.ndarray, "batch length inputs"]:
    """Full scale: constant, and with random signs."""
    register = program.register(INPUT)
    inputs = np.ones((BURSTS, length, register.size), np.int64)
    inputs[1:] = 2 * key.numpy().integers(0, 2, inputs[1:].shape) - 1
    return inputs * code_max(register.bits)


def _names(kernels: Kernels) -> tuple[str, ...]:
    """Every element in words; by mode and kernel where its place tells them."""
    names = []
    for state in kernels.states:
        size = kernels.program.register(state).size
        layer = state.rpartition(".")[2]
        beside = [r.size for r in kernels.program.registers if r.name == f"stream.{layer}"]
        per = size // beside[0] if beside and size % beside[0] == 0 else 0
        for i in range(size):
            where = f"element {i} of {state}"
            if per:
                where = f"mode {i % per // 2} of kernel {i // per} of layer {layer}"
            names.append(where)
    return tuple(names)


def restless_names(silence: Silence) -> dict[str, int]:
    """Modes with a register that has not come to rest, and on how many chips; most chips first."""
    on: dict[str, Bool[np.ndarray, " chips"]] = {}
    for name, restless in zip(silence.names, silence.restless.T, strict=True):
        if restless.any():
            on[name] = on.get(name, False) | restless
    counts = {name: int(chips.sum()) for name, chips in on.items()}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
