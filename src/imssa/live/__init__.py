"""Continuous audio to words: frames as they come, a gate for silence, the network one step at a time."""

from imssa.live.frames import FrameStream
from imssa.live.gate import Gate, GateConfig
from imssa.live.hearing import Hearing, hearing_of
from imssa.live.listener import LEAST_MARGIN, Figures, Listener, Word
from imssa.live.sources import open_source

__all__ = [
    "LEAST_MARGIN",
    "Figures",
    "FrameStream",
    "Gate",
    "GateConfig",
    "Hearing",
    "Listener",
    "Word",
    "hearing_of",
    "open_source",
]
