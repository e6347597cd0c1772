"""What stops a training: numbers that are none, with the step and the layer where they came up."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from imssa.errors import ImssaError, TrainingError
from imssa.training.distributed import first_words

REMEDY: Final = "Lower learning_rate, state_space_learning_rate or gradient_clip."
NAMED: Final = 3


def require_finite_batch(
    features: np.ndarray, names: Callable[[], Sequence[str]], where: str
) -> None:
    """Refuses sequences with values that are no numbers.

    Args:
        features: (batch, length, features).
        names: Gives the sequences' names.
        where: Epoch and step.

    Raises:
        TrainingError: Names the sequences.
    """
    finite = np.isfinite(features)
    if finite.all():
        return
    bad = [name for name, row in zip(names(), finite, strict=True) if not row.all()]
    raise TrainingError(
        given=f"the batch of {where} (sequences {_some(bad)})",
        rule="it holds values that are not finite",
        remedy="Look at these recordings, and at noise_std under data.augmentation.",
    )


def require_finite_parameters(model: nn.Module, where: str) -> None:
    """Refuses to go on with weights that are no numbers.

    Raises:
        TrainingError: Names the parameters.
    """
    norm = nn.utils.get_total_norm([p.detach() for p in model.parameters()])
    if math.isfinite(norm.item()):
        return
    bad = _not_finite({name: p.detach() for name, p in model.named_parameters()})
    if bad:  # else finite, and only their norm too large for their type
        raise TrainingError(
            given=f"parameters {_some(bad)} before {where}",
            rule="they are not finite",
            remedy=REMEDY,
        )


def require_finite_gradient(model: nn.Module, norm: float, where: str) -> None:
    """Refuses a step along a gradient that is no number.

    Raises:
        TrainingError: Names the parameters.
    """
    if math.isfinite(norm):
        return
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    bad = _not_finite(gradients) or [max(gradients, key=lambda n: float(gradients[n].abs().max()))]
    raise TrainingError(
        given=f"a gradient of {norm} at {where} (parameters {_some(bad)})",
        rule="training needs finite gradients",
        remedy=REMEDY,
    )


def loss_fault(loss: float, where: str, words: str) -> TrainingError:
    """The error of a loss that is no number, the same in all processes.

    Args:
        loss: The loss.
        where: Epoch and step.
        words: What `first_bad_output` found in this process.
    """
    found = first_words(words) or "all outputs of layers are finite"
    return TrainingError(
        given=f"a loss of {loss} at {where} ({found})",
        rule="training needs finite losses",
        remedy=REMEDY,
    )


def first_bad_output(model: nn.Module, again: Callable[[], object]) -> str:
    """Which module first gives something that is no number, in words; empty: none.

    Args:
        model: Its modules are watched.
        again: Computes the loss once more.
    """
    found: list[str] = []
    hooks = [
        module.register_forward_hook(_watch(name or "the whole network", found))
        for name, module in model.named_modules()
    ]
    try:
        with torch.no_grad():
            again()
    except (ImssaError, ArithmeticError, ValueError, RuntimeError):  # it goes no further: enough
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return f"first in the output of {found[0]}" if found else ""


def _watch(name: str, found: list[str]) -> Callable[[nn.Module, Any, Any], None]:
    def watch(_module: nn.Module, _inputs: Any, output: Any) -> None:
        tensors = output if isinstance(output, tuple | list) else (output,)
        if not all(bool(torch.isfinite(t).all()) for t in tensors if isinstance(t, Tensor)):
            found.append(name)

    return watch


def _not_finite(tensors: dict[str, Tensor]) -> list[str]:
    return [name for name, value in tensors.items() if not bool(torch.isfinite(value).all())]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
