"""Shipped recipes on small files of their formats: features of the shape that the recipe means."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imssa.data import DataConfig
from imssa.data.cache import cache_key
from imssa.ear import EarConfig, EncodingConfig, encode_folder
from imssa.experiment.design import require_data
from imssa.experiment.float_training import train
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import load_recipe
from imssa.experiment.stages import float_answers, load_features, prepared_features
from tests.data import files
from tests.data.samples import write_digits

SMALL = (
    "float_training.epochs=1",
    "quantized_training.epochs=1",
    "model.d_model=3",
    "model.d_state=4",
)


def spikes(name: str, classes: int) -> Callable[[Path], object]:
    """Files of the published names with the published number of classes."""

    def write(folder: Path) -> None:
        keys = tuple(f"word{number}" for number in range(classes))
        for seed, part in enumerate(("train", "valid", "test")):
            made = files.spike_arrays(seed, 2 * classes)
            made["labels"] = np.arange(2 * classes) % classes
            if part != "valid" or name == "ssc":
                files.write_spikes(folder / f"{name}_{part}.h5", made, keys)

    return write


def heard_digits(folder: Path) -> None:
    """Three spoken digits, as the inner ear hears them."""
    write_digits(folder / "sound", "012")
    config = EncodingConfig(EarConfig(highest_hertz=3500.0))
    encode_folder(folder / "sound", folder / "digits.h5", config, lambda *_: None)


def words(folder: Path) -> None:
    """Ten words of Speech Commands: the two that are made, under ten names, each with a last byte of its own."""
    files.write_words(folder / "made")
    for number, word in enumerate(load_recipe("ten-words", ROOT).data.words or ()):
        (folder / word).mkdir()
        for file in (folder / "made" / ("no", "yes")[number % 2]).iterdir():
            sound = file.read_bytes()
            (folder / word / file.name).write_bytes(sound[:-2] + bytes([number]) + sound[-1:])
    for file in (folder / "made").glob("*/*"):
        file.unlink()


def digits_and_words(folder: Path) -> None:
    """Ten digits, and ten words in a folder below."""
    write_digits(folder, "0123456789")
    words(folder / "words")


ROOT = ("data.root=/nowhere",)
MADE: dict[str, tuple[Callable[[Path], object], tuple[int, int]]] = {
    "japanese-vowels": (files.write_ts, (4, 2)),
    "smnist": (files.write_mnist_npz, (784, 1)),
    "psmnist": (files.write_mnist_idx, (784, 1)),
    "yes-no": (words, (80, 32)),
    "ten-words": (words, (80, 32)),
    "shd": (spikes("shd", 20), (100, 70)),
    "ssc": (spikes("ssc", 35), (100, 70)),
    "zero-one-spikes": (heard_digits, (64, 35)),
    "spoken-digits": (lambda folder: write_digits(folder, "0123456789"), (64, 32)),
    "spoken-digits-speakers": (digits_and_words, (64, 32)),
}


@pytest.mark.parametrize("name", MADE)
def test_recipe_trains_on_files_of_its_format(name: str, tmp_path: Path) -> None:
    write, shape = MADE[name]
    write(tmp_path)
    more = {
        "yes-no": ["data.test_share=0.5"],
        "ten-words": ["data.test_share=0.5"],
        "spoken-digits-speakers": [f"auxiliary.root={tmp_path / 'words'}"],
    }
    recipe = load_recipe(name, [f"data.root={tmp_path}", *SMALL, *more.get(name, [])])
    require_data(recipe)
    features = load_features(recipe)
    part = features.split.train
    assert part.features.shape[1:] == shape
    model = train(recipe, features)
    assert float_answers(model, part).shape == (len(part),)


def test_permutation_is_kept_with_the_network(tmp_path: Path) -> None:
    files.write_mnist_npz(tmp_path)
    recipe = load_recipe("psmnist", [f"data.root={tmp_path}", *SMALL])
    features = load_features(recipe)
    kept = features.preparation
    assert sorted(kept["front_end"]["permutation"]) == list(range(784))
    plain = DataConfig.model_validate({"kind": "mnist", "root": tmp_path})
    test = prepared_features(plain, kept, "test")
    assert np.array_equal(test.features, features.split.test.features)
    model = train(recipe, features)
    prepared = quantize(recipe, model, features)
    assert prepared.preparation["front_end"] == kept["front_end"]


def test_preparation_without_a_kind_is_log_mel() -> None:
    config = DataConfig()
    plain = config.front_end.model_dump(mode="json")
    del plain["kind"]
    kept = {"front_end": plain, "mean": [0.0] * 16, "std": [1.0] * 16}
    assert prepared_features(config, kept, "test").n_features == 16
    assert len(cache_key("a", config.front_end)) == 64
