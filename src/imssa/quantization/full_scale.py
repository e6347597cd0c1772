"""The choice of ADC full scales from those that the chip offers, on calibration data."""

from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from imssa.data import true_frames
from imssa.kernels import codes
from imssa.kernels.passes import Part, converted_in_passes, parts_of
from imssa.quantization.kernels import PreparedKernels
from imssa.quantization.linear import AnalogLinear
from imssa.quantization.network import cuts_of
from imssa.quantization.prepared import PreparedClassifier, Record

ROUNDS: Final = 2
CALIBRATION_SUMS: Final = 2**25
"""Sums of a pass that are looked at, at most."""

CALIBRATION_STATES: Final = 2**26
"""Complex states of a layer that calibration keeps at once, 16 bytes each, at most."""


def evenly(
    features: Float[Tensor, "batch length features"],
    lengths: Int64[Tensor, " batch"],
    a_frame: int,
    most: int,
) -> tuple[Tensor, Tensor]:
    """Evenly spaced sequences, as many as hold so many values; all of them where they do.

    Args:
        features: Sequences.
        lengths: Their true lengths.
        a_frame: Values that each frame takes.
        most: Values in all.
    """
    every = max(1, -(-features.shape[0] * features.shape[1] * a_frame // most))
    return features[::every], lengths[::every]


def choose_full_scales(
    prepared: PreparedClassifier,
    features: Float[Tensor, "batch length features"],
    lengths: Int64[Tensor, " batch"],
) -> None:
    """Gives each line the full scale with the least squared conversion error.

    Output gains are kept: they are adapted to the new ADC step. The two states of a mode share a
    full scale.

    Args:
        prepared: Changed in place.
        features: Calibration sequences; some of them where there are many.
        lengths: Their true lengths.
    """
    lines = max(
        block.kernels.B.shape[0] * (block.kernels.B[0].numel() + 1) for block in prepared.blocks
    )
    features, lengths = evenly(features, lengths, lines, CALIBRATION_SUMS)
    for _ in range(ROUNDS):
        record: Record = {}
        with torch.no_grad():
            prepared(features, lengths, record=record)
        real = true_frames(lengths.numpy(), features.shape[1])
        for number, block in enumerate(prepared.blocks):
            state = record[f"state.{number}"]
            _choose(block.kernels, record[f"stream.{number}"], state, real)
        for name, linear in prepared.linears.items():
            if isinstance(linear, AnalogLinear):
                _choose_linear(linear, record[name][real], together=linear is prepared.decoder)


def _sums(
    kernels: PreparedKernels,
    stream: Int64[np.ndarray, "batch length features"],
    state: Int64[np.ndarray, "batch length states"],
    part: Part,
) -> Float64[np.ndarray, "batch length features lines"]:
    """Sums before conversion at each step, of what one pass feeds."""
    A, B, C, D = (w.detach().numpy() for w in kernels.weights())
    features, modes = B.shape[:2]
    before = np.concatenate([np.zeros_like(state[:, :1]), state[:, :-1]], axis=1)
    bits = kernels.chip.converters.dac_bits
    shift = np.array(kernels.config.guard_bits)
    shape = (*state.shape[:2], features, modes, 2)

    def fed(register: Int64[np.ndarray, "batch length states"]) -> Any:
        return part(codes.driven(register, shift, bits)).reshape(shape).astype(float)

    d, u = fed(before), part(stream)
    read = fed(state) if kernels.current else d
    states = A[..., 0] * d[..., :1] + A[..., 1] * d[..., 1:] + B * u[..., None, None]
    output = (C * read).sum((-2, -1)) + D * u
    return np.concatenate([states.reshape(*shape[:3], -1), output[..., None]], axis=-1)


def _choose(
    kernels: PreparedKernels,
    stream: Int64[np.ndarray, "batch length features"],
    state: Int64[np.ndarray, "batch length states"],
    real: Bool[np.ndarray, "batch length"],
) -> None:
    converters = kernels.chip.converters
    passes, offers = converters.passes, converters.full_scale_devices
    sums = [_sums(kernels, stream, state, part)[real] for part in parts_of(passes)]
    acc = sum(weight * part for weight, part in zip(passes[:, 2].tolist(), sums, strict=True))
    lines = acc.shape[-1]
    of_state, of_output = map(
        kernels.chip.adc_steps, (kernels.state_line_max, kernels.output_line_max)
    )
    steps = np.stack([of_state] * (lines - 1) + [of_output], axis=1)
    errors = np.empty((len(offers), *acc.shape[1:]))
    for number, step in enumerate(steps):
        read = converted_in_passes(passes, sums, step, converters.adc_bits)
        errors[number] = ((read * step - acc) ** 2).mean(0)
    devices = np.array(offers, float)
    by_mode = errors[..., :-1].reshape(len(offers), acc.shape[1], -1, 2).sum(-1)
    before = kernels.output_scale.clone()
    kernels.state_scale.copy_(torch.from_numpy(devices[by_mode.argmin(0)]))
    kernels.output_scale.copy_(torch.from_numpy(devices[errors[..., -1].argmin(0)]))
    with torch.no_grad():
        kernels.log_output_gain.add_(torch.log2(kernels.output_scale / before))


def _choose_linear(
    linear: AnalogLinear, x: Int64[np.ndarray, "frames inputs"], *, together: bool
) -> None:
    """The full scale of each output, or one for all, for the inputs that it sees."""
    weights = linear.weights()[0].detach().numpy()
    converters = linear.chip.converters
    offers, passes = np.array(converters.full_scale_devices, float), converters.passes
    steps = linear.chip.adc_steps(codes.code_max(linear.bits))
    errors = np.zeros((len(offers), len(weights)))
    for cut in cuts_of(weights.shape[1], linear.chip.arrays.word_lines):
        sums = [part(x[:, cut]).astype(float) @ weights[:, cut].T for part in parts_of(passes)]
        acc = sum(worth * part for worth, part in zip(passes[:, 2].tolist(), sums, strict=True))
        for number, step in enumerate(steps):
            read = converted_in_passes(passes, sums, np.asarray(step), converters.adc_bits)
            errors[number] += ((read * step - acc) ** 2).mean(0)
    if together:
        errors[:] = errors.sum(1, keepdims=True)
    linear.choose(offers[errors.argmin(0)])
