"""A sequence classifier of S4D blocks that a chip can hold."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
from jaxtyping import Bool, Float
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import Tensor, nn

from imssa.errors import ShapeError, TrainingError
from imssa.models.initialization import Initialization
from imssa.models.s4d import S4D
from imssa.models.state_space import Discretization, Output


class ModelSettings(BaseModel):
    """What a recipe says of an `S4DClassifier`; the data say the rest.

    Attributes:
        d_model: State-space kernels a layer.
        d_state: Real states of a kernel, two a mode.
        n_layers: Number of blocks.
        activation: Between the kernels and the mixing map.
        normalization: `batch` is folded into the mixing map when the network is frozen.
        dropout: Share of activations dropped while training.
        initialization: Where the poles start.
        discretization: Rule that makes the discrete system.
        output: When a kernel's output is read; a chip runs `delayed` in one pass a step.
        dt_min: Smallest initial step.
        dt_max: Largest initial step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    d_model: int = Field(default=64, ge=1)
    d_state: int = Field(default=8, ge=2)
    n_layers: int = Field(default=1, ge=1)
    activation: Literal["gelu", "relu", "identity"] = "gelu"
    normalization: Literal["none", "batch"] = "none"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    initialization: Initialization = "lin"
    discretization: Discretization = "zoh"
    output: Output = "delayed"
    dt_min: float = Field(default=1e-3, gt=0.0, allow_inf_nan=False)
    dt_max: float = Field(default=1e-1, gt=0.0, allow_inf_nan=False)

    @field_validator("normalization", mode="before")
    @classmethod
    def _refuse_layer_norm(cls, value: object) -> object:
        if value == "layer":
            msg = (
                'normalization = "layer": layer norm divides by a statistic of each time step, so '
                'it cannot be folded into the weights of an array. Set "batch" or "none".'
            )
            raise ValueError(msg)
        return value

    @field_validator("d_state")
    @classmethod
    def _require_even(cls, value: int) -> int:
        if value % 2:
            msg = (
                f"d_state = {value}: a mode has two real states, so d_state must be even. "
                f"Set {value + 1}."
            )
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _require_order(self) -> "ModelSettings":
        if self.dt_min > self.dt_max:
            msg = (
                f"dt_min = {self.dt_min}, dt_max = {self.dt_max}: the smallest step must not "
                "exceed the largest. Swap them."
            )
            raise ValueError(msg)
        return self


class ModelConfig(ModelSettings):
    """The shape and the start of an `S4DClassifier`.

    Attributes:
        n_features: Input features of a time step.
        n_classes: Classes to tell apart.

    Example:
        >>> ModelConfig(n_features=32, n_classes=10).d_state
        8
    """

    n_features: int = Field(ge=1)
    n_classes: int = Field(ge=2)


class S4DBlock(nn.Module):
    """x + norm(mixing(dropout(activation(s4d(x))))).

    Args:
        config: The network's configuration.
        generator: Source of the random start, on the CPU.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator) -> None:
        """Draw the start from `generator`."""
        super().__init__()
        self.s4d = S4D(
            config.d_model,
            config.d_state,
            generator=generator,
            initialization=config.initialization,
            dt_range=(config.dt_min, config.dt_max),
            discretization=config.discretization,
            output=config.output,
        )
        activations = {"gelu": nn.GELU, "relu": nn.ReLU, "identity": nn.Identity}
        self.activation: nn.Module = activations[config.activation]()
        self.dropout = config.dropout
        self.mixing = _linear(config.d_model, config.d_model, generator)
        self.norm = nn.BatchNorm1d(config.d_model) if config.normalization == "batch" else None

    def forward(
        self,
        x: Float[Tensor, "batch length features"],
        real: Bool[Tensor, "batch length"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "batch length features"]:
        """The block's output.

        Args:
            x: Input sequences.
            real: Which frames are no padding; only these enter the batch norm's statistics.
            generator: Source of the dropout, on the device of `x`; needed while training with it.

        Raises:
            TrainingError: Training with dropout and without a generator.
        """
        y = self.activation(self.s4d(x))
        if self.training and self.dropout > 0:
            y = _drop(y, self.dropout, generator)
        y = self.mixing(y)
        if self.norm is not None:
            y = torch.zeros_like(y).masked_scatter(real.unsqueeze(-1), self.norm(y[real]))
        result: Tensor = x + y
        return result


class S4DClassifier(nn.Module):
    """encoder -> blocks -> mean over the true length -> decoder.

    Padded frames change nothing: the kernels are causal, and the mean leaves them out.

    Args:
        config: Shape and start.
        generator: Source of the random start, on the CPU.

    Example:
        >>> config = ModelConfig(n_features=3, n_classes=2, d_model=4)
        >>> model = S4DClassifier(config, torch.Generator().manual_seed(1))
        >>> model(torch.zeros(5, 20, 3), torch.full((5,), 20)).shape
        torch.Size([5, 2])
    """

    blocks: Sequence[S4DBlock]

    def __init__(self, config: ModelConfig, generator: torch.Generator) -> None:
        """Draw the start from `generator`."""
        super().__init__()
        self.config = config
        self.encoder = _linear(config.n_features, config.d_model, generator)
        blocks = nn.ModuleList(S4DBlock(config, generator) for _ in range(config.n_layers))
        self.blocks = cast("Sequence[S4DBlock]", blocks)
        self.decoder = _linear(config.d_model, config.n_classes, generator)

    def forward(
        self,
        features: Float[Tensor, "..."],
        lengths: Tensor,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """The logits of each sequence.

        Args:
            features: (batch, length, n_features); frames from a sequence's length on are padding
                and may hold anything.
            lengths: True number of frames of each sequence, integers, (batch,).
            generator: Source of the dropout, on the features' device; needed in training with it.

        Raises:
            ShapeError: Shapes, lengths or values that cannot be used.
            TrainingError: Training with dropout and without a generator.
        """
        _require_batch(features, lengths, self.config.n_features)
        frames = torch.arange(features.shape[1], device=features.device)
        real = frames < lengths.unsqueeze(-1)
        features = features.masked_fill(~real.unsqueeze(-1), 0.0)
        _require_finite(features)
        x = self.encoder(features)
        for block in self.blocks:
            x = block(x, real, generator)
        total = x.masked_fill(~real.unsqueeze(-1), 0.0).sum(1)
        logits: Tensor = self.decoder(total / lengths.unsqueeze(-1))
        return logits


def parameter_groups(
    model: nn.Module,
    learning_rate: float,
    state_space_learning_rate: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Groups for an optimizer: A, B and dt learn at their own rate and without weight decay.

    Args:
        model: A network with S4D layers.
        learning_rate: Of all other parameters, C and D among them.
        state_space_learning_rate: Of A, B and dt; usually a tenth of the other.
        weight_decay: Of all other parameters.
    """
    state_space = [
        parameter
        for layer in model.modules()
        if isinstance(layer, S4D)
        for parameter in (layer.log_dt, layer.log_A_real, layer.A_imag, layer.B)
    ]
    identities = {id(parameter) for parameter in state_space}
    others = [p for p in model.parameters() if id(p) not in identities and p.requires_grad]
    return [
        {"params": others, "lr": learning_rate, "weight_decay": weight_decay},
        {
            "params": [p for p in state_space if p.requires_grad],
            "lr": state_space_learning_rate,
            "weight_decay": 0.0,
        },
    ]


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """PyTorch's own start of a linear map, uniform in +-1/sqrt(inputs), from `generator`."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    for parameter in (layer.weight, layer.bias):
        nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return layer


def _drop(y: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        raise TrainingError(
            given=f"dropout = {share} without a generator",
            rule="the random numbers of training come from a generator of the caller's",
            remedy="Call model(features, lengths, generator), or model.eval() first.",
        )
    kept = torch.rand(y.shape, generator=generator, device=y.device) >= share
    return y * kept / (1 - share)


def _require_batch(features: Tensor, lengths: Tensor, n_features: int) -> None:
    """Refuse a batch whose shapes or lengths the network cannot take."""
    if features.ndim != 3 or 0 in features.shape or features.shape[-1] != n_features:
        raise ShapeError(
            given=f"features of shape {tuple(features.shape)}",
            rule=f"the network takes (batch, length, {n_features}), none of them empty",
            remedy="Put the features on the last axis, or set n_features in the model.",
        )
    if lengths.dtype != torch.int64 or tuple(lengths.shape) != (features.shape[0],):
        raise ShapeError(
            given=f"lengths {lengths.dtype} of shape {tuple(lengths.shape)}",
            rule=f"there is one int64 length for each of the {features.shape[0]} sequences",
            remedy="Give the true number of frames of each sequence.",
        )
    shortest, longest = (int(bound) for bound in lengths.aminmax())
    if shortest < 1 or longest > features.shape[1]:
        raise ShapeError(
            given=f"lengths from {shortest} to {longest}",
            rule=f"a length is at least 1 and at most the {features.shape[1]} frames given",
            remedy="Remove empty sequences, and pad to the longest.",
        )


def _require_finite(features: Float[Tensor, "batch length features"]) -> None:
    finite = torch.isfinite(features)
    if not bool(finite.all()):
        item, frame, feature = (~finite).nonzero()[0].tolist()
        raise ShapeError(
            given=f"features[{item}, {frame}, {feature}] = {features[item, frame, feature]}",
            rule="features are finite numbers",
            remedy="Look at the recording, and at the scaling of its features.",
        )
