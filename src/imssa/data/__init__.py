"""Sequences in, padded and labelled features out: readers, front end, splits."""

from imssa.data.audio import decode_audio, read_audio
from imssa.data.augmentation import AugmentationConfig, augment
from imssa.data.config import DataConfig
from imssa.data.dataset import SequenceDataset, true_frames
from imssa.data.front_end import FrontEndConfig, log_mel
from imssa.data.kinds import KINDS
from imssa.data.loading import load, load_dataset, read_recordings
from imssa.data.normalization import Normalization, normalize
from imssa.data.recordings import Recording, RecordingFile, RecordingFormat
from imssa.data.splits import FOLDS, Split, split_by_speaker, split_fold, split_official

__all__ = [
    "FOLDS",
    "KINDS",
    "AugmentationConfig",
    "DataConfig",
    "FrontEndConfig",
    "Normalization",
    "Recording",
    "RecordingFile",
    "RecordingFormat",
    "SequenceDataset",
    "Split",
    "augment",
    "decode_audio",
    "load",
    "load_dataset",
    "log_mel",
    "normalize",
    "read_audio",
    "read_recordings",
    "split_by_speaker",
    "split_fold",
    "split_official",
    "true_frames",
]
