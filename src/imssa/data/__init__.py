"""Sequences in, padded and labelled features out: readers, front end, splits."""

from imssa.data.audio import decode_audio, read_audio
from imssa.data.augmentation import AugmentationConfig, augment
from imssa.data.config import DataConfig
from imssa.data.dataset import SequenceDataset, true_frames
from imssa.data.events import EventFrontEnd
from imssa.data.front_end import FrontEndConfig, log_mel
from imssa.data.front_ends import FrontEnd, PlainFrontEnd, SpikeFrontEnd, front_end_from
from imssa.data.kinds import KINDS
from imssa.data.loading import load, load_dataset, open_source, read_recordings
from imssa.data.normalization import Normalization, normalize
from imssa.data.recordings import Recording, RecordingFile
from imssa.data.sources import DataFormat, Item, Request, Source
from imssa.data.splits import (
    FOLDS,
    Split,
    split_by_speaker,
    split_fold,
    split_hash,
    split_official,
)

__all__ = [
    "FOLDS",
    "KINDS",
    "AugmentationConfig",
    "DataConfig",
    "DataFormat",
    "EventFrontEnd",
    "FrontEnd",
    "FrontEndConfig",
    "Item",
    "Normalization",
    "PlainFrontEnd",
    "Recording",
    "RecordingFile",
    "Request",
    "SequenceDataset",
    "Source",
    "SpikeFrontEnd",
    "Split",
    "augment",
    "decode_audio",
    "front_end_from",
    "load",
    "load_dataset",
    "log_mel",
    "normalize",
    "open_source",
    "read_audio",
    "read_recordings",
    "split_by_speaker",
    "split_fold",
    "split_hash",
    "split_official",
    "true_frames",
]
