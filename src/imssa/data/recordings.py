"""Recordings and the formats they come in."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from imssa.data.audio import decode_audio
from imssa.data.dataset import read_only


@dataclass(frozen=True)
class RecordingFile:
    """One recording as it lies in its file, not yet decoded.

    Args:
        name: Distinct within its data set, for instance "0_george_3".
        label: The spoken word.
        speaker: Who spoke.
        take: Which of the speaker's recordings of the word, from 0.
        content: The bytes of the audio file.
    """

    name: str
    label: str
    speaker: str
    take: int
    content: bytes


@dataclass(frozen=True, eq=False)
class Recording:
    """One spoken word.

    Args:
        samples: float32 (samples,), -1..1; kept read-only.
        rate_hertz: Sampling rate.
        name: Distinct within its data set, for instance "0_george_3".
        label: The spoken word.
        speaker: Who spoke.
        take: Which of the speaker's recordings of the word, from 0.
    """

    samples: Float32[np.ndarray, " samples"]
    rate_hertz: int
    name: str
    label: str
    speaker: str
    take: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", read_only(self.samples, np.float32))


@dataclass(frozen=True)
class RecordingFormat:
    """A public format of recordings: what it holds and how to read it.

    Args:
        kind: Its name in a recipe.
        corpus: Which recordings it holds; formats of one corpus share names, speakers and takes.
        words: Every word it has, in the order of the class indices.
        rate_hertz: The sampling rate of its recordings.
        needs_root: Whether the user must name a folder.
        read: (folder or None, words) -> files, sorted by word, speaker and take.
    """

    kind: str
    corpus: str
    words: tuple[str, ...]
    rate_hertz: int
    needs_root: bool
    read: Callable[[Path | None, tuple[str, ...]], tuple[RecordingFile, ...]]


def decode(file: RecordingFile, rate_hertz: int) -> Recording:
    """The recording in a file.

    Raises:
        DataError: The file is not a usable recording of that rate.
    """
    return Recording(
        samples=decode_audio(file.content, file.name, rate_hertz),
        rate_hertz=rate_hertz,
        name=file.name,
        label=file.label,
        speaker=file.speaker,
        take=file.take,
    )


def digest(files: Iterable[RecordingFile]) -> str:
    """SHA-256 of the names and bytes of recordings, in their order, as hexadecimal digits."""
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.name.encode()).digest())
        total.update(hashlib.sha256(file.content).digest())
    return total.hexdigest()
