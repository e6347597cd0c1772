"""The trainable network that computes in integer codes: what quantization-aware training adapts.

Weights are latent numbers in -1 .. 1 (1 is full scale), gains are base-2 logarithms; the forward pass
rounds them to the codes, multipliers and shifts that the chip will hold, so its values are those of
the frozen network, exactly.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from imssa.kernels import codes
from imssa.kernels.random import Key
from imssa.quantization.kernels import PreparedKernels
from imssa.quantization.linear import QuantizedLinear, parameter
from imssa.quantization.network import LOGIT_BITS, MEAN_BITS, MEAN_FRACTION_BITS
from imssa.quantization.quantizers import integers, requantize, rounded

Record = dict[str, Int64[np.ndarray, "..."]]


class PreparedBlock(nn.Module):
    """Kernels, activation table, mixing and residual in codes."""

    def __init__(
        self,
        kernels: PreparedKernels,
        mixing: QuantizedLinear,
        residual_gain: Float[np.ndarray, " features"],
        activation: tuple[str, float],
    ) -> None:
        super().__init__()
        self.kernels, self.mixing = kernels, mixing
        self.log_residual_gain = parameter(np.log2(residual_gain))
        self.activation, self.activation_step = activation

    def table(self) -> Int64[np.ndarray, " codes"]:
        """Output codes of the activation for input codes -max .. max."""
        largest = codes.code_max(self.kernels.config.activation_bits)
        x = torch.arange(-largest, largest + 1, dtype=torch.float64) * self.activation_step
        return integers(rounded(ACTIVATIONS[self.activation](x) / self.activation_step, largest))

    def activate(self, x: Float64[Tensor, "*batch features"]) -> Float64[Tensor, "*batch features"]:
        """Table look-up with the slope of the activation as gradient."""
        largest = codes.code_max(self.kernels.config.activation_bits)
        smooth = ACTIVATIONS[self.activation](x * self.activation_step) / self.activation_step
        exact = torch.from_numpy(self.table()[integers(x) + largest].astype(np.float64))
        out: Tensor = _Replace.apply(smooth, exact)  # type: ignore[no-untyped-call]
        return out


class _Replace(torch.autograd.Function):
    """The value of one tensor with the gradient of another."""

    @staticmethod
    def forward(_ctx: Any, _smooth: Tensor, exact: Tensor) -> Tensor:
        return exact.clone()

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": torch.nn.functional.gelu,
    "relu": torch.nn.functional.relu,
    "identity": lambda x: x,
}


class PreparedClassifier(nn.Module):
    """The whole network in codes; what `prepare` gives and `convert` freezes.

    Args:
        encoder: Input codes to stream codes.
        blocks: The layers.
        decoder: Mean codes to logits.
        input_step: Feature units of one input code.
        logit_step: Logit units of one decoder sum; training's temperature only.
        max_length: Longest sequence.
        class_names: What the answers mean.
        preparation: How recordings become features; kept with the network.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        encoder: QuantizedLinear,
        blocks: list[PreparedBlock],
        decoder: QuantizedLinear,
        input_step: float,
        logit_step: float,
        max_length: int,
        class_names: tuple[str, ...],
        preparation: dict[str, Any],
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.blocks = cast("list[PreparedBlock]", nn.ModuleList(blocks))
        self.input_step, self.max_length = input_step, max_length
        self.log_logit_step = parameter(np.log(logit_step))
        self.class_names, self.preparation = class_names, preparation

    @property
    def stream_bits(self) -> int:
        """Width of the stream's codes: they drive the DAC."""
        return self.blocks[0].kernels.chip.converters.dac_bits

    @property
    def logit_step(self) -> float:
        """Logit units of one decoder sum, as trained: kept with the network, so that scores tell odds."""
        return float(torch.exp(self.log_logit_step.detach()))

    @property
    def linears(self) -> dict[str, QuantizedLinear]:
        """The linear maps, by the name of the codes that they take: ``input``, ``activation.0`` ..."""
        maps = {f"activation.{n}": block.mixing for n, block in enumerate(self.blocks)}
        return {"input": self.encoder, **maps, f"stream.{len(self.blocks)}": self.decoder}

    def project(self) -> None:
        """Keeps every latent in range; to be called after each optimizer step."""
        for block in self.blocks:
            block.kernels.project()
        for linear in (self.encoder, self.decoder, *(b.mixing for b in self.blocks)):
            with torch.no_grad():
                linear.latent.clamp_(-1.0, 1.0)

    def forward(
        self,
        features: Float[Tensor, "batch length features"],
        lengths: Int64[Tensor, " batch"],
        key: Key | None = None,
        record: Record | None = None,
    ) -> Float64[Tensor, "batch classes"]:
        """Logits; the codes on the way go to ``record`` by register name.

        Args:
            features: Prepared features, zero padded.
            lengths: True lengths.
            key: Random key of the analog errors; None for exact devices.
            record: Where to put codes, (batch, length, size) or (batch, size).
        """
        steps, kept = lengths.numpy(), _Recorder(record)
        bits = self.stream_bits
        x = rounded(features.double() / self.input_step, codes.code_max(bits))
        kept("input", x)
        encoded = self.encoder(x, _child(key, "encoder"))
        stream = requantize(encoded, torch.exp2(self.encoder.log_gain), bits)
        kept("stream.0", stream)
        for number, block in enumerate(self.blocks):
            layer_key = _child(key, "layer", number)
            stream = self._block(block, stream, steps, layer_key, kept.layer(number))
            kept(f"stream.{number + 1}", stream)
        real = torch.arange(stream.shape[1]) < lengths[:, None]
        if self.decoder.readout() is None:
            total, scale = (stream * real[..., None]).sum(1), 2.0**MEAN_FRACTION_BITS
            mean = requantize(total, scale / lengths.double()[:, None], MEAN_BITS)
            kept("mean", mean)
            logits = self.decoder(mean)
        else:  # an array decodes each step; the mean comes after
            decoded = self.decoder(stream, _child(key, "decoder")) * real[..., None]
            kept("decoded", decoded)
            logits = requantize(decoded.sum(1), 1.0 / lengths.double()[:, None], LOGIT_BITS)
        kept("logits", logits)
        kept("answer", torch.from_numpy(logits.detach().numpy().argmax(1)[:, None]))
        result: Tensor = logits * torch.exp(self.log_logit_step)
        return result

    def _block(
        self,
        block: PreparedBlock,
        stream: Tensor,
        lengths: Int64[np.ndarray, " batch"],
        key: Key | None,
        kept: "_Recorder",
    ) -> Tensor:
        inner: dict[str, Any] | None = None if kept.record is None else {}
        y = block.kernels(stream, lengths, key, inner)
        kept.scan(inner)
        z = block.activate(y)
        mixed = block.mixing(z, _child(key, "mixing"))
        mixing = requantize(mixed, torch.exp2(block.mixing.log_gain), self.stream_bits)
        residual = requantize(stream, torch.exp2(block.log_residual_gain), self.stream_bits)
        for name, value in (("kernel", y), ("activation", z), ("mixing", mixing)):
            kept(name, value)
        kept("residual", residual)
        largest = codes.code_max(self.stream_bits)
        return rounded(mixing + residual, largest)


def _child(key: Key | None, *purpose: str | int) -> Key | None:
    return None if key is None else key.child(*purpose)


class _Recorder:
    """Puts codes into a record under the registers' names; does nothing without one."""

    def __init__(self, record: Record | None, suffix: str = "") -> None:
        self.record, self.suffix = record, suffix

    def layer(self, number: int) -> "_Recorder":
        return _Recorder(self.record, f".{number}")

    def __call__(self, name: str, value: Tensor) -> None:
        if self.record is not None:
            self.record[name + self.suffix] = integers(value)

    def scan(self, inner: dict[str, Any] | None) -> None:
        if self.record is None or inner is None:
            return
        state, adc = (np.moveaxis(inner[n], 0, 2).astype(np.int64) for n in ("state", "adc"))
        batch, length = state.shape[:2]
        self.record["state" + self.suffix] = state.reshape(batch, length, -1)
        self.record["adc" + self.suffix] = adc[..., :-1].reshape(batch, length, -1)
        self.record["readout" + self.suffix] = adc[..., -1]
