"""One training loop: the float network first, then the network in codes with a teacher."""

from imssa.training.config import TrainingConfig
from imssa.training.loop import Fitted, fit

__all__ = ["Fitted", "TrainingConfig", "fit"]
