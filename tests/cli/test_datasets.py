"""`imssa data list`, `imssa data check` and `imssa recipes`."""

import re
import shutil
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from imssa.data import KINDS, DataConfig, open_source
from imssa.data.guessing import guessed_kind
from imssa.experiment.shipped import recipe_names, recipe_text
from tests.cli.calls import call, done, refusal
from tests.data import files
from tests.data.samples import audio_bytes, tone, write_digits

if TYPE_CHECKING:
    from collections.abc import Callable


def test_list_shows_every_format_with_its_licence() -> None:
    rows = call("data", "list", "--json").value["formats"]
    assert [row["kind"] for row in rows] == list(KINDS)
    assert all(row["licence"] and row["where"] for row in rows)
    table = call("data", "list").out
    assert all(kind in table for kind in KINDS)


def test_check_counts_items_by_class_and_part(tmp_path: Path) -> None:
    found = call("data", "check", files.write_ts(tmp_path), "--json").value
    assert found["kind"] == "ts"
    assert found["items"] == 6
    assert found["counts"]["down"] == {"train": 2, "test": 1}
    assert found["frames"] == {"smallest": 1.0, "median": 2.0, "largest": 4.0}
    assert found["leaks"] == 0
    assert "6 items of 2 classes (ts)" in call("data", "check", tmp_path).out


def test_check_of_a_recipe_takes_its_split(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", "01")
    words = ("check", "spoken-digits", "--set", f"data.root={tmp_path / 'digits'}")
    found = call("data", *words, "--set", 'data.words=["zero","one"]', "--json").value
    assert found["counts"]["zero"] == {"train": 240, "validation": 30, "test": 30}
    assert found["rates_hertz"] == [8000]
    assert len(found["shared_groups"]) == 6


def test_equal_recordings_in_two_parts_are_refused(tmp_path: Path) -> None:
    root = files.write_words(tmp_path / "words")
    (root / "validation_list.txt").write_text("no/00000003_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("yes/00000001_nohash_0.wav\n")
    copied = root / "yes" / "0000000a_nohash_0.wav"
    shutil.copy(root / "yes" / "00000001_nohash_0.wav", copied)
    outcome = call("data", "check", root)
    assert outcome.code == 2
    assert "Equal items" in outcome.out
    assert "1 items of different parts have the same content" in outcome.err
    found = call("data", "check", root, "--json").value
    twin = ["yes/00000001_nohash_0.wav", "yes/0000000a_nohash_0.wav", True, False]
    assert found["twins"] == [twin]


def test_silent_clipped_and_broken_recordings_are_named(tmp_path: Path) -> None:
    root = files.write_words(tmp_path / "words")
    faint = tone(440, rate_hertz=16000) / 600
    loud = np.clip(tone(440, rate_hertz=16000) * 4, -1, 1)
    for name, content in {
        "faint": audio_bytes(faint, 16000),
        "loud": audio_bytes(loud, 16000),
        "cut": audio_bytes(loud, 16000)[:99],
    }.items():
        (root / "yes" / f"{name}.wav").write_bytes(content)
    outcome = call("data", "check", root, "--kind", "folder")
    assert outcome.code == 2
    assert "1 items are empty or cannot be read, for instance yes/cut.wav: " in outcome.err
    found = call("data", "check", root, "--kind", "folder", "--json").value
    faults = dict(found["faults"])
    assert faults["yes/faint.wav"].startswith("silent")
    assert faults["yes/loud.wav"].startswith("clipped")
    assert "truncated" in faults["yes/cut.wav"]
    assert len(faults) == 3


def test_a_folder_with_other_sound_beside_what_is_read(tmp_path: Path) -> None:
    """Files of other kinds, loose ones and those in nested folders are named; who is heard shows in the names."""
    sound = audio_bytes(tone(440, rate_hertz=16000), 16000)
    for word, take, name in product(("ja", "nein"), (1, 2, 3), ("Ann", "bob", "eve", "fay", "guy")):
        file = tmp_path / word / f"{name if take > 1 else name.lower()}_{take}.wav"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(sound + bytes(2 * len(word) * take))
    (tmp_path / "ja" / "ann_0.wav").write_bytes(b"no sound")
    unread = [
        "_loose.wav",
        "ja/_old/ann_1.wav",
        "ja/old/a/x.wav",
        "ja/x.mp3",
        "nein/x.webm",
        "y.WAV",
    ]
    for other in (*unread, "ja/.hidden.mp3", "_notes/a.mp3", "ja/.old/a.wav"):
        (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / other).write_bytes(sound)
    outcome = call("data", "check", tmp_path)
    words = " ".join(outcome.out.split())
    assert (
        "Not read: _loose.wav, ja/_old/ann_1.wav, ja/old/a/x.wav, ja/x.mp3, nein/x.webm and 1 more."
        in words
    )
    found = call("data", "check", tmp_path, "--json").value
    assert found["unread"] == unread
    assert found["split_keys"] == {"split": "hash", "test_share": 0.3, "validation_share": 0.3}
    assert found["groups"] == {"train": 2, "validation": 1, "test": 2}  # Ann and ann are one
    assert [name for name, _ in found["faults"]] == ["ja/ann_0.wav"]  # the first does not end it


def test_sound_of_a_kind_that_is_not_read_is_named(tmp_path: Path) -> None:
    for file in (tmp_path / "ja" / "1.mp3", tmp_path / "nein" / "1.m4a"):
        file.parent.mkdir()
        file.write_bytes(b"ID3")
    message = refusal("data", "check", tmp_path)
    assert "its sound, for instance ja/1.mp3, is of a kind that is not read. Convert it" in message
    (tmp_path / "ja" / "1.wav").write_bytes(audio_bytes(tone(440)))
    assert "(.wav, .flac, .ogg); 1.m4a is not of these kinds" in refusal("data", "check", tmp_path)


def test_items_that_are_all_tested_show_a_split_that_can_be_made(tmp_path: Path) -> None:
    root = files.write_words(tmp_path / "words")
    names = "\n".join(f"{f.parent.name}/{f.name}" for f in root.glob("*/*.wav"))
    (root / "testing_list.txt").write_text(names)
    (root / "validation_list.txt").write_text("")
    outcome = call("data", "check", root, "--json")
    assert outcome.code == 0
    parts = [set(counts) for counts in outcome.value["counts"].values()]
    assert parts == [{"train", "validation", "test"}] * 2
    assert outcome.value["split_fault"] == ""


def test_formats_are_known_by_the_names_of_their_files(tmp_path: Path) -> None:
    made: dict[str, Path] = {}
    writers: dict[str, Callable[[Path], Path]] = {
        "ts": files.write_ts,
        "mnist": files.write_mnist_idx,
        "cifar10": files.write_cifar10,
        "spikes": files.write_spike_parts,
    }
    for kind, write in writers.items():
        (tmp_path / kind).mkdir()
        write(tmp_path / kind)
        made[kind] = tmp_path / kind
    made["speech-commands"] = files.write_words(tmp_path / "commands")
    made["folder"] = files.write_words(tmp_path / "folder", "flac", container="FLAC")
    (tmp_path / "shd").mkdir()
    files.write_spike_parts(tmp_path / "shd", "shd")
    made["shd"] = tmp_path / "shd"
    write_digits(tmp_path / "digits", "0")
    made["fsdd"] = tmp_path / "digits"
    assert {kind: guessed_kind(root) for kind, root in made.items()} == {k: k for k in made}
    assert guessed_kind(made["spikes"] / "made_train.h5") == "spikes"


def test_one_stray_file_among_speech_commands_is_refused_by_name(tmp_path: Path) -> None:
    """As a mere folder of classes its speakers would be trained on and tested."""
    root = files.write_words(tmp_path / "commands")
    word = next(folder for folder in root.iterdir() if folder.is_dir())
    (word / "mine.wav").write_bytes(next(word.glob("*.wav")).read_bytes())
    assert guessed_kind(root) == "speech-commands"
    assert "mine.wav" in refusal("data", "check", root)


def test_folder_of_nothing_known_is_refused(tmp_path: Path) -> None:
    assert "it is in no format that shows" in refusal("data", "check", tmp_path)
    assert "there is no such path" in refusal("data", "check", tmp_path / "nowhere")
    assert "there is no such data format" in refusal("data", "check", tmp_path, "--kind", "x")


def test_recipes_are_listed_with_what_they_show() -> None:
    rows = call("recipes", "list", "--json").value["recipes"]
    assert [row["name"] for row in rows] == list(recipe_names())
    assert all(len(row["comment"]) > 60 for row in rows)
    assert all(re.search("minutes? |hour |Not timed", row["comment"] + " ") for row in rows)
    assert "spoken-digits" in call("recipes", "list").out


def test_recipe_is_shown_and_copied(tmp_path: Path) -> None:
    text = recipe_text("zero-one")
    assert call("recipes", "show", "zero-one").out.strip() == text.strip()
    out = tmp_path / "mine.toml"
    assert call("recipes", "copy", "zero-one", "--out", out).code == 0
    assert out.read_text() == text
    assert "add --force" in refusal("recipes", "copy", "zero-one", "--out", out)
    assert call("recipes", "copy", "psmnist", "--out", out, "--force").code == 0
    assert "permutation_seed" in out.read_text()


@pytest.mark.parametrize("command", ["show", "copy"])
def test_unknown_recipe_is_refused(command: str, tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "x")] if command == "copy" else []
    assert "no shipped recipe has that name" in refusal("recipes", command, "ones", *words)


def texts(file: Path) -> str:
    """All words of a picture; it must be well-formed, small and without anything from elsewhere."""
    root = ET.parse(file).getroot()  # noqa: S314  # ours
    assert root.tag.endswith("svg")
    assert file.stat().st_size < 300_000
    assert 'href="http' not in file.read_text()
    return " ".join("".join(root.itertext()).split())


def test_pictures_of_recordings(tmp_path: Path) -> None:
    root = files.write_words(tmp_path / "words")
    loud = np.clip(tone(440, rate_hertz=16000) * 4, -1, 1)
    (root / "yes" / "0000000f_nohash_0.wav").write_bytes(audio_bytes(loud, 16000))
    outcome = done("data", "check", root, "--pictures", tmp_path / "drawn", "--json").value
    drawn = {Path(file).name: texts(Path(file)) for file in outcome["pictures"]}
    names = {"classes", "lengths", "loudness-in-db-of-full-scale", "peak-in-db-of-full-scale"}
    assert set(drawn) == {f"{name}.svg" for name in names}
    assert "17 items of 2 classes, 8 to 9 each." in drawn["classes.svg"]
    assert "length in s: train 0.2 to 0.2" in drawn["lengths.svg"]
    assert "; 1 clipped." in drawn["loudness-in-db-of-full-scale.svg"]
    # a sine of amplitude 0.5 has a mean square of 1/8
    low = outcome["measures"]["loudness in dB of full scale"]["smallest"]
    assert abs(low - 10 * np.log10(1 / 8)) < 0.05


def test_pictures_of_spikes(tmp_path: Path) -> None:
    root = files.write_spike_parts(tmp_path)
    found = done("data", "check", root, "--pictures", tmp_path / "drawn", "--json").value
    drawn = {Path(file).name: texts(Path(file)) for file in found["pictures"]}
    assert {"spikes-a-second.svg", "spikes-of-each-channel.svg", "spikes-over-time.svg"} < set(
        drawn
    )
    assert "channel" in drawn["spikes-of-each-channel.svg"]


def test_profiles_of_spikes_count_every_spike(tmp_path: Path) -> None:
    config = DataConfig.model_validate(
        {"kind": "spikes", "root": files.write_spike_parts(tmp_path)}
    )
    channels, times = open_source(config).profiles()
    made = [files.spike_arrays(seed, items) for seed, items in enumerate((12, 4, 6))]
    count = sum(len(one) for part in made for one in part["times"])
    assert round(float(channels.curves["mean"].sum()) * 22) == count
    assert round(float(times.curves["mean"].sum()) * 22 * 0.010) == count


def test_pictures_of_arrays_show_their_ranges(tmp_path: Path) -> None:
    root = files.write_ts(tmp_path)
    found = done("data", "check", root, "--pictures", tmp_path / "drawn", "--json").value
    assert found["measures"]["largest value"] == {"smallest": 0.25, "median": 7.0, "largest": 9.0}
    drawn = {Path(file).name: texts(Path(file)) for file in found["pictures"]}
    assert "value: smallest" in drawn["range-of-each-feature.svg"]
    words = ("data", "check", root, "--pictures", root / "Made_TEST.ts")
    assert call(*words).code == 2


def test_data_without_a_published_split_are_looked_at_in_one_that_works(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((80, 5, 2)).astype(np.float32)
    file, y = tmp_path / "a.npz", np.arange(160) % 2
    np.savez(file, x=np.concatenate([x, x]), y=y)
    outcome = call("data", "check", file)
    assert outcome.code == 2
    assert "No split" not in outcome.out
    assert "items of different parts have the same content" in outcome.err
    found = call("data", "check", file, "--json").value
    assert (found["split"], found["split_fault"]) == ("hash", "")
    assert all(set(parts) >= {"train", "test"} for parts in found["counts"].values())
    # two speakers, both of whom a hash puts into one part: one of them is left out
    np.savez(file, x=x, y=y[:80], groups=np.array(["g1", "g2"])[np.arange(80) // 40])
    found = done("data", "check", file, "--json").value
    assert (found["split"], found["shared_groups"]) == ("speaker", [])
    assert found["groups"]["test"] == 1


def test_addresses_are_shown_whole_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = done("data", "list").out
    assert all(found.where in table for found in KINDS.values())
