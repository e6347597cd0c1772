"""Spikes in the Heidelberg layout, on files of that layout made here."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.data import DataConfig, SpikeFrontEnd, load, load_dataset, open_source
from imssa.data.front_ends import binned
from imssa.errors import DataError, RecipeError
from tests.data.files import KEYS, spike_arrays, write_spike_parts, write_spikes


def config(root: Path, kind: str = "spikes", **fields: Any) -> DataConfig:
    return DataConfig.model_validate({"kind": kind, "root": root, **fields})


def slow_counts(times: np.ndarray, channels: np.ndarray, config: SpikeFrontEnd) -> np.ndarray:
    """Spike by spike."""
    last = max((int(float(t) / config.bin_seconds) for t in times), default=0)
    counts = np.zeros((min(last + 1, config.max_frames), config.n_features))
    for time, channel in zip(times, channels, strict=True):
        frame = int(float(time) / config.bin_seconds)
        if frame < config.max_frames:
            counts[frame, channel // config.channels_summed] += 1
    return counts


@given(
    seed=st.integers(0, 999),
    summed=st.integers(1, 33),
    bin_seconds=st.floats(1e-3, 0.5),
    max_frames=st.integers(1, 60),
)
def test_counts_equal_those_made_spike_by_spike(
    seed: int, summed: int, bin_seconds: float, max_frames: int
) -> None:
    front_end = SpikeFrontEnd(
        channels_summed=summed, bin_seconds=bin_seconds, max_frames=max_frames
    )
    made = spike_arrays(seed, 1)
    times, units = made["times"][0], made["units"][0].astype(np.int64)
    ours = binned(times, units, front_end)
    assert np.array_equal(ours, slow_counts(times, units, front_end))


def test_no_spike_is_counted_twice_or_lost(tmp_path: Path) -> None:
    dataset = load_dataset(config(write_spike_parts(tmp_path)))
    made = spike_arrays(0, 12)
    assert dataset.features.shape == (22, 100, 70)
    assert dataset.features[:12].sum(axis=(1, 2)).tolist() == [len(t) for t in made["times"]]


def test_parts_labels_and_speakers_are_those_of_the_files(tmp_path: Path) -> None:
    split = load(config(write_spike_parts(tmp_path)), np.random.default_rng(0))
    assert [len(part) for part in split.parts] == [12, 4, 6]
    assert split.train.class_names == KEYS
    assert split.train.labels.tolist() == [0, 1] * 6
    assert split.train.groups[:7] == ("0", "0", "1", "1", "2", "2", "0")
    assert split.test.names[0] == "test-0"


def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_spike_parts(tmp_path)
    whole = load_dataset(config(root, words=("one", "zero")))
    monkeypatch.setattr("imssa.data.spikes.BLOCK", 3)
    assert np.array_equal(whole.features, load_dataset(config(root)).features)


def test_single_file_has_no_official_split(tmp_path: Path) -> None:
    file = write_spikes(tmp_path / "all.h5", spike_arrays(0, 40))
    split = load(config(file, split="hash", test_share=0.4), np.random.default_rng(0))
    assert not {*split.test.groups} & {*split.train.groups}
    with pytest.raises(DataError, match="no split was published with these data"):
        load(config(file), np.random.default_rng(0))


def test_one_speaker_for_all_tells_nobody_apart(tmp_path: Path) -> None:
    """Else all items would be on one side of a split by speakers."""
    made = spike_arrays(0, 40)
    write_spikes(tmp_path / "a.h5", made | {"speaker": np.zeros(40, int)})
    split = load(config(tmp_path / "a.h5", split="hash"), np.random.default_rng(0))
    assert {*split.train.groups, *split.test.groups} == {""}
    assert len(split.train) > len(split.test) > 0


def test_a_speaker_alone_in_a_file_is_known(tmp_path: Path) -> None:
    train, test = spike_arrays(0, 20), spike_arrays(1, 6)
    write_spikes(tmp_path / "x_train.h5", train)
    write_spikes(tmp_path / "x_test.h5", test | {"speaker": np.full(6, 7)})
    split = load(config(tmp_path), np.random.default_rng(0))
    assert {*split.test.groups} == {"7"}
    assert "" not in split.train.groups


def test_speakers_have_their_names_where_the_file_tells_them(tmp_path: Path) -> None:
    """Numbers are given anew in each file that is encoded."""
    file = write_spikes(tmp_path / "a.h5", spike_arrays(0, 20))
    with h5py.File(file, "a") as held:
        held["extra/meta_info/speaker"] = np.array(["anna", "bert", "carl"], "S4")
    groups = {item.group for item in open_source(config(file)).items}
    assert groups == {"anna", "bert", "carl"}
    with h5py.File(file, "a") as held:
        del held["extra/meta_info/speaker"]
        held["extra/meta_info/speaker"] = np.array(["anna"], "S4")
    with pytest.raises(DataError, match="it names 1 speakers"):
        open_source(config(file))


def changed(made: dict[str, Any], name: str, values: list[float], kind: type) -> dict[str, Any]:
    """The same with another third item."""
    return {**made, name: [*made[name][:2], np.array(values, kind), *made[name][3:]]}


GOOD = changed(
    changed(spike_arrays(0, 12), "times", [0.1, 0.2, 0.3], np.float16),
    "units",
    [1, 2, 3],
    np.uint16,
)
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "unsorted": (changed(GOOD, "times", [0.1, 0.3, 0.2], np.float16), "not in order, from spike 2"),
    "negative": (changed(GOOD, "times", [-0.1, 0.2, 0.3], np.float16), "a time is negative"),
    "nan": (changed(GOOD, "times", [0.1, np.nan, 0.3], np.float16), "or not a number"),
    "endless": (changed(GOOD, "times", [0.1, 0.2, 5000], np.float16), "above 3600 s"),
    "fewer": (changed(GOOD, "times", [0.1, 0.2], np.float16), "2 times and 3 channels"),
}


@pytest.mark.parametrize(("made", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_bad_spikes_are_named(made: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_spikes(write_spike_parts(tmp_path) / "made_train.h5", made)
    with pytest.raises(DataError, match=rf"made_train\.h5, item 2: .*{message}"):
        load_dataset(config(tmp_path))


def test_channel_out_of_range_is_named(tmp_path: Path) -> None:
    made = changed(GOOD, "units", [1, 700, 3], np.uint16)
    write_spikes(write_spike_parts(tmp_path) / "made_train.h5", made)
    with pytest.raises(DataError, match=r"item train-2 with channel 700: .* channels 0 to 699"):
        load_dataset(config(tmp_path))
    assert len(load_dataset(config(tmp_path, front_end={"n_channels": 701}))) == 22


def test_label_without_a_name_is_refused(tmp_path: Path) -> None:
    made = {**GOOD, "labels": np.arange(12)}
    write_spikes(write_spike_parts(tmp_path) / "made_train.h5", made)
    with pytest.raises(DataError, match="labels are 0 to 11, extra/keys names 2"):
        open_source(config(tmp_path))


def test_files_of_different_classes_are_refused(tmp_path: Path) -> None:
    write_spikes(write_spike_parts(tmp_path) / "made_test.h5", GOOD, ("one", "zero"))
    with pytest.raises(DataError, match="name the same classes"):
        open_source(config(tmp_path))


def test_other_files_are_not_taken_for_the_published_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 train, 0 validation, 0 test files"):
        open_source(config(write_spike_parts(tmp_path), "shd"))
    write_spike_parts(tmp_path, "shd")
    with pytest.raises(DataError, match="name the same classes, 20 of them"):
        open_source(config(tmp_path, "shd"))


@pytest.mark.parametrize("name", ["spikes/times", "spikes/units", "labels", "extra/keys"])
def test_missing_array_is_named(name: str, tmp_path: Path) -> None:
    with h5py.File(write_spike_parts(tmp_path) / "made_test.h5", "r+") as held:
        del held[name]
    with pytest.raises(DataError, match=rf"made_test\.h5, {name}: it is not in the file"):
        open_source(config(tmp_path))


def test_array_of_exabytes_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    with h5py.File(write_spike_parts(tmp_path) / "made_test.h5", "r+") as held:
        del held["labels"]
        held.create_dataset("labels", (2**60,), "u1", chunks=(1024,))
    with pytest.raises(DataError, match=f"labels: it promises {2**60} bytes, and 0 are stored"):
        open_source(config(tmp_path))


def test_links_to_other_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(write_spike_parts(tmp_path) / "made_test.h5", "r+") as held:
        del held["labels"]
        held["labels"] = h5py.ExternalLink("made_train.h5", "labels")
    with pytest.raises(DataError, match="labels: it points at another place or file"):
        open_source(config(tmp_path))


def test_values_in_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(100))
    with h5py.File(write_spike_parts(tmp_path) / "made_test.h5", "r+") as held:
        del held["labels"]
        secret = [(str(tmp_path / "secret"), 0, 12)]
        held.create_dataset("labels", (6,), "u2", external=secret)
    with pytest.raises(DataError, match="labels: its values lie in another file"):
        open_source(config(tmp_path))


@pytest.mark.parametrize("length", [0, 7, 500, 4000])
def test_cut_file_is_refused(length: int, tmp_path: Path) -> None:
    file = write_spike_parts(tmp_path) / "made_test.h5"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(DataError, match=r"made_test\.h5.* missing or damaged"):
        load_dataset(config(tmp_path))


def test_another_front_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'spikes' does not go with it\. Choose from spikes"):
        config(tmp_path, front_end={"kind": "log-mel"})
    source = open_source(config(write_spike_parts(tmp_path)))
    with pytest.raises(RecipeError, match="read by the front end 'spikes'"):
        source.features(DataConfig().front_end)


def test_counts_are_bytes_unless_one_is_too_large(tmp_path: Path) -> None:
    made = spike_arrays(0, 12)
    assert load_dataset(config(write_spike_parts(tmp_path))).features.dtype == np.uint8
    many = changed(made, "times", [0.2] * 300, np.float16)
    many = changed(many, "units", [5] * 300, np.uint16)
    write_spikes(tmp_path / "made_train.h5", many)
    dataset = load_dataset(config(tmp_path))
    assert dataset.features.dtype == np.float32
    assert dataset.features[2, 20 - (float(np.float16(0.2)) < 0.2), 0] == 300
    assert dataset.features[:2].sum() == sum(len(times) for times in made["times"][:2])
