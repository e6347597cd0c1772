"""Recordings, in their files and decoded."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from imssa.data.audio import decode_audio, read_content
from imssa.data.dataset import read_only
from imssa.data.resampling import resampled


@dataclass(frozen=True)
class RecordingFile:
    """One recording as it lies in its file, not yet decoded.

    Args:
        name: Distinct within its data set, for instance "0_george_3".
        label: The spoken word.
        speaker: Who spoke.
        take: Which of the speaker's recordings of the word, from 0.
        content: The bytes of the audio file, or where it lies.
        part: Part of the official split; empty: there is none.
    """

    name: str
    label: str
    speaker: str
    take: int
    content: bytes | Path
    part: str = ""

    @property
    def held(self) -> bytes:
        """The bytes of the audio file.

        Raises:
            DataError: It is missing or cannot be read.
        """
        return read_content(self.content) if isinstance(self.content, Path) else self.content


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


def decode(file: RecordingFile, rate_hertz: int, to_hertz: int | None = None) -> Recording:
    """The recording in a file.

    Args:
        file: The file.
        rate_hertz: The sampling rate that it must have.
        to_hertz: The sampling rate that the recording is brought to; None: its own.

    Raises:
        DataError: The file is not a usable recording of that rate.
    """
    samples = decode_audio(file.held, file.name, rate_hertz)
    return Recording(
        samples=samples if to_hertz is None else resampled(samples, rate_hertz, to_hertz),
        rate_hertz=to_hertz or rate_hertz,
        name=file.name,
        label=file.label,
        speaker=file.speaker,
        take=file.take,
    )
