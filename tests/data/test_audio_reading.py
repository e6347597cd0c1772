from pathlib import Path

import numpy as np
import pytest

from imssa.data import decode_audio, read_audio
from imssa.errors import DataError
from tests.data.samples import audio_bytes, tone

TONE = tone(440)
WAV = audio_bytes(TONE)
FLAC = audio_bytes(TONE, container="FLAC")


@pytest.mark.parametrize("content", [WAV, FLAC])
def test_samples_are_those_written(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "tone"
    file.write_bytes(content)
    samples = read_audio(file, 8000)
    assert samples.dtype == np.float32
    assert np.abs(samples - TONE).max() <= 1 / 32768


def test_wav_with_an_odd_chunk_before_its_samples_is_read() -> None:
    note = b"note" + (3).to_bytes(4, "little") + b"abc\0"
    size = (len(WAV) - 8 + len(note)).to_bytes(4, "little")
    content = WAV[:4] + size + WAV[8:36] + note + WAV[36:]
    assert np.array_equal(decode_audio(content, "x", 8000), decode_audio(WAV, "x", 8000))


BAD = {
    "empty": (b"", "x: the file is empty. Fetch or record the file again."),
    "no audio": (b"hello, world " * 20, "x: the file is not a known audio file"),
    "header only": (WAV[:30], "x: the file is truncated: it ends after 30 bytes"),
    "wav cut": (WAV[:2000], "x: the file is truncated: it ends after 2000 bytes"),
    "wav cut by one": (WAV[:-1], "x: the file is truncated"),
    "flac cut": (FLAC[: len(FLAC) // 2], "x: the file is truncated or damaged"),
    "flac cut by one": (FLAC[:-1], "x: the file is truncated or damaged"),
    "stereo": (audio_bytes(np.stack([TONE, TONE], 1)), "x with 2 channels: a recording has one"),
    "another rate": (audio_bytes(TONE, 16000), "x at 16000 Hz: .* sampled at 8000 Hz. Resample"),
    "no samples": (audio_bytes(TONE[:0]), "x: the recording has no samples"),
    "silent": (audio_bytes(0 * TONE), "x: the recording is silent: every sample is zero"),
    "nan": (audio_bytes(TONE + np.nan, subtype="FLOAT"), "x: the recording holds NaN or infinite"),
    "inf": (audio_bytes(TONE + np.inf, subtype="FLOAT"), "x: the recording holds NaN or infinite"),
    "loud": (audio_bytes(TONE * 4, subtype="FLOAT"), "x with a sample of 2: samples lie between"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD.keys())
def test_bad_recordings_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decode_audio(content, "x", 8000)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.wav: a recording is a readable file \(No such file"):
        read_audio(tmp_path / "gone.wav", 8000)


def test_bad_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.wav"
    file.write_bytes(b"")
    with pytest.raises(DataError, match=r"bad.wav: the file is empty"):
        read_audio(file, 8000)
