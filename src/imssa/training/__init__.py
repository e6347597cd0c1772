"""One training loop: the float network first, then the network in codes with a teacher."""

from imssa.training.config import TrainingConfig
from imssa.training.log import read_log
from imssa.training.loop import Fitted, Progress, fit
from imssa.training.objectives import float_loss, quantized_groups, taught_loss

__all__ = [
    "Fitted",
    "Progress",
    "TrainingConfig",
    "fit",
    "float_loss",
    "quantized_groups",
    "read_log",
    "taught_loss",
]
