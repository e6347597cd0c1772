"""Reading one recording, and refusing what is not a usable recording."""

import io
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float32

from imssa.errors import DataError

if TYPE_CHECKING:
    from soundfile import SoundFile

READ_ANEW: Final = "Fetch or record the file again."
COMPLETE_FORMATS: Final = ("WAV", "WAVEX", "FLAC", "OGG")
"""Formats in which a file that was cut short is noticed."""
LOWEST_HERTZ: Final = 1000
HIGHEST_HERTZ: Final = 768000
MOST_SAMPLES: Final = 2**26
"""More than an hour at 16 kHz. A header that promises more is not believed: memory is taken as it says."""

NOT_STATED: Final = 0xFFFFFFFF
"""The size of the samples in a WAV file that was written as a stream: they reach to its end."""

OVERSHOOT: Final = 2.0
"""Lossy coding overshoots full scale a little; such samples are clipped. More is no recording."""


def read_audio(file: Path, rate_hertz: int) -> Float32[np.ndarray, " samples"]:
    """Samples of one mono recording (WAV, FLAC or Ogg), float32 in -1..1.

    Args:
        file: The recording.
        rate_hertz: The sampling rate that it must have.

    Returns:
        Samples, shape (samples,).

    Raises:
        DataError: The file is missing, empty, truncated, no audio, not mono, of another rate,
            silent, or holds values that are not finite or lie outside -1..1.
    """
    return decode_audio(read_content(file), str(file), rate_hertz)


def read_content(file: Path) -> bytes:
    """The bytes of a recording.

    Raises:
        DataError: The file is missing or cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(
            given=f"recording {file}",
            rule=f"a recording is a readable file ({error.strerror})",
            remedy="Check the path and its permissions.",
        ) from error


def decode_audio(content: bytes, name: str, rate_hertz: int) -> Float32[np.ndarray, " samples"]:
    """Samples of one mono recording held in memory; see ``read_audio``.

    Args:
        content: The bytes of an audio file.
        name: What error messages call it.
        rate_hertz: The sampling rate that it must have.

    Returns:
        Samples, shape (samples,), float32 in -1..1.

    Raises:
        DataError: As for ``read_audio``.
    """
    return _decoded(content, name, rate_hertz)[0]


def decode_any_rate(content: bytes, name: str) -> tuple[Float32[np.ndarray, " samples"], int]:
    """Samples of one mono recording held in memory, and its sampling rate.

    Raises:
        DataError: As for ``read_audio``, but any rate of recordings will do.
    """
    return _decoded(content, name, None)


def _decoded(
    content: bytes, name: str, rate_hertz: int | None
) -> tuple[Float32[np.ndarray, " samples"], int]:
    import soundfile

    if not content:
        raise DataError(given=name, rule="the file is empty", remedy=READ_ANEW)
    require_complete(content, name)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            _check_header(sound, name, rate_hertz)
            promised, rate, lossy = sound.frames, int(sound.samplerate), sound.format == "OGG"
            samples: np.ndarray = sound.read(dtype="float32")
    except soundfile.LibsndfileError as error:
        known = "Format not recognised" not in error.error_string
        rule = "the file is truncated or damaged" if known else "the file is not a known audio file"
        raise DataError(given=name, rule=rule, remedy=READ_ANEW) from error
    if len(samples) != promised:
        rule = f"the file is truncated or damaged: it holds {len(samples)} of {promised} samples"
        raise DataError(given=name, rule=rule, remedy=READ_ANEW)
    _check_samples(samples, name, OVERSHOOT if lossy else 1.0)
    return np.clip(samples, -1, 1) if lossy else samples, rate


def require_complete(content: bytes | mmap, name: str) -> None:
    """Refuses a WAV or Ogg file that was cut short: libsndfile reads what is left without a word.

    Raises:
        DataError: It was.
    """
    _check_wav_complete(content, name)
    _check_ogg_complete(content, name)


def _check_wav_complete(content: bytes | mmap, name: str) -> None:
    """By the sizes of its chunks."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return
    start = 12
    while start + 8 <= len(content):
        size = int.from_bytes(content[start + 4 : start + 8], "little")
        body = start + 8
        if size == NOT_STATED and content[start : start + 4] == b"data":
            return
        if body + size > len(content):
            break
        if content[start : start + 4] == b"data":
            return
        start = body + size + size % 2
    raise DataError(
        given=name,
        rule=f"the file is truncated: it ends after {len(content)} bytes, before its samples do",
        remedy=READ_ANEW,
    )


def _check_ogg_complete(content: bytes | mmap, name: str) -> None:
    """By its last page, which says that it is the last (RFC 3533, section 6)."""
    if content[:4] != b"OggS":
        return
    start, last = 0, False
    while content[start : start + 4] == b"OggS" and len(content) >= start + 27:
        table = content[start + 27 : start + 27 + content[start + 26]]
        last = bool(content[start + 5] & 4)
        start += 27 + content[start + 26] + sum(table)
    if not last or start != len(content):
        raise DataError(
            given=name,
            rule=f"the file is truncated or damaged: {len(content)} bytes do not end with the "
            "last page of an Ogg stream",
            remedy=READ_ANEW,
        )


def _check_header(sound: "SoundFile", name: str, rate_hertz: int | None) -> None:
    if sound.format not in COMPLETE_FORMATS:
        raise DataError(
            given=f"{name} in the format {sound.format}",
            rule="recordings are WAV, FLAC or Ogg files, in which a cut is noticed",
            remedy="Convert it.",
        )
    if sound.channels != 1:
        raise DataError(
            given=f"{name} with {sound.channels} channels",
            rule="a recording has one channel",
            remedy="Mix it down to mono.",
        )
    if rate_hertz is None:
        _check_rate(sound.samplerate, name)
    elif sound.samplerate != rate_hertz:
        raise DataError(
            given=f"{name} at {sound.samplerate} Hz",
            rule=f"recordings of this data set are sampled at {rate_hertz} Hz",
            remedy=f"Resample it to {rate_hertz} Hz.",
        )
    if sound.frames > MOST_SAMPLES:
        raise DataError(
            given=f"{name} with {sound.frames} samples",
            rule=f"a recording has at most {MOST_SAMPLES} samples",
            remedy="Cut it into words.",
        )
    if sound.frames == 0:
        raise DataError(given=name, rule="the recording has no samples", remedy=READ_ANEW)


def _check_rate(rate_hertz: int, name: str) -> None:
    if not LOWEST_HERTZ <= rate_hertz <= HIGHEST_HERTZ:
        raise DataError(
            given=f"{name} at {rate_hertz} Hz",
            rule=f"recordings are sampled at {LOWEST_HERTZ} to {HIGHEST_HERTZ} Hz",
            remedy=READ_ANEW,
        )


def _check_samples(samples: Float32[np.ndarray, " samples"], name: str, largest: float) -> None:
    if not np.isfinite(samples).all():
        raise DataError(
            given=name, rule="the recording holds NaN or infinite samples", remedy=READ_ANEW
        )
    if np.abs(samples).max() > largest:
        raise DataError(
            given=f"{name} with a sample of {np.abs(samples).max():g}",
            rule="samples lie between -1 and 1",
            remedy="Scale the recording to full scale 1.",
        )
    if not samples.any():
        raise DataError(
            given=name,
            rule="the recording is silent: every sample is zero",
            remedy="Record it again, or leave it out.",
        )


def file_rate_hertz(content: bytes, name: str) -> int:
    """The sampling rate that an audio file states.

    Raises:
        DataError: It is no audio file, or no rate of recordings.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            rate_hertz = int(sound.samplerate)
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise DataError(
            given=name, rule="the file is not a known audio file", remedy=READ_ANEW
        ) from error
    _check_rate(rate_hertz, name)
    return rate_hertz
