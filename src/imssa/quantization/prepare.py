"""From the float network to one that trains in codes: realizations of poles, scales by calibration.

A complex scaling of each mode makes B equal to the mode's gain, which any bit width holds exactly;
C takes the rest (DESIGN section 4). Ranges of converters are filled on calibration data.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Complex128, Float, Float64, Int64
from torch import Tensor

from imssa.data import true_frames
from imssa.errors import DesignRuleError
from imssa.hardware.description import ChipDescription
from imssa.kernels import codes
from imssa.models import S4DBlock, S4DClassifier
from imssa.quantization.config import QuantizationConfig, TrainingNoise
from imssa.quantization.full_scale import CALIBRATION_STATES, choose_full_scales, evenly
from imssa.quantization.kernels import PreparedKernels, pair_sigma
from imssa.quantization.linear import AnalogLinear, QuantizedLinear
from imssa.quantization.network import MEAN_FRACTION_BITS
from imssa.quantization.prepared import PreparedBlock, PreparedClassifier

CALIBRATION_SHARE = 0.999
"""Share of calibration values that a converter's range must hold."""
Sequences = Float64[np.ndarray, "batch length features"]


@dataclass(frozen=True)
class Realized:
    """Poles as hardware runs them.

    Attributes:
        A: Rotation weights (re, im), full scale 1.
        gain: Gain of each mode.
        k: Decay shifts.
        pole: The pole that results.
    """

    A: Float64[np.ndarray, "features modes 2"]
    gain: Float64[np.ndarray, "features modes"]
    k: Float64[np.ndarray, "features modes"]
    pole: Complex128[np.ndarray, "features modes"]


def realize(
    pole: Complex128[np.ndarray, "features modes"],
    config: QuantizationConfig,
    chip: ChipDescription,
) -> Realized:
    """Weights, gains and decay shifts whose poles are near the given ones (DESIGN section 4).

    Args:
        pole: Abar of each mode, inside the unit circle.
        config: Realization and bits.
        chip: Its programming error sets the margin of stability of ``leaky``.
    """
    if config.realization == "leaky":
        return _leaky(pole, config, chip)
    identity = 1.0 if config.realization == "incremental" else 0.0
    target = pole - identity
    largest = codes.code_max(config.bits.A)
    unit = target / np.maximum(np.abs(target.real), np.abs(target.imag))
    weight = (np.rint(unit.real * largest) + 1j * np.rint(unit.imag * largest)) / largest
    if identity:  # without decay an increment grows
        weight = np.where(weight.real > -0.5 / largest, -1 / largest + 1j * weight.imag, weight)
    gain = np.abs(target) / np.abs(weight)
    if identity:
        gain = np.minimum(gain, 1.8 * -weight.real / np.abs(weight) ** 2)
    A = np.stack([weight.real, weight.imag], -1)
    return Realized(A, gain, np.ones(pole.shape), identity + gain * weight)


def _leaky(
    pole: Complex128[np.ndarray, "features modes"],
    config: QuantizationConfig,
    chip: ChipDescription,
) -> Realized:
    rotation = np.abs(pole.imag)
    wanted = rotation * (1 + 3 * pair_sigma(chip)) * 4 / np.pi
    k = np.clip(np.rint(-np.log2(1 - pole.real)), 1, config.max_decay_shift)
    for _ in range(config.max_decay_shift):
        unstable = (wanted**2 >= 2 * 2.0**-k - 4.0**-k) & (k > 1)
        k = np.where(unstable, k - 1, k)
    gain = np.clip(rotation, 2.0**-k, 1.0)
    turn = np.clip(pole.imag / gain, -1, 1)
    A = np.stack([np.zeros_like(turn), turn], -1)
    turned = np.rint(turn * codes.code_max(config.bits.A)) / codes.code_max(config.bits.A)
    return Realized(A, gain, k, 1 - 2.0**-k + 1j * gain * turned)


def full_scale_of(
    weights: Float[np.ndarray, "rows columns"], bits: int
) -> Float64[np.ndarray, " rows"]:
    """Weight that full scale stands for, row by row: least squared error of the rounded weights.

    Args:
        weights: One row a scale.
        bits: Code width.
    """
    largest = codes.code_max(bits)
    top = np.maximum(np.abs(weights).max(axis=1), 1e-9)
    share = np.linspace(0.3, 1.0, 36)
    scale = top * share[:, None]
    rounded = np.clip(np.rint(weights / scale[..., None] * largest), -largest, largest) / largest
    error = ((rounded * scale[..., None] - weights) ** 2).sum(-1)
    best: Float64[np.ndarray, " rows"] = scale[error.argmin(0), np.arange(len(top))]
    return best


def _linear(
    linear: tuple[Any, Any],
    steps: tuple[Any, Any],
    bits: int,
    input_max: int,
    *,
    per_row: bool = True,
    analog: tuple[ChipDescription, TrainingNoise] | None = None,
) -> QuantizedLinear:
    """A map in codes, from its weights and bias and what one code of its inputs and outputs stands for."""
    (weights, bias), (input_step, output_step) = linear, steps
    scale = full_scale_of(weights, bits)
    if not per_row:
        scale = np.full_like(scale, full_scale_of(weights.reshape(1, -1), bits)[0])
    code_step = scale / codes.code_max(bits) * input_step
    latent, offset = weights / scale[:, None], bias / (scale * input_step * input_max)
    given = (latent, offset, code_step / output_step, bits, input_max)
    return QuantizedLinear(*given) if analog is None else AnalogLinear(*given, *analog)


def _range(values: Float64[np.ndarray, "..."], axis: tuple[int, ...] | None = None) -> Any:
    return np.maximum(np.quantile(np.abs(values), CALIBRATION_SHARE, axis=axis), 1e-6)


def _states(
    u: Sequences, realized: Realized
) -> Complex128[np.ndarray, "length batch features modes"]:
    """States of the realized recurrence with B equal to the gain, in the units of u."""
    state = np.zeros((u.shape[0], *realized.pole.shape), complex)
    kept = np.empty((u.shape[1], *state.shape), complex)
    for step in range(u.shape[1]):
        state = realized.pole * state + realized.gain * u[:, step, :, None]
        kept[step] = state
    return kept


def prepare(
    model: S4DClassifier,
    config: QuantizationConfig,
    chip: ChipDescription,
    features: Float[Tensor, "batch length features"],
    lengths: Int64[Tensor, " batch"],
    *,
    class_names: tuple[str, ...],
    preparation: dict[str, Any],
) -> PreparedClassifier:
    """The network in codes, started from a trained float network.

    Args:
        model: The float network.
        config: Realization and bits.
        chip: Converters and device laws.
        features: Calibration sequences, prepared as for the float network; of many, some.
        lengths: Their true lengths.
        class_names: What the answers mean.
        preparation: How recordings become features; kept with the network.

    Raises:
        DesignRuleError: A pole of the float network on or outside the unit circle, or activations
            wider than the DAC that they drive.
    """
    if config.parts.mixing == "analog" and config.activation_bits > chip.converters.dac_bits:
        raise DesignRuleError(
            given=f"activation_bits = {config.activation_bits} with a mixing map on arrays",
            rule=f"activations drive the DAC there, which has {chip.converters.dac_bits} bits",
            remedy=f"Set quantization.activation_bits = {chip.converters.dac_bits}.",
        )
    float_model = _eager(model)
    modes = model.config.d_model * (model.config.d_state // 2)
    features, lengths = evenly(features, lengths, modes, CALIBRATION_STATES)
    x = features.double().numpy()
    real = true_frames(lengths.numpy(), x.shape[1])
    largest = codes.code_max(chip.converters.dac_bits)
    input_step = float(_range(x[real])) / largest
    with torch.no_grad():
        stream = float_model.encoder(torch.from_numpy(x)).numpy() * real[..., None]
    blocks = []
    realized = [_realized(block, config, chip) for block in float_model.blocks]
    streams = [stream]
    for block in float_model.blocks:
        streams.append(_block_output(block, streams[-1]) * real[..., None])
    steps = [_kernel_step(s, r, real, largest) for s, r in zip(streams[:-1], realized, strict=True)]
    last_range = float(_range(streams[-1][real]))
    steps.append(np.full(model.config.d_model, last_range / largest))
    for number, block in enumerate(float_model.blocks):
        step_in, step_out = steps[number], steps[number + 1]
        blocks.append(
            _prepared_block(
                block, realized[number], streams[number], (step_in, step_out), (config, chip, real)
            )
        )
    encoder, decoder = _ends(model, config, chip, (input_step, steps[0], steps[-1][0]))
    prepared = PreparedClassifier(
        encoder=encoder,
        blocks=blocks,
        decoder=decoder,
        input_step=input_step,
        logit_step=float(torch.exp2(decoder.log_gain.detach())[0]),
        max_length=int(features.shape[1]),
        class_names=class_names,
        preparation={**preparation, "logit_step": None},  # `convert` writes it
    )
    decoder.log_gain.requires_grad = False
    prepared.project()
    choose_full_scales(prepared, features, lengths)
    with torch.no_grad():
        prepared.log_logit_step.copy_(decoder.log_gain[0] * np.log(2))
    return prepared


def _ends(
    model: S4DClassifier,
    config: QuantizationConfig,
    chip: ChipDescription,
    steps: tuple[Any, Any, Any],
) -> tuple[QuantizedLinear, QuantizedLinear]:
    """Encoder and decoder, from the steps of the input's codes and of the first and last stream's."""
    input_step, first_step, last_step = steps
    largest, analog = codes.code_max(chip.converters.dac_bits), (chip, config.noise)
    on_arrays = {part: analog if how == "analog" else None for part, how in config.parts}
    encoder = _linear(
        _map(model.encoder),
        (input_step, first_step),
        config.bits.encoder,
        largest,
        analog=on_arrays["encoder"],
    )
    fraction = 0 if on_arrays["decoder"] else MEAN_FRACTION_BITS  # arrays decode each step
    decoder = _linear(
        _map(model.decoder),
        (last_step * 2.0**-fraction, 1.0),
        config.bits.decoder,
        largest * 2**fraction,
        per_row=False,
        analog=on_arrays["decoder"],
    )
    return encoder, decoder


def _eager(model: S4DClassifier) -> S4DClassifier:
    """A double-precision copy in evaluation mode."""
    copy = S4DClassifier(model.config, torch.Generator().manual_seed(0)).double()
    copy.load_state_dict(
        {n: v.double() if v.is_floating_point() else v for n, v in model.state_dict().items()}
    )
    return copy.eval()


def _map(layer: torch.nn.Linear) -> tuple[Any, Any]:
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def _realized(block: S4DBlock, config: QuantizationConfig, chip: ChipDescription) -> Realized:
    pole = block.s4d.discrete().A_bar.detach().numpy()
    if np.abs(pole).max() >= 1:
        raise DesignRuleError(
            given=f"a kernel with a pole of magnitude {np.abs(pole).max():.6f}",
            rule="poles lie inside the unit circle",
            remedy="Train with a negative real part of A.",
        )
    return realize(pole, config, chip)


def _block_output(block: S4DBlock, stream: Sequences) -> Sequences:
    real = torch.ones(stream.shape[:2], dtype=torch.bool)
    with torch.no_grad():
        out: Sequences = block(torch.from_numpy(stream), real).numpy()
    return out


def _kernel_step(
    stream: Sequences, realized: Realized, real: Any, largest: int
) -> Float64[np.ndarray, " features"]:
    """Value of one DAC code of each feature: input and all states must fit the DAC."""
    states = _states(stream, realized).transpose(1, 0, 2, 3)[real]
    parts = np.maximum(np.abs(states.real), np.abs(states.imag))
    widest = np.maximum(_range(parts, (0,)).max(-1), _range(stream[real], (0,)))
    return np.asarray(widest / largest)


def _prepared_block(
    block: S4DBlock,
    realized: Realized,
    stream: Sequences,
    steps: tuple[Any, Any],
    settings: tuple[QuantizationConfig, ChipDescription, Any],
) -> PreparedBlock:
    config, chip, real = settings
    step_in, step_out = steps
    discrete = block.s4d.discrete()
    with torch.no_grad():
        y = block.s4d(torch.from_numpy(stream)).numpy()
    C = (discrete.C * discrete.B_bar).detach().numpy() / realized.gain
    D = discrete.D.detach().numpy()
    outputs = np.concatenate(
        [np.stack([2 * C.real, -2 * C.imag], -1).reshape(len(D), -1), D[:, None]], 1
    )
    bits = config.bits
    scale = full_scale_of(outputs, min(bits.C, bits.D))
    latent = outputs / scale[:, None]
    largest = codes.code_max(config.activation_bits)
    activation_step = float(_range(y[real])) / largest
    converters = chip.converters
    adc_step = max(converters.full_scale_devices) * (
        converters.pass_max / codes.code_max(converters.adc_bits)
    )  # of full-scale weight times one DAC code, before full scales are chosen
    B = np.zeros_like(realized.A)
    B[..., 0] = 1.0
    kernels = PreparedKernels(
        A=realized.A,
        B=B,
        C=latent[:, :-1].reshape(realized.A.shape),
        D=latent[:, -1],
        gain=realized.gain,
        k=realized.k,
        output_gain=step_in * scale / activation_step * adc_step,
        config=config,
        chip=chip,
        current=block.s4d.output == "current",
    )
    analog = (chip, config.noise) if config.parts.mixing == "analog" else None
    given = _folded(block), (activation_step, step_out)
    mixing = _linear(*given, bits.mixing, largest, analog=analog)
    name = {"GELU": "gelu", "ReLU": "relu", "Identity": "identity"}[type(block.activation).__name__]
    return PreparedBlock(kernels, mixing, step_in / step_out, (name, activation_step))


def _folded(block: S4DBlock) -> tuple[Any, Any]:
    """The mixing map with the batch norm folded in."""
    weights, bias = _map(block.mixing)
    if block.norm is None:
        return weights, bias
    norm = {
        name: value.detach().double().numpy() for name, value in block.norm.state_dict().items()
    }
    factor = norm["weight"] / np.sqrt(norm["running_var"] + block.norm.eps)
    return weights * factor[:, None], (bias - norm["running_mean"]) * factor + norm["bias"]
