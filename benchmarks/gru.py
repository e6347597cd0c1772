"""A gated recurrent unit of as many parameters as another network, for comparison.

encoder (or none) -> GRU layers -> mean over the true length -> linear read-out: the frame around the
recurrence is that of `imssa.models.S4DClassifier`. Cho et al., arXiv 1406.1078, as in `torch.nn.GRU`.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

NEAR: Final = 0.03
"""Relative difference of parameters that counts as equal."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Attributes:
        features: Of a frame.
        classes: To tell apart.
        layers: GRU layers.
        hidden: Units of each.
        encoder: Outputs of the linear map before them; None: there is none.
    """

    features: int
    classes: int
    layers: int
    hidden: int
    encoder: int | None = None

    @property
    def inputs(self) -> list[int]:
        """Inputs of each GRU layer."""
        first = self.features if self.encoder is None else self.encoder
        return [first, *[self.hidden] * (self.layers - 1)]

    @property
    def parameters(self) -> int:
        """Numbers that are trained."""
        encoder = 0 if self.encoder is None else self.encoder * (self.features + 1)
        gates = sum(3 * self.hidden * (own + self.hidden + 2) for own in self.inputs)
        return encoder + gates + self.classes * (self.hidden + 1)


def shape_of(parameters: int, features: int, classes: int, layers: int) -> Shape:
    """The network whose parameters come within 3 % of a number.

    Without an encoder where that can be met; a small network then has none of the right size, and
    gets the encoder that is most nearly as wide as the GRU.

    Args:
        parameters: Wanted.
        features: Of a frame.
        classes: To tell apart.
        layers: GRU layers.
    """

    def far(shape: Shape) -> float:
        return abs(shape.parameters / parameters - 1)

    widths = range(1, int(parameters**0.5) + 2)
    plain = [Shape(features, classes, layers, hidden) for hidden in widths]
    nearest = min(plain, key=far)
    if far(nearest) <= NEAR:
        return nearest
    encoded = [Shape(features, classes, layers, h, e) for h in widths for e in widths]
    near = [shape for shape in encoded if far(shape) <= NEAR]
    if not near:
        return min([nearest, *encoded], key=far)
    return min(near, key=lambda s: (abs(s.hidden - (s.encoder or 0)), far(s)))


class GRUClassifier(nn.Module):
    """The network.

    Args:
        shape: Its sizes.
        dropout: Share of each GRU layer's outputs that is dropped while training.
        generator: Source of the random start: all weights uniform in +-1/sqrt(inputs) (GRU: units).
    """

    def __init__(self, shape: Shape, dropout: float, generator: torch.Generator) -> None:
        super().__init__()
        self.dropout = dropout
        self.encoder = None
        if shape.encoder is not None:
            self.encoder = nn.Linear(shape.features, shape.encoder, device="meta")
        self.layers = nn.ModuleList(
            nn.GRU(own, shape.hidden, batch_first=True, device="meta") for own in shape.inputs
        )
        self.decoder = nn.Linear(shape.hidden, shape.classes, device="meta")
        self.to_empty(device="cpu")
        for module in self.modules():
            size = getattr(module, "hidden_size", getattr(module, "in_features", None))
            for parameter in module.parameters(recurse=False):
                nn.init.uniform_(parameter, -(size**-0.5), size**-0.5, generator=generator)

    def forward(
        self, features: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Logits (batch, classes) of (batch, length, features) and the true lengths."""
        x = features if self.encoder is None else self.encoder(features)
        for layer in self.layers:
            x, _ = layer(x)
            if self.training and self.dropout:
                kept = torch.rand(x.shape, generator=generator) >= self.dropout
                x = x * kept / (1 - self.dropout)
        real = torch.arange(x.shape[1]) < lengths[:, None]
        return self.decoder((x * real[..., None]).sum(1) / lengths[:, None])
