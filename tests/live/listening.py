"""A network that tells a low tone from a high one, and recordings of such words."""

import numpy as np
import torch

from imssa.data import FrontEndConfig, Normalization
from imssa.live import Hearing
from imssa.live.hearing import ModelNetwork
from imssa.models import ModelConfig, S4DClassifier
from imssa.models.stream import ModelStream

RATE = 8000
FRONT_END = FrontEndConfig(n_mels=8, max_frames=40)


def model() -> S4DClassifier:
    """A random network."""
    config = ModelConfig(n_features=8, n_classes=3, d_model=6)
    return S4DClassifier(config, torch.Generator().manual_seed(3)).eval()


def hearing(
    trained: tuple[int, int, int] | None = None, front_end: FrontEndConfig = FRONT_END
) -> Hearing:
    """It, ready for a stream."""
    normal = Normalization(np.full(8, -10, np.float32), np.full(8, 4, np.float32))
    network = ModelNetwork(ModelStream(model()))
    names = ("low", "middle", "high")
    return Hearing(network, names, front_end, RATE, normal, trained, "a model")


def word(hertz: float, seconds: float) -> np.ndarray:
    """A tone that begins and ends at once."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def speech(words: list[np.ndarray], gap_seconds: float = 0.5) -> np.ndarray:
    """Words with faint noise around."""
    gap = np.zeros(round(gap_seconds * RATE), np.float32)
    whole = np.concatenate([gap, *(part for one in words for part in (one, gap))])
    noise = np.random.default_rng(4).standard_normal(len(whole)) * 1e-4
    return (whole + noise).astype(np.float32)
