"""The least-squares fits of a recalibration, one digital operation after the other."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64

from imssa.crossbar.trace import Trace
from imssa.deployment.calibration import Calibration, Runner
from imssa.deployment.digital import (
    gains_of,
    operation_of,
    shifted,
    with_gains,
    with_operation,
    with_weights,
)
from imssa.deployment.ridge import ridge
from imssa.kernels.codes import code_max, driven
from imssa.program.operations import MatMul, Requantize
from imssa.program.program import Program
from imssa.quantization.network import QuantizedNetwork, Record

Rows = Float64[np.ndarray, "rows columns"]
Gains = Float64[np.ndarray, " columns"]


@dataclass(frozen=True)
class Parts:
    """What is recalibrated.

    Attributes:
        updates: Gains of the states' updates.
        outputs: Gains of the kernels' outputs.
        mixing: Weights and bias of the mixing.
        decoder: Weights and bias of the read-out.
        weight_bits: Width of the new weights.
    """

    updates: bool = True
    outputs: bool = True
    mixing: bool = True
    decoder: bool = True
    weight_bits: int = 8


ALL_PARTS: Final = Parts()

LEAST_GAIN: Final = 1e-6
"""A kernel's updates are changed where this share of its answer is won."""


class Fit:
    """The fits of one chip.

    Args:
        network: The integer network that the chip is to meet.
        wanted: Its codes on the calibration recordings.
        run: Runs programs on the chip and these recordings.
        calibration: The recordings.
        parts: What is set anew; the others are left as they are.
    """

    def __init__(
        self,
        network: QuantizedNetwork,
        wanted: Record,
        run: Runner,
        calibration: Calibration,
        parts: Parts,
    ) -> None:
        self.network, self.wanted, self.run = network, wanted, run
        self.calibration, self.parts = calibration, parts

    def rows(self, codes: Any) -> Rows:
        """Codes of the steps inside the recordings."""
        return np.asarray(codes[self.calibration.real].astype(float))

    def recorded(self, program: Program, name: str) -> Rows:
        """A register of the chip at these steps."""
        return self.rows(self.run(program, (name,)).steps[name])

    def error(self, trace: Trace, name: str) -> float:
        """Relative root mean square error of a register."""
        wanted = self.wanted[name]
        if name in trace.steps:
            ours, right = self.rows(trace.steps[name]), self.rows(wanted)
        else:
            ours, right = trace.final[name], wanted
        rest, size = np.square(ours - right).mean(), np.square(right, dtype=float).mean()
        return float(np.sqrt(rest / size)) if size > 0 else float(np.sqrt(rest))

    def updates(self, program: Program, layer: int) -> Program:
        """Multipliers of the updates, by the gain of each state's pair."""
        operation = self._of_update(program, layer)
        if operation is None or not self.parts.updates:
            return program
        names = (f"state.{layer}", f"stream.{layer}", f"adc.{layer}")
        steps = self.run(program, names).steps
        state, stream, adc = (steps[n] for n in names)
        given, asked = self.rows(adc), self.rows(self._asked(layer, state, stream))
        largest = code_max(program.register(names[2]).bits)
        inside = (np.abs(given) < largest) & (np.abs(asked) < largest)
        given, asked = given * inside * self._made_up(operation, layer), asked * inside
        with np.errstate(divide="ignore", invalid="ignore"):
            nearest = (given * asked).sum(axis=0) / (given**2).sum(axis=0)
            unbiased = (asked**2).sum(axis=0) / (given * asked).sum(axis=0)
        return self._best_update(program, operation, [nearest, unbiased], layer)

    def _best_update(
        self, program: Program, operation: Requantize, tried: list[Any], layer: int
    ) -> Program:
        """For each kernel those of the tried factors that serve it best, or none of them.

        Kernels of a layer do not hear one another, so one run tries something on all of them.
        """
        tuned = [with_gains(operation, factors) for factors in tried]
        programs = [program, *(with_operation(program, operation, one) for one in tuned)]
        unlike = np.array([self._unlikeness(p, layer) for p in programs])
        unlike[1:] += LEAST_GAIN
        best = unlike.argmin(axis=0)
        of_state = np.repeat(best, len(tried[0]) // len(best))
        chosen = np.choose(of_state, [np.ones_like(tried[0]), *tried])
        return with_operation(program, operation, with_gains(operation, chosen))

    def _unlikeness(self, program: Program, layer: int) -> Float64[np.ndarray, " kernels"]:
        """Share of each read-out that no gain brings to the network's: 1 - correlation^2."""
        name = f"readout.{layer}"
        given, wanted = self.recorded(program, name), self.rows(self.wanted[name])
        size = (given**2).sum(axis=0) * (wanted**2).sum(axis=0)
        alike = (given * wanted).sum(axis=0)
        return np.asarray(1 - np.sign(alike) * alike**2 / np.where(size > 0, size, 1.0))

    def _made_up(self, operation: Requantize, layer: int) -> Gains:
        """What the program already multiplies the ADC codes of updates by, as a share of the network.

        Other than one where targets were made for wires and pairs hold a share of their weights.
        """
        held = self.network.layers[layer]
        gains = np.ldexp(held.multiplier.astype(float), -held.shift).repeat(2)
        present = gains_of(operation)
        return np.asarray(np.divide(present, gains, out=np.ones_like(present), where=gains != 0))

    def _of_update(self, program: Program, layer: int) -> Requantize | None:
        direct = operation_of(program, Requantize, f"state.{layer}")
        return direct or operation_of(program, Requantize, f"update.{layer}")

    def _asked(self, layer: int, state: Any, stream: Any) -> Any:
        """ADC codes, not rounded, that the weights ask for under the chip's own drives."""
        held, widths = self.network.layers[layer], self.network.widths
        before = np.concatenate([np.zeros_like(state[:, :1]), state[:, :-1]], axis=1)
        drive = driven(before, np.array(widths.guard_bits), widths.dac_bits)
        drive = drive.reshape(*drive.shape[:2], *held.B.shape)
        sums = np.einsum("fmij,btfmj->btfmi", held.A, drive, optimize=True)
        sums = sums + held.B * stream[..., None, None]
        return sums.reshape(state.shape) / held.adc_step[:, :-1].reshape(-1)

    def outputs(self, program: Program, layer: int) -> Program:
        """Multipliers of the kernels' outputs, by least squares."""
        operation = operation_of(program, Requantize, f"kernel.{layer}")
        if operation is None or not self.parts.outputs:
            return program
        name = f"readout.{layer}"
        given = self.recorded(program, name)
        held = self.network.layers[layer]
        wanted = self.rows(self.wanted[name]) * np.ldexp(
            held.output_multiplier.astype(float), -held.output_shift
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            gains = (given * wanted).sum(axis=0) / (given**2).sum(axis=0)
        return with_operation(
            program, operation, with_gains(operation, gains / gains_of(operation))
        )

    def mixing(self, program: Program, layer: int) -> Program:
        """Weights and bias of the mixing, by ridge regression on the network's sums."""
        operation = operation_of(program, MatMul, f"mixed.{layer}")
        scaling = operation_of(program, Requantize, f"mixing.{layer}")
        if operation is None or scaling is None or not self.parts.mixing:
            return program
        name = f"activation.{layer}"
        if operation.source != name:  # on arrays: its sums of ADC codes are left as they are
            return program
        given = self.recorded(program, name)
        right = self.rows(self.wanted[name])
        wanted = right @ self.network.layers[layer].mixing.weights.T
        wanted = wanted + self.network.layers[layer].mixing.bias
        weights, bias = _refitted(operation, given, wanted, self.calibration.recordings)
        program, finer = with_weights(program, operation, weights, bias, self.parts.weight_bits)
        return with_operation(program, scaling, shifted(scaling, finer))

    def decoder(self, program: Program) -> Program:
        """Weights and bias of the read-out, by ridge regression on the network's logits."""
        operation = operation_of(program, MatMul, "logits")
        if operation is None or operation.source != "mean" or not self.parts.decoder:
            return program
        given = self.run(program, ()).final["mean"]
        everyone = np.arange(len(given))
        logits = self.wanted["logits"].astype(float)
        weights, bias = _refitted(operation, given.astype(float), logits, everyone)
        return with_weights(program, operation, weights, bias, self.parts.weight_bits)[0]


def _refitted(
    operation: MatMul,
    x: Rows,
    y: Float64[np.ndarray, "rows outputs"],
    recordings: Int64[np.ndarray, " rows"],
) -> tuple[Float64[np.ndarray, "outputs inputs"], Float64[np.ndarray, " outputs"]]:
    """Weights and bias that tell ``y`` from ``x``, near to those of the operation."""
    one = np.full((len(x), 1), max(np.sqrt((x**2).mean()), 1.0))
    prior = np.concatenate([operation.weights.T, operation.bias[None] / one[0]]).astype(float)
    found = ridge(np.concatenate([x, one], axis=1), y, prior, recordings)
    return np.asarray(found[:-1].T), np.asarray(found[-1] * one[0])
