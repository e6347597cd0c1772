"""The quantized recurrence as an eager PyTorch loop: exact rules forward, autograd backward.

The gradient of a rounded and clipped value is that of the unrounded one, and zero where the code
stands at an end of its range. Codes come from :mod:`tests.reference.rules`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imssa.kernels.scan import DIRECT, LEAKY, Scales
from tests.reference import rules


class _Held(torch.autograd.Function):
    """Exact codes with the gradient of the unrounded value, inside the range only."""

    @staticmethod
    def forward(ctx: Any, _smooth: Tensor, codes: Tensor, inside: Tensor) -> Tensor:
        ctx.save_for_backward(inside)
        return codes.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None


def _held(smooth: Tensor, codes: NDArray[np.float64], largest: float) -> Tensor:
    held = torch.from_numpy(codes).reshape(smooth.shape)
    return cast("Tensor", _Held.apply(smooth, held, held.abs() < largest))  # type: ignore[no-untyped-call]


def _each(rule: Callable[..., int], *arguments: Any) -> NDArray[np.float64]:
    """A rule applied element by element, with plain Python numbers."""
    arrays = np.broadcast_arrays(*(_numbers(a) for a in arguments))
    flat = [
        rule(*(x.item() for x in row)) for row in zip(*(a.ravel() for a in arrays), strict=True)
    ]
    return np.array(flat, np.float64).reshape(arrays[0].shape)


def _numbers(values: Any) -> NDArray[Any]:
    return values.detach().numpy() if isinstance(values, Tensor) else np.asarray(values)


@dataclass(frozen=True)
class Kernels:
    """What the recurrence is differentiated by; A, B, C, D are integer weights in float64."""

    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    gain: Tensor
    k: Tensor

    def requiring_gradients(self) -> "Kernels":
        """The same values as leaves of a new graph."""
        return Kernels(*(x.detach().clone().requires_grad_() for x in vars(self).values()))


@dataclass(frozen=True)
class Answer:
    """Outputs (batch, length, features) and all codes, (features, batch, length, ...)."""

    y: Tensor
    state: NDArray[np.int64]
    adc: NDArray[np.int64]


def scan(
    u: Tensor,
    kernels: Kernels,
    lengths: NDArray[np.int64],
    scales: Scales,
    deviation: NDArray[np.float64] | None = None,
) -> Answer:
    """One sequence after the other, one step after the other.

    Args:
        u: DAC codes of the inputs, (batch, length, features).
        kernels: Weights, gains m 2^-t, decay shifts.
        lengths: True lengths; later steps stay zero.
        scales: Integer scales and widths.
        deviation: Added to the weights, (draws, features, read lines, driven lines).
    """
    batch, length, features = u.shape
    states = kernels.B.shape[1] * 2
    state = np.zeros((features, batch, length, states), np.int64)
    adc = np.zeros((features, batch, length, states + 1), np.int64)
    sequences = []
    for b in range(batch):
        extra = None if deviation is None else torch.from_numpy(deviation[b % len(deviation)])
        register = torch.zeros(kernels.B.shape, dtype=torch.float64)
        outputs = []
        for step in range(length):
            if step >= lengths[b]:
                outputs.append(torch.zeros(features, dtype=torch.float64))
                continue
            register, a, y = _step(register, u[b, step], kernels, scales, extra)
            outputs.append(y)
            state[:, b, step] = _numbers(register).reshape(features, -1)
            adc[:, b, step, :-1] = _numbers(a).reshape(features, -1)
            adc[:, b, step, -1] = _numbers(y)
        sequences.append(torch.stack(outputs))
    return Answer(torch.stack(sequences), state, adc)


def _step(
    register: Tensor, u: Tensor, w: Kernels, s: Scales, extra: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Register after the step, ADC codes of the states' lines, ADC codes of the outputs."""

    def states(drive: Tensor, u: Tensor) -> Tensor:
        acc = torch.einsum("hnij,hnj->hni", w.A, drive) + w.B * u[:, None, None]
        if extra is not None:
            acc = acc + (extra @ _lines(drive, u))[:, :-1, 0].reshape(acc.shape)
        return acc

    def output(drive: Tensor, u: Tensor) -> Tensor:
        acc = (w.C * drive).sum((-1, -2)) + w.D * u
        return acc if extra is None else acc + (extra @ _lines(drive, u))[:, -1, 0]

    drive = _driven(register, s)
    a = _converted(states, drive, u, s.adc[:, :-1].reshape(w.C.shape), s)
    after = _updated(register, a, w, s)
    read = _driven(after, s) if s.current else drive
    return after, a, _converted(output, read, u, s.adc[:, -1], s)


def _lines(drive: Tensor, u: Tensor) -> Tensor:
    return torch.cat([drive.flatten(1), u[:, None]], 1)[..., None]


def _driven(register: Tensor, s: Scales) -> Tensor:
    codes = _each(lambda r: rules.driven(int(r), s.drive_shift, s.dac_max), register)
    return _held(register * 2.0**-s.drive_shift, codes, s.dac_max)


def _converted(
    sums: Callable[[Tensor, Tensor], Tensor],
    drive: Tensor,
    u: Tensor,
    step: NDArray[np.float64],
    s: Scales,
) -> Tensor:
    """Weighted codes of all passes; their gradient is that of the whole sum."""
    codes, largest = np.zeros(step.shape), 0
    for bit, sign, weight in s.passes.tolist():
        parts = (torch.from_numpy(_each(_digit(bit, sign), x)) for x in (drive, u))
        codes += weight * _each(
            lambda x, y: rules.converted(Fraction(x), Fraction(y), s.adc_max), sums(*parts), step
        )
        largest += abs(weight) * s.adc_max
    return _held(sums(drive, u) / torch.from_numpy(step), codes, largest)


def _digit(bit: int, sign: int) -> Callable[[float], int]:
    return lambda code: rules.digit(int(code), bit, sign)


def _updated(register: Tensor, a: Tensor, w: Kernels, s: Scales) -> Tensor:
    largest = s.register_max
    codes = _each(
        lambda x, m, t: rules.scaled(int(x), m, t, largest),
        a,
        s.multiplier[..., None],
        s.shift[..., None],
    )
    update = _held(a * w.gain[..., None], codes, largest)
    if s.realization == DIRECT:
        return update
    if s.realization == LEAKY:
        kept = _each(lambda r, k: rules.decayed(int(r), k), register, s.k[..., None])
        register = _held(register * (1 - 2.0 ** -w.k[..., None]), kept, np.inf)
    total = register + update
    codes = _each(lambda x: rules.clip(int(x), largest), total)
    return _held(total, codes, largest)
