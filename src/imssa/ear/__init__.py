"""The inner ear: sound in, spikes of many channels out, and the file format they are kept in."""

from imssa.ear.config import EarConfig
from imssa.ear.encoding import (
    Encoded,
    EncodingConfig,
    Survey,
    encode_folder,
    encode_recording,
    survey,
)
from imssa.ear.filters import bandwidth_hertz, centre_frequencies
from imssa.ear.heidelberg import Items, new_spike_file
from imssa.ear.recordings import find_recordings, read_recording
from imssa.ear.stream import EarStream, Events, filtered, hear

__all__ = [
    "EarConfig",
    "EarStream",
    "Encoded",
    "EncodingConfig",
    "Events",
    "Items",
    "Survey",
    "bandwidth_hertz",
    "centre_frequencies",
    "encode_folder",
    "encode_recording",
    "filtered",
    "find_recordings",
    "hear",
    "new_spike_file",
    "read_recording",
    "survey",
]
