"""Folders and recordings: what is found, and what each refusal says."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from imssa.ear import find_recordings, read_recording
from imssa.ear.recordings import Source, clipped_share
from imssa.errors import DataError
from tests.ear.samples import RATE_HERTZ, word, write, write_digits, write_words


def source(path: Path) -> Source:
    return Source(path, path.name, "word", "someone")


def test_one_folder_a_class(tmp_path: Path) -> None:
    sources, classes = find_recordings(write_words(tmp_path))
    assert classes == ("high", "low")
    assert [(s.name, s.label, s.speaker) for s in sources] == [
        ("high/0a1b2c3d_nohash_0.wav", "high", "0a1b2c3d"),
        ("high/0a1b2c3d_nohash_1.flac", "high", "0a1b2c3d"),
        ("high/b.ogg", "high", "unknown"),
        ("low/4e5f6a7b_nohash_0.wav", "low", "4e5f6a7b"),
        ("low/c.WAV", "low", "unknown"),
    ]


def test_spoken_digits(tmp_path: Path) -> None:
    sources, classes = find_recordings(write_digits(tmp_path))
    assert classes[:3] == ("zero", "one", "two")
    assert len(classes) == 10
    assert [(s.name, s.label, s.speaker) for s in sources] == [
        ("0_george_0.wav", "zero", "george"),
        ("0_theo_2.wav", "zero", "theo"),
        ("0_theo_11.wav", "zero", "theo"),
        ("7_theo_0.wav", "seven", "theo"),
    ]


def test_speakers_by_the_names_of_the_files(tmp_path: Path) -> None:
    for label in ("ja", "nein"):
        for number, who in enumerate(("anna", "bert", "carl", "dora")):
            for take in (0, 1):
                write(tmp_path / label / f"{who}_{take}.wav", word(300.0 + number))
    sources, _ = find_recordings(tmp_path)
    assert [s.speaker for s in sources[:4]] == ["anna", "anna", "bert", "bert"]
    assert {s.speaker for s in sources} == {"anna", "bert", "carl", "dora"}


def test_folders_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: this is not a folder"):
        find_recordings(tmp_path / "nowhere")
    with pytest.raises(DataError, match="the folder holds no recordings"):
        find_recordings(tmp_path)
    write(tmp_path / "a" / "a.wav", word(300.0))
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match=r"b: the folder of a class holds recordings \(.wav"):
        find_recordings(tmp_path)
    write(tmp_path / "0_theo_1.wav", word(300.0))
    with pytest.raises(DataError, match="recordings beside folders of recordings"):
        find_recordings(tmp_path)


def test_a_misnamed_digit_is_refused(tmp_path: Path) -> None:
    write_digits(tmp_path)
    write(tmp_path / "ten_theo_1.wav", word(300.0))
    with pytest.raises(DataError, match=r"ten_theo_1\.wav: names are digit_speaker_index"):
        find_recordings(tmp_path)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_formats_are_read(ending: str, tmp_path: Path) -> None:
    samples = word(500.0)
    found, rate_hertz = read_recording(source(write(tmp_path / f"a.{ending}", samples)))
    assert rate_hertz == RATE_HERTZ
    assert found.dtype == np.float32
    assert np.abs(found - samples).max() < (0.05 if ending == "ogg" else 1e-4)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("share", [0.4, 0.999])
def test_a_cut_file_is_refused(ending: str, share: float, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{ending}", word(500.0, 0.5))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="truncated"):
        read_recording(source(path))


def test_recordings_that_are_refused(tmp_path: Path) -> None:
    def refused(samples: np.ndarray, says: str) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, samples, RATE_HERTZ, subtype="FLOAT")
        with pytest.raises(DataError, match=rf"a\.wav.*{says}"):
            read_recording(source(path))

    sound = word(500.0)
    refused(np.zeros(100), "silent: every sample is zero")
    refused(np.full(100, 0.25), r"every sample is 0\.25")
    refused(np.clip(20 * sound, -0.5, 0.5), r"it is clipped: \d\d\.\d% of its samples")
    refused(np.where(np.arange(len(sound)) == 9, np.nan, sound), "NaN or infinite")
    refused(np.stack([sound, sound], axis=1), "one channel")
    refused(np.zeros(0), "no samples")


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_a_file_that_is_something_else_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("no sound at all")
    with pytest.raises(DataError, match="not a known audio file"):
        read_recording(source(path))
    path.write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        read_recording(source(path))
    path.unlink()
    with pytest.raises(DataError, match="a recording is a readable file"):
        read_recording(source(path))


def test_a_peak_is_not_clipped() -> None:
    assert clipped_share(np.array([0, 1, 1, 0, -1, -1, 0.5, 1], np.float32)) == 0
    assert clipped_share(np.array([-1, -1, -1, 0.5], np.float32)) == 0.75
