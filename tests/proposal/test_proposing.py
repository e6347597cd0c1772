"""What is proposed for data of each format, and that it is what the data ask for."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from imssa.data import PlainFrontEnd, SpikeFrontEnd, load
from imssa.data.loading import open_source
from imssa.data.speaker_names import speaker_pattern
from imssa.errors import DataError, DesignRuleError
from imssa.experiment.design import require_chip
from imssa.experiment.recipe import data_section
from imssa.experiment.stages import split_key
from imssa.hardware import load_chip
from imssa.mapping.rules import too_small
from imssa.proposal import Proposal, Wish, look_at, propose
from imssa.proposal.feeding import Feed
from imssa.proposal.schedule import choose_schedule
from imssa.proposal.sizing import choose_size
from imssa.proposal.splitting import Parts, choose_split
from tests.data import files
from tests.data.samples import audio_bytes, tone, write_digits


def loads(proposal: Proposal) -> Proposal:
    """Its data can be split, features made, and the network finds room."""
    recipe = proposal.recipe
    split = load(recipe.data, split_key(recipe.seed).numpy())
    assert all(len(set(part.labels)) == proposal.facts.n_classes for part in split.parts)
    require_chip(recipe)
    return proposal


def write_arrays(file: Path, items: int = 60, frames: int = 50, features: int = 6) -> Path:
    drawn = np.random.default_rng(0)
    x = drawn.standard_normal((items, frames, features)).astype(np.float32)
    np.savez(file, x=x, y=np.arange(items) % 3)
    return file


def write_spikes(folder: Path, channels: int = 140) -> Path:
    drawn = np.random.default_rng(1)
    folder.mkdir()
    for part, items in (("train", 40), ("test", 12)):
        with h5py.File(folder / f"made_{part}.h5", "w") as held:
            times, units = (
                held.create_dataset(f"spikes/{n}", (items,), h5py.vlen_dtype(kind))
                for n, kind in (("times", np.float32), ("units", np.int64))
            )
            for item in range(items):
                times[item] = np.sort(drawn.uniform(0, 0.8, 30)).astype(np.float32)
                units[item] = drawn.integers(0, channels, 30)
            times[0], units[0] = [0.5], [channels - 1]
            held["labels"] = np.arange(items) % 2
            held["extra/keys"] = np.array(["no", "yes"], "S3")
    return folder


def test_words_of_many_speakers(tmp_path: Path) -> None:
    for word in ("no", "yes"):
        (tmp_path / word).mkdir()
        for speaker in range(12):
            content = audio_bytes(tone(300 + 20 * speaker, 1.0, 16000), 16000)
            name = f"{0xABCD0000 + speaker:08x}_nohash_0.wav"
            (tmp_path / word / name).write_bytes(content)
    found = loads(propose(Wish(tmp_path)))
    data = found.recipe.data
    assert (data.kind, data.front_end.kind) == ("speech-commands", "log-mel")
    assert found.facts.speakers == 12
    assert data.front_end.padded_length == 79  # four fifths of 99 frames
    assert data.augmentation.time_shift_frames == 7


TONES = itertools.count()


def write_takes(root: Path, takes: dict[str, int], words: tuple[str, ...] = ("ja", "nein")) -> None:
    """So many takes of each word by each speaker, no two alike."""
    for word, (name, count) in itertools.product(words, takes.items()):
        for take in range(count):
            file = root / word / f"{name}_{take}.wav"
            file.parent.mkdir(exist_ok=True)
            sound = tone(300 + 7 * next(TONES), 0.2, 16000)
            file.write_bytes(audio_bytes(sound, 16000))


@pytest.mark.parametrize(
    ("takes", "left_out"),
    [
        ({"ida": 3, "max": 4, "pia": 4, "sam": 4}, ("ida",)),  # no name hashes low: none tested
        (
            dict.fromkeys(("ida", "lea", "max", "pia", "sam"), 4),
            ("ida",),
        ),  # lea tested, none validated
        (
            {"bob": 15, "ida": 3, "lea": 4, "pia": 4, "sam": 4},
            ("ida", "lea"),
        ),  # most of it validated
    ],
)
def test_few_speakers_are_left_out_whole_where_their_hash_is_lopsided(
    takes: dict[str, int], left_out: tuple[str, ...], tmp_path: Path
) -> None:
    write_takes(tmp_path, takes)
    (tmp_path / "ja" / "max_9.mp3").write_bytes(b"")
    found = loads(propose(Wish(tmp_path)))
    assert found.recipe.data.split == "speaker"
    assert found.recipe.data.test_speakers == left_out
    reasons = {choice.key: choice.reason for choice in found.choices}
    assert reasons["data.validation_share"].endswith("to select the model on, of the same speakers")
    told, tested = " ".join(found.warnings), 2 * sum(takes[name] for name in left_out)
    assert "Not read: ja/max_9.mp3. " in told
    assert f"Only {tested} items are tested, each of them {100 / tested:.1f} points" in told


def test_a_lopsided_hash_of_speakers_is_better_than_none(tmp_path: Path) -> None:
    """Who has the fewest items lacks a class, so that leaving out no speaker is whole."""
    write_takes(tmp_path, {"guy": 4, "ida": 4, "pia": 4, "max": 5})
    write_takes(tmp_path, {"guy": 4, "ida": 4, "pia": 4}, ("oh",))
    found = loads(propose(Wish(tmp_path)))
    split = load(found.recipe.data, split_key(0).numpy())
    assert found.recipe.data.split == "hash"
    assert set(split.test.groups) == {"guy"}
    assert "guy" not in split.train.groups


def test_speakers_who_cannot_be_kept_apart_are_told(tmp_path: Path) -> None:
    """Each says one word only: whoever is tested, a class is missing."""
    for word, names in (("ja", ("ida", "max")), ("nein", ("pia", "sam"))):
        write_takes(tmp_path, dict.fromkeys(names, 8), (word,))
    pattern = 'data.speaker_pattern="^([a-z]+)_"'
    config = data_section("folder", tmp_path, [pattern])
    found = choose_split(
        replace(look_at(tmp_path), config=config, source=open_source(config), speakers=4)
    )
    assert found.keys["split"] == "hash"
    assert found.facts.config.speaker_pattern is None
    assert "4 speakers are known, but no split keeps them apart" in " ".join(found.warnings)


@pytest.mark.parametrize("groups", [np.arange(60) // 30, np.where(np.arange(60) < 40, "a", "")])
def test_two_groups_or_some_without_are_split_all_the_same(
    groups: np.ndarray, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).standard_normal((60, 20, 3)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(60) % 2, groups=groups)
    loads(propose(Wish(tmp_path / "x.npz")))


def test_one_name_without_a_speaker_is_told(tmp_path: Path) -> None:
    for label, hertz in (("ja", 300), ("nein", 500)):
        (tmp_path / label).mkdir()
        for number, who in enumerate("abcdef"):
            for take in range(3):
                sound = audio_bytes(tone(hertz + 20 * number + take, 0.5, 8000), 8000)
                (tmp_path / label / f"{who}_{take}.wav").write_bytes(sound)
    assert propose(Wish(tmp_path)).facts.speakers == 6
    (tmp_path / "ja" / "17.wav").write_bytes(audio_bytes(tone(800, 0.5, 8000), 8000))
    found = propose(Wish(tmp_path))
    assert found.facts.speakers == 0
    told = "1 of 37 files name no speaker, for instance 'ja/17.wav'"
    assert any(told in warning for warning in found.warnings)
    assert not any("Nothing tells" in warning for warning in found.warnings)


def test_what_comes_before_the_session_is_the_speaker() -> None:
    """Not the session, though it stands where other collections have the speaker."""
    names = [
        (w, f"{who}_s{session}_0.wav")
        for w in ("ja", "nein")
        for who in ("anna", "bert", "carl", "dora")
        for session in range(5)
    ]
    pattern = speaker_pattern(names)
    assert pattern is not None
    assert {re.findall(pattern, name)[0] for _, name in names} == {"anna", "bert", "carl", "dora"}
    assert speaker_pattern(
        (w, f"J\N{LATIN SMALL LETTER U WITH DIAERESIS}r{n}_0.wav") for w in "ab" for n in "klmn"
    )


def test_published_digits_are_split_as_published(tmp_path: Path) -> None:
    write_digits(tmp_path / "recordings", "0123456789")
    found = loads(propose(Wish(tmp_path)))
    assert found.recipe.data.kind == "fsdd"
    assert found.recipe.data.split == "official"


def test_arrays_pass_as_they_are_and_long_ones_get_fine_poles(tmp_path: Path) -> None:
    short = loads(propose(Wish(write_arrays(tmp_path / "a.npz"))))
    assert isinstance(short.recipe.data.front_end, PlainFrontEnd)
    assert short.recipe.quantization.bits.A == 2
    assert short.recipe.model.dt_min == 0.02
    long = propose(Wish(write_arrays(tmp_path / "b.npz", frames=800)))
    assert long.recipe.quantization.bits.A == 6
    assert long.recipe.model.n_layers == 2
    assert long.recipe.model.dt_min == pytest.approx(1 / 800, rel=0.1)


def test_spikes_are_binned_by_their_channels_and_times(tmp_path: Path) -> None:
    found = loads(propose(Wish(write_spikes(tmp_path / "s"))))
    front_end = found.recipe.data.front_end
    assert isinstance(front_end, SpikeFrontEnd)
    assert (front_end.n_channels, front_end.channels_summed) == (140, 2)
    assert front_end.bin_seconds * front_end.max_frames >= 0.75


def test_images_are_thinned_out_to_keep_the_time(tmp_path: Path) -> None:
    proposal = propose(Wish(files.write_mnist_npz(tmp_path), minutes=1.0))
    assert proposal.recipe.data.kind == "mnist"
    assert proposal.recipe.data.augmentation.noise_std is None


def test_speakers_are_found_in_names() -> None:
    words = ("up", "down")
    assert speaker_pattern((w, f"{w}_{s}_{t}.wav") for w in words for s in "abcde" for t in (1, 2))
    digits = [(w, f"speaker{s}-{t}.wav") for w in words for s in range(5) for t in (1, 2)]
    assert speaker_pattern(digits) is not None
    assert speaker_pattern((w, f"{n}.wav") for w in words for n in range(20)) is None
    assert speaker_pattern((w, f"{w}_{n}.wav") for w in words for n in range(20)) is None


def test_the_network_fits_and_is_as_large_as_the_chip_allows(tmp_path: Path) -> None:
    facts = look_at(write_arrays(tmp_path / "a.npz"))
    feed, chip = Feed([], 50, 50, 6), load_chip("taox-64")
    sizes = []
    for count in (1, 2, 3, 14, 60):
        arrays = chip.arrays.model_copy(update={"count": count})
        size = choose_size(facts, feed, chip.model_copy(update={"arrays": arrays}))
        layers = [(size.d_model, size.d_state + 1)] * size.n_layers
        assert too_small(layers, size.chip, size.layout) is None
        sizes.append(size.d_model * size.d_state)
    assert sizes == sorted(sizes)


def test_a_chip_of_small_arrays_gets_fewer_states_or_nothing(tmp_path: Path) -> None:
    facts = look_at(write_arrays(tmp_path / "a.npz"))
    feed, chip = Feed([], 50, 50, 6), load_chip("taox-64")
    small = chip.arrays.model_copy(update={"word_lines": 8, "bit_lines": 16, "count": 1})
    size = choose_size(facts, feed, chip.model_copy(update={"arrays": small}))
    assert size.d_state < 8
    assert size.reduced
    nothing = small.model_copy(update={"word_lines": 2})
    with pytest.raises(DesignRuleError, match="nothing fits"):
        choose_size(facts, feed, chip.model_copy(update={"arrays": nothing}))


def test_more_minutes_give_more_epochs_and_less_give_fewer_items(tmp_path: Path) -> None:
    facts = look_at(write_arrays(tmp_path / "a.npz"))
    feed = Feed([], 784, 784, 1)
    size = choose_size(facts, feed, load_chip("neurram"))
    parts = Parts(facts, {}, {"train": 54000, "validation": 6000, "test": 10000})
    plans = [
        choose_schedule(facts, feed, size, parts, minutes) for minutes in (5.0, 30.0, 600.0, 9000.0)
    ]
    assert plans[0].train_items is not None
    assert plans[0].train_items < (plans[1].train_items or 54000)
    assert plans[-1].train_items is None
    assert plans[-1].code_epochs > plans[0].code_epochs
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(plans))


def test_too_few_for_three_parts(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, x=np.zeros((6, 5, 2), np.float32) + np.arange(5)[:, None], y=[0, 0, 0, 1, 1, 1])
    with pytest.raises(
        DataError, match="no split leaves items of every class for training, validation"
    ):
        propose(Wish(file))


def test_copies_that_a_split_would_test_and_train_on_are_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((60, 20, 3)).astype(np.float32)
    file, y = tmp_path / "a.npz", np.arange(60) % 3
    np.savez(file, x=np.concatenate([x, x]), y=np.concatenate([y, y]))
    with pytest.raises(DataError, match=r"identical to items of the .* item-\d+ = item-\d+ and"):
        propose(Wish(file))
    test = {"x_test": np.concatenate([x[:2], -x[:10]]), "y_test": np.concatenate([y[:2], y[:10]])}
    np.savez(file, x_train=x, y_train=y, x_test=test["x_test"], y_test=test["y_test"])
    assert "2 of 12 test items" in loads(propose(Wish(file))).warnings[0]


def test_the_time_counts_compiling_for_each_chip(tmp_path: Path) -> None:
    facts = look_at(write_arrays(tmp_path / "a.npz"))
    feed, faulty = Feed([], 50, 50, 6), load_chip("taox-64")
    assert faulty.stuck is not None
    sound = faulty.model_copy(update={"stuck": None})
    parts = Parts(facts, {}, {"train": 40, "validation": 5, "test": 15})
    sizes = [choose_size(facts, feed, chip) for chip in (sound, faulty)]
    sound_plan, plan = (choose_schedule(facts, feed, size, parts, 30.0) for size in sizes)
    assert plan.chips == sound_plan.chips == 50
    # measured on the chips of the recipe yes-no: two arrays of 64x64, 0.083 s a chip
    more = (plan.seconds - sound_plan.seconds) / plan.chips
    assert sizes[1].arrays == 2
    assert more == pytest.approx(0.083, rel=0.3)


def test_the_refusal_names_the_smallest_network_that_is_tried(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    x = np.random.default_rng(0).standard_normal((120, 20, 3)).astype(np.float32)
    np.savez(file, x=x, y=np.arange(120) % 30)
    chip = load_chip("taox-64")
    small = chip.arrays.model_copy(update={"word_lines": 2, "bit_lines": 4, "count": 1})
    with pytest.raises(DesignRuleError, match="the smallest network that is tried has 2 kernels"):
        choose_size(look_at(file), Feed([], 20, 20, 3), chip.model_copy(update={"arrays": small}))
