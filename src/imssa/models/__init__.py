"""S4D networks in floats: state-space mathematics, layers, the classifier."""

from imssa.models.checkpoint_import import read_public_s4d
from imssa.models.classifier import (
    ModelConfig,
    ModelSettings,
    S4DBlock,
    S4DClassifier,
    parameter_groups,
)
from imssa.models.files import load_layers, load_model, save_layers, save_model
from imssa.models.initialization import Initialization, initialize, poles
from imssa.models.pruning import PruningConfig, pruned
from imssa.models.s4d import S4D
from imssa.models.state_space import (
    ContinuousStateSpace,
    DiscreteStateSpace,
    Discretization,
    Output,
    RealStateSpace,
    bilinear,
    convolve,
    discretize,
    fft_convolution,
    kernel,
    real_form,
    scan,
    step,
    zoh,
)
from imssa.models.stream import ModelStream

__all__ = [
    "S4D",
    "ContinuousStateSpace",
    "DiscreteStateSpace",
    "Discretization",
    "Initialization",
    "ModelConfig",
    "ModelSettings",
    "ModelStream",
    "Output",
    "PruningConfig",
    "RealStateSpace",
    "S4DBlock",
    "S4DClassifier",
    "bilinear",
    "convolve",
    "discretize",
    "fft_convolution",
    "initialize",
    "kernel",
    "load_layers",
    "load_model",
    "parameter_groups",
    "poles",
    "pruned",
    "read_public_s4d",
    "real_form",
    "save_layers",
    "save_model",
    "scan",
    "step",
    "zoh",
]
