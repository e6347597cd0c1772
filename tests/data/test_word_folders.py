"""Speech Commands and any folder of class sub-folders."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.data import DataConfig, load, load_dataset, open_source
from imssa.data.speech_commands import official_part
from imssa.errors import DataError
from tests.data.files import write_words
from tests.data.samples import SHARED, audio_bytes, tone

COMMANDS = SHARED / "speech_commands"


def config(root: Path, kind: str = "folder", **fields: Any) -> DataConfig:
    return DataConfig.model_validate({"kind": kind, "root": root, **fields})


def draw() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("ending", "sound"),
    [
        ("wav", {}),
        ("flac", {"container": "FLAC"}),
        ("ogg", {"container": "OGG", "subtype": "VORBIS"}),
    ],
)
def test_folder_of_any_container(ending: str, sound: dict[str, str], tmp_path: Path) -> None:
    dataset = load_dataset(config(write_words(tmp_path / "words", ending, **sound)))
    assert dataset.class_names == ("no", "yes")
    assert len(dataset) == 16
    assert dataset.names[0] == f"no/00000000_nohash_0.{ending}"
    assert dataset.groups == ("",) * 16
    assert not dataset.parts


def test_split_by_speaker_pattern_keeps_speakers_apart(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    pattern = "^([0-9a-f]+)_"
    split = load(config(root, speaker_pattern=pattern, test_share=0.5, validation_share=0), draw())
    assert split.test.groups
    assert not {*split.test.groups} & {*split.train.groups, *split.validation.groups}
    places = {who: hashlib.sha256(who.encode()).digest()[0] for who in split.test.groups}
    assert all(place < 128 for place in places.values())


def test_split_by_name_does_not_depend_on_what_else_is_there(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    before = {*load(config(root, test_share=0.4), draw()).test.names}
    (root / min(before)).unlink()
    after = {*load(config(root, test_share=0.4), draw()).test.names}
    assert after == before - {min(before)}


def test_file_without_a_speaker_is_named(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    with pytest.raises(DataError, match=r"00000000_nohash_0\.wav.* finds no speaker"):
        open_source(config(root, speaker_pattern="^(bob)"))


def test_pattern_without_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="no regular expression with a group"):
        config(Path(), speaker_pattern="abc")


def test_folder_of_one_class_is_refused(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    for file in (root / "yes").iterdir():
        file.unlink()
    with pytest.raises(
        DataError, match=r"folder 'yes' in .* the folder of a class holds recordings"
    ):
        open_source(config(root))
    (root / "yes").rmdir()
    with pytest.raises(DataError, match="with the classes no: two or more are needed"):
        open_source(config(root))


def test_recording_of_another_rate_is_named(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    (root / "yes" / "x.wav").write_bytes(audio_bytes(tone(440), 8000))
    with pytest.raises(DataError, match=r"yes/x\.wav at 8000 Hz"):
        load_dataset(config(root))


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_cut_recordings_are_refused(ending: str, tmp_path: Path) -> None:
    container = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG"}[ending]
    subtype = "VORBIS" if ending == "ogg" else "PCM_16"
    root = write_words(tmp_path / "words", ending, container=container, subtype=subtype)
    file = root / "yes" / f"00000002_nohash_1.{ending}"
    whole = file.read_bytes()
    for length in (0, 3, 30, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"yes/00000002_nohash_1"):
            load_dataset(config(root))


def test_flac_that_promises_hours_is_refused(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words", "flac", container="FLAC")
    file = root / "no" / "00000001_nohash_0.flac"
    content = bytearray(file.read_bytes())
    content[21:26] = bytes((content[21] | 0x0F, 255, 255, 255, 255))  # STREAMINFO: 2^36 - 1 samples
    file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"no/00000001_nohash_0\.flac"):
        load_dataset(config(root))


def test_rates_out_of_range_are_told(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    for file in root.rglob("*.wav"):
        content = bytearray(file.read_bytes())
        content[24:28] = (2**30).to_bytes(4, "little")
        file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"at 1073741824 Hz: recordings are sampled at 1000 to"):
        load_dataset(config(root))


def test_speakers_have_one_name_in_small_and_capital_letters(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    for file in sorted(root.rglob("*.wav"))[::2]:
        file.rename(file.with_name(file.name.replace("nohash", "NOHASH")))
    pattern = "^[^_]+_([A-Za-z]+)_"
    source = open_source(config(root, speaker_pattern=pattern))
    assert {item.group for item in source.items} == {"nohash"}
    with pytest.raises(DataError, match="empty training part"):  # it is known, in any letters
        load(
            config(root, speaker_pattern=pattern, split="speaker", test_speakers=["NoHash"]), draw()
        )


def test_rate_of_a_recording_is_one_of_recordings(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    file = root / "no" / "00000000_nohash_0.wav"
    content = bytearray(file.read_bytes())
    content[24:28] = (2**30).to_bytes(4, "little")
    file.write_bytes(bytes(content))
    with pytest.raises(
        DataError, match=r"at 1073741824 Hz: recordings of this data set are sampled at 16000 Hz"
    ):
        load_dataset(config(root))


def test_official_lists_decide_where_they_are(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    (root / "validation_list.txt").write_text("yes/00000000_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("no/00000001_nohash_0.wav\nyes/00000001_nohash_1.wav\n")
    split = load(config(root, "speech-commands"), draw())
    assert split.validation.names == ("yes/00000000_nohash_0.wav",)
    assert set(split.test.names) == {"no/00000001_nohash_0.wav", "yes/00000001_nohash_1.wav"}
    assert split.train.class_names == ("yes", "no")


def test_one_list_alone_is_refused(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    (root / "testing_list.txt").write_text("no/00000001_nohash_0.wav\n")
    with pytest.raises(DataError, match=r"validation_list\.txt and testing_list\.txt one is"):
        open_source(config(root, "speech-commands"))


def test_wrong_names_are_refused(tmp_path: Path) -> None:
    root = write_words(tmp_path / "words")
    (root / "yes" / "mine.wav").write_bytes(audio_bytes(tone(440), 16000))
    with pytest.raises(DataError, match=r"mine\.wav: names are SPEAKER_nohash_TAKE"):
        open_source(config(root, "speech-commands"))
    (root / "yes").rename(root / "yeah")
    with pytest.raises(DataError, match=r"folder 'yeah' .* has no such word"):
        open_source(config(root, "speech-commands"))


@pytest.mark.skipif(not COMMANDS.is_dir(), reason="no Speech Commands at ../shared/data")
def test_published_rule_puts_the_published_test_archive_into_the_test_part() -> None:
    items = open_source(config(COMMANDS, "speech-commands")).items
    assert len(items) == 2851
    assert {item.part for item in items} == {"test"}


def test_published_rule_has_its_shares() -> None:
    parts = [official_part(f"{number:08x}") for number in range(20000)]
    for part, share in (("validation", 0.1), ("test", 0.1), ("train", 0.8)):
        error = (share * (1 - share) / 20000) ** 0.5
        assert abs(parts.count(part) / 20000 - share) < 4 * error
