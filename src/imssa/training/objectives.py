"""Losses and parameter groups of the two trainings."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from imssa.kernels.random import Key
from imssa.models import S4DClassifier
from imssa.quantization.kernels import PreparedKernels
from imssa.quantization.prepared import PreparedClassifier
from imssa.training.config import TrainingConfig
from imssa.training.loop import Loss


def float_loss(model: nn.Module, classes: int | None = None) -> Loss:
    """Cross entropy of a float network: of features, lengths and a generator.

    Args:
        model: The network.
        classes: In validation the first so many of its answers count; None: all.
    """

    def loss(features: Tensor, lengths: Tensor, labels: Tensor, key: Key) -> tuple[Tensor, Tensor]:
        logits = model(features, lengths, key.torch())
        if not model.training:
            logits = logits[:, :classes]
        return cross_entropy(logits, labels), logits

    return loss


def taught_loss(
    prepared: PreparedClassifier, teacher: S4DClassifier, config: TrainingConfig
) -> Loss:
    """Cross entropy and distance to the teacher's softened answers, under analog errors.

    The distance is T^2 KL(teacher || student) of logits divided by T (Hinton et al.,
    arXiv 1503.02531). Labels of classes that the network does not have are known to nobody: there the
    teacher alone counts.
    """
    teacher.eval()

    def loss(features: Tensor, lengths: Tensor, labels: Tensor, key: Key) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            wanted = teacher(features, lengths).double()
        logits = prepared(features, lengths, key)
        known = labels < logits.shape[1]
        hard = (
            cross_entropy(logits[known], labels[known]) if bool(known.any()) else logits.sum() * 0
        )
        soft = _distance(logits, wanted, config.temperature)
        return (1 - config.teacher_weight) * hard + config.teacher_weight * soft, logits

    return loss


def _distance(
    logits: Float[Tensor, "batch classes"],
    wanted: Float[Tensor, "batch classes"],
    temperature: float,
) -> Float[Tensor, ""]:
    ours = log_softmax(logits / temperature, 1)
    theirs = log_softmax(wanted / temperature, 1)
    return temperature**2 * kl_div(ours, theirs, log_target=True, reduction="batchmean")


def quantized_groups(prepared: PreparedClassifier, config: TrainingConfig) -> list[dict[str, Any]]:
    """Latent weights learn at one rate; A, B, decay shifts and all gains at the other.

    Weight decay has no place here: latents are bounded, and gains are logarithms.
    """
    slow: list[nn.Parameter] = [
        p for name, p in prepared.named_parameters() if name.split(".")[-1].startswith("log_")
    ]
    for module in prepared.modules():
        if isinstance(module, PreparedKernels):
            slow += [module.A, module.B, module.k]
    identities = {id(p) for p in slow}
    fast = [p for p in prepared.parameters() if id(p) not in identities]
    return [
        {"params": _trained(fast), "lr": config.learning_rate, "weight_decay": 0.0},
        {"params": _trained(slow), "lr": config.state_space_learning_rate, "weight_decay": 0.0},
    ]


def _trained(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    return [p for p in parameters if p.requires_grad]
