"""The integer network rewritten from DESIGN section 5 in plain Python integers, one sequence at a time."""

from fractions import Fraction
from typing import Any

from imssa.quantization.network import IntegerLayer, IntegerLinear, QuantizedNetwork, Widths
from tests.reference import rules

MEAN_MAX = 2**15 - 1
Codes = list[int]


def run(network: QuantizedNetwork, inputs: list[Codes]) -> tuple[Codes, Codes]:
    """Mean codes and logits of one sequence of input codes."""
    dac = rules.largest_code(network.widths.dac_bits)
    layers = [_Layer(layer, network.widths) for layer in network.layers]
    total = [0] * network.decoder.weights.shape[1]
    for codes in inputs:
        stream = _linear(network.encoder, codes, dac)
        for layer in layers:
            stream = layer.step(stream)
        total = [a + b for a, b in zip(total, stream, strict=True)]
    m, t = (int(x[len(inputs)]) for x in network.mean_scale())
    mean = [rules.scaled(x, m, t, MEAN_MAX) for x in total]
    return mean, _sums(network.decoder, mean)


def _sums(linear: IntegerLinear, x: Codes) -> Codes:
    rows = zip(linear.weights.tolist(), linear.bias.tolist(), strict=True)
    return [sum(a * b for a, b in zip(row, x, strict=True)) + bias for row, bias in rows]


def _linear(linear: IntegerLinear, x: Codes, largest: int) -> Codes:
    return _scaled(_sums(linear, x), linear.multiplier, linear.shift, largest)


def _scaled(x: Codes, multiplier: Any, shift: Any, largest: int) -> Codes:
    rows = zip(x, multiplier.tolist(), shift.tolist(), strict=True)
    return [rules.scaled(value, m, t, largest) for value, m, t in rows]


class _Layer:
    """One block with the registers of its kernels."""

    def __init__(self, layer: IntegerLayer, widths: Widths) -> None:
        self.layer, self.widths = layer, widths
        self.dac, self.adc = (rules.largest_code(b) for b in (widths.dac_bits, widths.adc_bits))
        self.register = rules.largest_code(widths.register_bits)
        self.activation = rules.largest_code(widths.activation_bits)
        self.features, self.modes = layer.k.shape
        self.state = [[[0, 0] for _ in range(self.modes)] for _ in range(self.features)]

    def step(self, stream: Codes) -> Codes:
        """Stream codes after the block."""
        layer = self.layer
        readout = [self._kernel(h, u) for h, u in enumerate(stream)]
        codes = _scaled(readout, layer.output_multiplier, layer.output_shift, self.activation)
        active = [int(layer.table[code + self.activation]) for code in codes]
        mixing = _linear(layer.mixing, active, self.dac)
        residual = _scaled(stream, layer.residual_multiplier, layer.residual_shift, self.dac)
        return [rules.clip(a + b, self.dac) for a, b in zip(mixing, residual, strict=True)]

    def _kernel(self, h: int, u: int) -> int:
        """Updates the registers of a kernel and gives the ADC code of its output."""
        before = self._drives(h)
        for n in range(self.modes):
            self.state[h][n] = [self._updated(h, n, i, before[n], u) for i in range(2)]
        read = self._drives(h) if self.widths.output == "current" else before
        weights = self.layer.C[h].tolist()
        acc = int(self.layer.D[h]) * u + sum(
            c * x
            for row, pair in zip(weights, read, strict=True)
            for c, x in zip(row, pair, strict=True)
        )
        return self._converted(acc, h, -1)

    def _drives(self, h: int) -> list[Codes]:
        f = self.widths.guard_bits
        return [[rules.driven(r, f, self.dac) for r in pair] for pair in self.state[h]]

    def _updated(self, h: int, n: int, i: int, drive: Codes, u: int) -> int:
        layer = self.layer
        a, b = layer.A[h, n, i].tolist()
        code = self._converted(
            a * drive[0] + b * drive[1] + int(layer.B[h, n, i]) * u, h, 2 * n + i
        )
        m, t = int(layer.multiplier[h, n]), int(layer.shift[h, n])
        update = rules.scaled(code, m, t, self.register)
        if self.widths.realization == "direct":
            return update
        register = self.state[h][n][i]
        if self.widths.realization == "leaky":
            register = rules.decayed(register, int(layer.k[h, n]))
        return rules.clip(register + update, self.register)

    def _converted(self, acc: int, h: int, line: int) -> int:
        L, shift = int(self.layer.full_scale[h, line]), int(self.layer.full_scale_shift[h, line])
        return rules.converted(Fraction(acc), Fraction(L, 2**shift), self.adc)
