"""One phase in plain tensors: rounding rules, random numbers, array and converters."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from imssa.crossbar.arrays import Seen, both_lines
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import GUARD, code_max
from imssa.kernels.random import GROUP, Key, quantile_tables
from imssa.program.operations import Phase

Codes = Int64[Tensor, "..."]
WORD = 0xFFFFFFFF


def rounded_shift(value: Codes, shift: Codes) -> Codes:
    """round(value 2^-shift), ties away from zero; a negative shift is an exact left shift."""
    right = shift.clamp(min=0)
    half = (torch.ones_like(right) << right) >> 1
    return value.sign() * ((value.abs() + half) >> right) << (-shift).clamp(min=0)


def digits(codes: Codes, bit: int, sign: int) -> Codes:
    """What of DAC codes one pass drives the lines with (`imssa.kernels.passes`)."""
    magnitude = codes.abs() if bit < 0 else (codes.abs() >> bit) & 1
    return codes.sign() * magnitude if sign == 0 else magnitude * (codes.sign() == sign)


def first_largest(values: Codes) -> Codes:
    """Index of the largest element on the last axis, the lowest of equals."""
    count = values.shape[-1]
    order = torch.arange(count, device=values.device)
    largest = values == values.amax(-1, keepdim=True)
    return torch.where(largest, order, count).amin(-1, keepdim=True)


class ReadNormals:
    """The normals of `imssa.kernels.random.read_normals` for many chips and sequences.

    Args:
        key: Random key of the reads.
        instances: Numbers of the chip instances.
        samples: Numbers of the sequences.
        device: Where the tensors live.
    """

    def __init__(
        self,
        key: Key,
        instances: Int64[np.ndarray, " chips"],
        samples: Int64[np.ndarray, " batch"],
        device: torch.device,
    ) -> None:
        self.words = key.words
        self.chips = torch.as_tensor(instances, device=device)[:, None, None]
        self.samples = torch.as_tensor(samples, device=device)[:, None]
        self.low, self.rise = (torch.as_tensor(t, device=device) for t in quantile_tables())

    def __call__(
        self, event: int, step: int, lines: Int64[Tensor, " lines"]
    ) -> Float32[Tensor, "chips batch lines"]:
        """Normals of the lines of one MVM."""
        lane = (event << 16) | ((lines // GROUP) * 8 + lines % 8)
        counter = torch.broadcast_tensors(  # type: ignore[no-untyped-call]
            lane, torch.full_like(lane, step), self.samples & WORD, self.chips & WORD
        )
        words = torch.stack(_philox(counter, self.words))
        which = ((lines // 8) % 4).expand(1, *words.shape[1:])
        return self._normal(words.gather(0, which)[0])

    def _normal(self, words: Codes) -> Float32[Tensor, "..."]:
        """`imssa.kernels.random.to_normal` of words."""
        rest = words & 0x7FFFFFFF
        segment, inner = rest >> 21, (rest >> 11) & 1023
        tail = segment == 1023
        part = torch.where(tail, rest & 2047, rest & 2097151)
        end = torch.where(inner == 1023, 1023 + part, inner)
        place = torch.where(tail, 1023 + end, segment)
        scale = torch.where(tail, 2.0**-11, 2.0**-21).float()
        value = self.low[place] + self.rise[place] * ((part.float() + 0.5) * scale)
        return torch.where(words >> 31 == 1, -value, value)


def _philox(counter: Any, key: tuple[int, int]) -> tuple[Codes, Codes, Codes, Codes]:
    """Four 32-bit words of each counter: `imssa.kernels.random.philox` in 64-bit integers."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = _multiplied(x0, 0xD2511F53)
        high1, low1 = _multiplied(x2, 0xCD9E8D57)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return x0, x1, x2, x3


def _multiplied(word: Codes, factor: int) -> tuple[Codes, Codes]:
    """Upper and lower word of a product; halves keep it inside signed 64 bits."""
    small, large = (word & 0xFFFF) * factor, (word >> 16) * factor
    large = large + (small >> 16)
    return (large >> 16) & WORD, ((large << 16) | (small & 0xFFFF)) & WORD


class TensorPhase:
    """One phase on many chips.

    Args:
        op: The phase.
        seen: What it sees of its array.
        chip: Device laws and converters.
        sizes: Of all registers.
        tensor: Puts values on the device.
    """

    def __init__(
        self,
        op: Phase,
        seen: Seen,
        chip: ChipDescription,
        sizes: dict[str, int],
        tensor: Callable[[Any], Tensor],
    ) -> None:
        self.op, self.converters = op, chip.converters
        self.weights = tensor(seen.weights.astype(np.float64))
        self.variance, self.readout = tensor(seen.variance), tensor(seen.readout)
        self.adc_sigma, self.limit = tensor(seen.adc_sigma), tensor(seen.limit)
        self.inverse = tensor(1.0 / np.ldexp(op.full_scale.astype(float), -op.full_scale_shift))
        first = np.cumsum([0] + [sizes[name] for name in op.drive])
        self.source = tensor(first[op.drive_register] + op.drive_index)
        self.drive_sign, self.drive_shift = tensor(op.drive_sign), tensor(op.drive_shift)
        self.read_sign = tensor(op.read_sign)
        self.mine = [tensor(op.read_register == n) for n in range(len(op.read))]
        self.targets = [tensor(op.read_index[op.read_register == n]) for n in range(len(op.read))]
        self.lines = tensor(both_lines(op.pairs) if len(seen.limit) else op.pairs)
        self.behind = tensor(chip.arrays.bit_lines + op.pairs)

    def driven(self, sources: Int64[Tensor, "chips batch elements"]) -> Codes:
        """DAC codes of the phase's lines."""
        largest = code_max(self.converters.dac_bits)
        value = sources[..., self.source] * self.drive_sign
        return rounded_shift(value, self.drive_shift).clamp(-largest, largest)

    def read(self, part: Codes, normals: ReadNormals, at: tuple[int, int]) -> Codes:
        """ADC codes of one pass, (chips, batch, pairs)."""
        acc = part.double() @ self.weights
        saturating, noisy = len(self.limit) > 0, len(self.adc_sigma) > 0
        variance = self._variance(part)
        if noisy and not saturating:
            variance = variance + self.adc_sigma.square()
        if self.variance.shape[1] or (noisy and not saturating):
            acc = acc + (variance.sqrt() * normals(*at, self.lines)).double()
        if saturating:
            even, odd = (acc[..., n::2].clamp(-self.limit, self.limit) for n in (0, 1))
            acc = self.readout[:, None, 0] * even - self.readout[:, None, 1] * odd
            if noisy:
                acc = acc + (self.adc_sigma * normals(*at, self.behind)).double()
        return self._converted(acc + self.readout[:, None, 2] if self.readout.numel() else acc)

    def _variance(self, part: Codes) -> Float32[Tensor, "..."]:
        squares = part.square()
        if self.variance.shape[1] == 1:
            return self.variance * squares.sum(-1, keepdim=True).float()
        if self.variance.shape[1] == 0:
            return torch.zeros((), device=part.device)
        return (squares.double() @ self.variance.double()).float()

    def _converted(self, reading: Float64[Tensor, "chips batch pairs"]) -> Codes:
        """`imssa.kernels.codes.convert`."""
        top = float(code_max(self.converters.adc_bits))
        magnitude = torch.floor(reading.abs() * self.inverse + (0.5 + GUARD)).clamp(max=top)
        return torch.where(reading >= 0, magnitude, -magnitude).to(torch.int64)
