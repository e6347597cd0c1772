"""Structural pruning: whole modes and whole kernels leave a trained network.

A gate g = 1 stands before the output of each mode, and before each channel of the stream (one kernel
a layer, with its rows and columns of the linear maps). What removing it would cost the loss E is told
to first order by (g dE/dg)^2 (P. Molchanov et al., Importance Estimation for Neural Network Pruning,
CVPR 2019, eq. 8), averaged over batches; the least important leave. The gate of a mode multiplies C,
so g dE/dg = C . dE/dC; that of a channel multiplies all that is read from it, so its terms are those
of the columns that read the channel. A smaller d_state frees word lines and bit lines of each block
on a chip, a smaller d_model whole blocks; single zeros would free neither.
"""

from typing import Final

import torch
from jaxtyping import Float, Int64
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from imssa.errors import ShapeError
from imssa.models.classifier import S4DBlock, S4DClassifier

BATCH: Final = 64


class PruningConfig(BaseModel):
    """What is left of a trained float network before it is quantized.

    Attributes:
        d_model: Kernels a layer that stay; None: all.
        d_state: Real states of a kernel that stay, two a mode, each kernel its own; None: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    d_model: int | None = Field(default=None, ge=1)
    d_state: int | None = Field(default=None, ge=2, multiple_of=2)


def pruned(
    model: S4DClassifier,
    config: PruningConfig,
    features: Float[Tensor, "items length features"],
    lengths: Int64[Tensor, " items"],
    labels: Int64[Tensor, " items"],
) -> S4DClassifier:
    """A smaller network of the most important kernels and modes; the model itself is not changed.

    Args:
        model: Trained.
        config: What stays.
        features: Training items.
        lengths: Their true lengths.
        labels: Their classes.

    Returns:
        A network of its own parameters, in evaluation; the model where nothing is to leave.

    Raises:
        ShapeError: More is to stay than there is.

    Example:
        >>> from imssa.models import ModelConfig
        >>> start = torch.Generator().manual_seed(0)
        >>> model = S4DClassifier(ModelConfig(n_features=2, n_classes=2, d_model=4), start)
        >>> x, n, y = torch.randn(8, 9, 2), torch.full((8,), 9), torch.arange(8) % 2
        >>> pruned(model, PruningConfig(d_model=3, d_state=2), x, n, y).config.d_state
        2
    """
    old = model.config
    d_model, d_state = config.d_model or old.d_model, config.d_state or old.d_state
    if (d_model, d_state) == (old.d_model, old.d_state):
        return model
    if d_model > old.d_model or d_state > old.d_state:
        raise ShapeError(
            given=f"pruning to d_model = {d_model}, d_state = {d_state}",
            rule=f"the network has d_model = {old.d_model}, d_state = {old.d_state}",
            remedy="Prune to no more than that, or train a larger network.",
        )
    channels, modes = _importance(model, features, lengths, labels)
    kept = _most(channels, d_model)
    shape = old.model_copy(update={"d_model": d_model, "d_state": d_state})
    small = S4DClassifier(shape, torch.Generator().manual_seed(0)).to(model.decoder.weight.dtype)
    with torch.no_grad():
        _copy(small.encoder, model.encoder, kept, slice(None))
        _copy(small.decoder, model.decoder, slice(None), kept)
        for new, block, importance in zip(small.blocks, model.blocks, modes, strict=True):
            _copy(new.mixing, block.mixing, kept, kept)
            _copy_norm(new, block, kept)
            best = _most(importance[kept], d_state // 2)
            for name, value in block.s4d.named_parameters():
                part = value[kept]
                if part.ndim > 1:  # a value a mode, B and C with (re, im)
                    index = best if part.ndim == 2 else best.unsqueeze(-1).expand(-1, -1, 2)
                    part = part.gather(1, index)
                new.s4d.get_parameter(name).copy_(part)
    return small.eval()


def _most(importance: Tensor, count: int) -> Tensor:
    """Places of the most important along the last axis, ascending; the first of equals."""
    order = importance.argsort(dim=-1, descending=True, stable=True)
    found: Tensor = order[..., :count].sort(dim=-1).values
    return found


def _copy(new: nn.Linear, old: nn.Linear, rows: slice | Tensor, columns: slice | Tensor) -> None:
    new.weight.copy_(old.weight[rows][:, columns])
    new.bias.copy_(old.bias[rows])


def _copy_norm(new: S4DBlock, old: S4DBlock, kept: Tensor) -> None:
    if new.norm is None or old.norm is None:
        return
    for name, value in old.norm.state_dict().items():
        new.norm.state_dict()[name].copy_(value[kept] if value.ndim else value)


def _importance(
    model: S4DClassifier, features: Tensor, lengths: Tensor, labels: Tensor
) -> tuple[Float[Tensor, " channels"], list[Float[Tensor, "channels modes"]]]:
    """Of each channel, and of each mode in each layer."""
    model.eval()
    channels = torch.zeros(model.config.d_model)
    modes = [torch.zeros(model.config.d_model, model.config.d_state // 2) for _ in model.blocks]
    read = [model.decoder, *(block.mixing for block in model.blocks)]
    wanted = [*(map_.weight for map_ in read), *(block.s4d.C for block in model.blocks)]
    for start in range(0, len(labels), BATCH):
        part = slice(start, start + BATCH)
        loss = cross_entropy(model(features[part], lengths[part]), labels[part])
        slopes = torch.autograd.grad(loss, wanted)
        terms = [(w.detach() * g).float() for w, g in zip(wanted, slopes, strict=True)]
        channels += sum(term.sum(0) for term in terms[: len(read)]) ** 2
        modes = [
            total + term.sum(-1) ** 2 for total, term in zip(modes, terms[len(read) :], strict=True)
        ]
    return channels, modes
