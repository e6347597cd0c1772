"""The frozen integer network: plain NumPy integers, one time step after the other.

This is the slow, readable statement of what a chip must answer; it shares with training and chip only
the rounding rule of :mod:`imssa.kernels.codes`. Codes go by the names of the program's registers.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from imssa.data import true_frames
from imssa.errors import ShapeError
from imssa.kernels.codes import (
    MULTIPLIER_BITS,
    code_max,
    decayed,
    driven,
    quantized,
    requantized,
    snap_gain,
)
from imssa.kernels.passes import Part, Passes, largest_code, passes_of, read_in_passes

MEAN_FRACTION_BITS = 7
MEAN_BITS = 16
LOGIT_BITS = 32
SUM_FRACTION_BITS = 8
"""Fractional bits of sums of ADC codes: biases are finer than a step of the ADC."""

Codes = Int64[np.ndarray, "..."]
Record = dict[str, Codes]


def cuts_of(inputs: int, word_lines: int) -> list[slice]:
    """The inputs that share an array, as even as can be.

    Example:
        >>> cuts_of(100, 64)
        [slice(0, 50, None), slice(50, 100, None)]
    """
    count = -(-inputs // word_lines)
    bounds = [inputs * cut // count for cut in range(count + 1)]
    return [slice(*ends) for ends in pairwise(bounds)]


@dataclass(frozen=True)
class Readout:
    """How arrays read a linear map: in cuts of the inputs, each through the ADC; codes are added.

    Attributes:
        word_lines: Most inputs of a cut.
        line_max: Largest code that a bit-line pair can hold.
        full_scale: L of each output, the same in all cuts.
        full_scale_shift: h of each output.
        passes: Bit, sign and weight of each pass of a conversion (`imssa.kernels.passes`).
        adc_bits: Width of the ADC.
    """

    word_lines: int
    line_max: int
    full_scale: Int64[np.ndarray, " outputs"]
    full_scale_shift: Int64[np.ndarray, " outputs"]
    passes: Passes
    adc_bits: int

    @property
    def adc_step(self) -> Float[np.ndarray, " outputs"]:
        """L / 2^h of each output."""
        return np.asarray(np.ldexp(self.full_scale.astype(float), -self.full_scale_shift))

    def codes(self, x: Codes, weights: Int64[np.ndarray, "outputs inputs"]) -> Codes:
        """ADC codes of the products, cut by cut, (cuts, ..., outputs)."""
        found = []
        for cut in cuts_of(weights.shape[1], self.word_lines):
            own, given = weights[:, cut], x[..., cut]

            def sums(part: Part, own: Codes = own, given: Codes = given) -> Codes:
                return np.asarray(part(given) @ own.T)

            found.append(read_in_passes(self.passes, sums, self.adc_step, self.adc_bits))
        return np.stack(found)


@dataclass(frozen=True)
class IntegerLinear:
    """sum_i W_ji x_i + bias_j, then m_j 2^-t_j; on arrays sum_c a_cj 2^8 + bias_j, a_c ADC codes.

    Attributes:
        weights: (outputs, inputs).
        bias: (outputs,).
        multiplier: (outputs,); the decoder's is not used.
        shift: (outputs,).
        readout: How arrays read it; None: it is computed digitally.
    """

    weights: Int64[np.ndarray, "outputs inputs"]
    bias: Int64[np.ndarray, " outputs"]
    multiplier: Int64[np.ndarray, " outputs"]
    shift: Int64[np.ndarray, " outputs"]
    readout: Readout | None = None

    def sums(self, x: Codes) -> Codes:
        """Exact sums, or those of ADC codes with `SUM_FRACTION_BITS` fractional bits."""
        if self.readout is None:
            return np.asarray(x @ self.weights.T + self.bias)
        read = self.readout.codes(x, self.weights).sum(0)
        return np.asarray((read << SUM_FRACTION_BITS) + self.bias)

    def largest_sum(self, input_max: int) -> Codes:
        """Largest magnitude that the sum of each output can reach."""
        if self.readout is None:
            return np.asarray(np.abs(self.weights).sum(axis=1) * input_max + np.abs(self.bias))
        cuts = len(cuts_of(self.weights.shape[1], self.readout.word_lines))
        read = cuts * largest_code(self.readout.passes, self.readout.adc_bits)
        return np.asarray((read << SUM_FRACTION_BITS) + np.abs(self.bias))

    def __call__(self, x: Codes, bits: int) -> Codes:
        """Output codes."""
        return requantized(self.sums(x), self.multiplier, self.shift, bits)


@dataclass(frozen=True)
class IntegerLayer:
    """One block: kernels, activation table, mixing, residual.

    Attributes:
        A: Weight codes of the states' rotation, (features, modes, 2, 2).
        B: Of the input, (features, modes, 2).
        C: Of the output, (features, modes, 2).
        D: Of the direct term, (features,).
        state_line_max: Largest code that a state's bit-line pair can hold.
        output_line_max: The same for the output's pair.
        full_scale: L of each line (states, then output), (features, lines).
        full_scale_shift: h of each line.
        multiplier: m of each mode's update.
        shift: t of each mode's update.
        k: Decay shift of each mode (``leaky``).
        output_multiplier: m of each kernel's output.
        output_shift: t of each kernel's output.
        activation: Name of the activation that the table holds.
        activation_step: What one code before and after the activation stands for.
        table: Activation codes for -max .. max.
        mixing: The mixing map.
        residual_multiplier: m of the residual operand.
        residual_shift: t of the residual operand.
    """

    A: Int64[np.ndarray, "features modes 2 2"]
    B: Int64[np.ndarray, "features modes 2"]
    C: Int64[np.ndarray, "features modes 2"]
    D: Int64[np.ndarray, " features"]
    state_line_max: int
    output_line_max: int
    full_scale: Int64[np.ndarray, "features lines"]
    full_scale_shift: Int64[np.ndarray, "features lines"]
    multiplier: Int64[np.ndarray, "features modes"]
    shift: Int64[np.ndarray, "features modes"]
    k: Int64[np.ndarray, "features modes"]
    output_multiplier: Int64[np.ndarray, " features"]
    output_shift: Int64[np.ndarray, " features"]
    activation: str
    activation_step: float
    table: Int64[np.ndarray, " codes"]
    mixing: IntegerLinear
    residual_multiplier: Int64[np.ndarray, " features"]
    residual_shift: Int64[np.ndarray, " features"]

    @property
    def adc_step(self) -> Float[np.ndarray, "features lines"]:
        """L / 2^h of each line."""
        return np.asarray(np.ldexp(self.full_scale.astype(float), -self.full_scale_shift))


@dataclass(frozen=True)
class Widths:
    """Realization, output convention, and the widths of codes and registers in bits."""

    realization: str
    output: str
    dac_bits: int
    adc_bits: int
    guard_bits: int
    register_bits: int
    activation_bits: int
    drive: str = "amplitude"
    polarity: str = "differential"

    @property
    def passes(self) -> Passes:
        """Bit, sign and weight of each pass of a conversion (`imssa.kernels.passes`)."""
        serial, twice = self.drive == "bit-serial", self.polarity == "two-pass"
        return passes_of(self.dac_bits, bit_serial=serial, two_pass=twice)


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network of integer codes; `run` is its meaning.

    Attributes:
        encoder: Input codes to stream codes.
        layers: The blocks.
        decoder: Mean codes to logits.
        widths: Realization and widths.
        input_step: Feature units of one input code.
        max_length: Longest sequence in steps.
        class_names: What the answers mean.
        preparation: How recordings become features.
        config: The quantization settings it was trained with.
    """

    encoder: IntegerLinear
    layers: tuple[IntegerLayer, ...]
    decoder: IntegerLinear
    widths: Widths
    input_step: float
    max_length: int
    class_names: tuple[str, ...]
    preparation: dict[str, Any]
    config: dict[str, Any]

    def input_codes(self, features: Float[np.ndarray, "*batch features"]) -> Codes:
        """Input codes of prepared features: round(x / step), ties away from zero, clipped."""
        return quantized(features, self.input_step, self.widths.dac_bits)

    @property
    def decodes_steps(self) -> bool:
        """Whether the decoder stands on arrays: it then runs at each step, before the mean."""
        return self.decoder.readout is not None

    @property
    def summed(self) -> int:
        """Numbers that are added up over the steps: of the stream, or of the decoder's sums."""
        return int(self.decoder.weights.shape[0 if self.decodes_steps else 1])

    def mean_scale(self) -> tuple[Codes, Codes]:
        """Multiplier and shift by length of the mean's scaling; entry 0 is not used."""
        lengths = np.maximum(np.arange(self.max_length + 1), 1)
        fraction = 0 if self.decodes_steps else MEAN_FRACTION_BITS
        return snap_gain(2.0**fraction / lengths, MULTIPLIER_BITS)

    def run(
        self,
        inputs: Int64[np.ndarray, "batch length features"],
        lengths: Int64[np.ndarray, " batch"],
        *,
        steps: bool = True,
    ) -> Record:
        """All codes of sequences, by register name.

        Args:
            inputs: Input codes; steps beyond a sequence's length are not executed.
            lengths: True lengths, 1 .. ``max_length``.
            steps: Whether codes of each step are kept; they fill some megabytes a sequence.

        Returns:
            Where steps are kept, codes (batch, length, size) at each, zero beyond the length; and
            (batch, size) for ``sum``, ``mean`` (of a digital decoder), ``logits`` and ``answer``.

        Raises:
            ShapeError: Lengths out of range or another number of features.
        """
        self._require(inputs, lengths)
        running = _Run(self, inputs, lengths, steps)
        for step in range(int(lengths.max())):
            running.step(step, np.flatnonzero(lengths > step))
        return running.end()

    def _require(self, inputs: Codes, lengths: Codes) -> None:
        features = self.encoder.weights.shape[1]
        if inputs.ndim != 3 or inputs.shape[2] != features:
            raise ShapeError(
                given=f"inputs of shape {inputs.shape}",
                rule=f"the network takes (batch, length, {features})",
                remedy="Use the front end that is stored with the network.",
            )
        longest = min(self.max_length, inputs.shape[1])
        if len(lengths) != len(inputs) or lengths.min() < 1 or lengths.max() > longest:
            raise ShapeError(
                given=f"{len(lengths)} lengths from {lengths.min()} to {lengths.max()}",
                rule=f"{len(inputs)} lengths from 1 to {longest} are needed",
                remedy="Crop the sequences or train with a larger max_frames.",
            )


class _Run:
    """Registers of one batch while it runs."""

    def __init__(
        self, network: QuantizedNetwork, inputs: Codes, lengths: Codes, steps: bool
    ) -> None:
        self.network, self.lengths, self.steps = network, lengths, steps
        real = true_frames(lengths, inputs.shape[1])
        self.inputs = inputs * real[..., None]
        self.record: Record = {"input": self.inputs} if steps else {}
        batch = len(inputs)
        self.states = [np.zeros((batch, *layer.B.shape), np.int64) for layer in network.layers]
        self.total = np.zeros((batch, network.summed), np.int64)

    def keep(self, name: str, step: int, rows: Codes, value: Codes) -> Codes:
        if not self.steps:
            return value
        flat = value.reshape(len(rows), -1)
        if name not in self.record:
            shape = (*self.inputs.shape[:2], flat.shape[1])
            self.record[name] = np.zeros(shape, np.int64)
        self.record[name][rows, step] = flat
        return value

    def step(self, step: int, rows: Codes) -> None:
        """One time step of the sequences ``rows``."""
        bits = self.network.widths.dac_bits
        stream = self.network.encoder(self.inputs[rows, step], bits)
        self.keep("stream.0", step, rows, stream)
        for number in range(len(self.network.layers)):
            stream = self._layer(number, step, rows, stream)
            self.keep(f"stream.{number + 1}", step, rows, stream)
        if self.network.decodes_steps:
            stream = self.keep("decoded", step, rows, self.network.decoder.sums(stream))
        self.total[rows] += stream

    def _layer(self, number: int, step: int, rows: Codes, stream: Codes) -> Codes:
        layer, widths = self.network.layers[number], self.network.widths

        def keep(name: str, value: Codes) -> Codes:
            return self.keep(f"{name}.{number}", step, rows, value)

        state, adc, readout = kernel_step(layer, widths, self.states[number][rows], stream)
        self.states[number][rows] = keep("state", state)
        keep("adc", adc)
        keep("readout", readout)
        out = requantized(
            readout, layer.output_multiplier, layer.output_shift, widths.activation_bits
        )
        keep("kernel", out)
        z = keep("activation", layer.table[out + code_max(widths.activation_bits)])
        mixing = keep("mixing", layer.mixing(z, widths.dac_bits))
        residual = requantized(
            stream, layer.residual_multiplier, layer.residual_shift, widths.dac_bits
        )
        keep("residual", residual)
        largest = code_max(widths.dac_bits)
        return np.clip(mixing + residual, -largest, largest)

    def end(self) -> Record:
        """Mean, logits and answers after the last step."""
        network = self.network
        m, t = network.mean_scale()
        lengths = self.lengths[:, None]
        if network.decodes_steps:
            logits = requantized(self.total, m[lengths], t[lengths], LOGIT_BITS)
        else:
            mean = requantized(self.total, m[lengths], t[lengths], MEAN_BITS)
            self.record["mean"] = mean
            logits = network.decoder.sums(mean)
        answer = logits.argmax(1)[:, None]
        return self.record | {"sum": self.total, "logits": logits, "answer": answer}


def kernel_step(
    layer: IntegerLayer, widths: Widths, state: Codes, u: Codes
) -> tuple[Codes, Codes, Codes]:
    """One step of all kernels of a layer (DESIGN section 5).

    Args:
        layer: The kernels.
        widths: Realization and widths.
        state: Registers, (batch, features, modes, 2).
        u: DAC codes of the inputs, (batch, features).

    Returns:
        Registers after the step, ADC codes of the states' lines, ADC codes of the outputs.
    """
    shift = np.array(widths.guard_bits)
    step = layer.adc_step
    lines = step[:, :-1].reshape(layer.B.shape)
    drive = driven(state, shift, widths.dac_bits)

    def states(part: Part) -> Codes:
        real, imaginary = np.moveaxis(part(drive)[..., None, :], -1, 0)
        own = layer.A[..., 0] * real + layer.A[..., 1] * imaginary  # sum(-1) of two takes long
        return np.asarray(own + layer.B * part(u)[..., None, None])

    adc = read_in_passes(widths.passes, states, lines, widths.adc_bits)
    update = requantized(
        adc, layer.multiplier[..., None], layer.shift[..., None], widths.register_bits
    )
    largest = code_max(widths.register_bits)
    if widths.realization == "leaky":
        state = decayed(state, layer.k[..., None])
    after = update if widths.realization == "direct" else np.clip(state + update, -largest, largest)
    read = driven(after, shift, widths.dac_bits) if widths.output == "current" else drive

    def output(part: Part) -> Codes:
        return np.asarray(np.einsum("fmi,bfmi->bf", layer.C, part(read)) + layer.D * part(u))

    return after, adc, read_in_passes(widths.passes, output, step[:, -1], widths.adc_bits)
