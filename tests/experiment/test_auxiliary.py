"""A network that learns other recordings beside its own."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from imssa.errors import DataError, RecipeError
from imssa.experiment.auxiliary import learned
from imssa.experiment.design import require_data
from imssa.experiment.float_training import train
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.stages import load_features
from imssa.kernels.random import Key
from imssa.quantization.convert import convert
from imssa.training.objectives import taught_loss
from tests.data.samples import write_digits

MORE = 'auxiliary.words=["one", "two"]'
SMALL = (
    'data.words=["zero", "one"]',
    "model.d_model=3",
    "model.d_state=4",
    "float_training.epochs=1",
    "quantized_training.epochs=1",
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, "012")
    return folder


def recipe_on(folder: Path, *more: str) -> Recipe:
    return load_recipe("spoken-digits", [f"data.root={folder}", *SMALL, *more])


def test_without_auxiliary_words_the_training_part_is_learned(digits: Path) -> None:
    recipe = recipe_on(digits)
    features = load_features(recipe)
    assert learned(recipe, features) is features.split.train


def test_other_words_of_the_same_data_are_learned_as_the_own_ones_are(digits: Path) -> None:
    recipe = recipe_on(digits, MORE)
    features = load_features(recipe)
    own, both = features.split.train, learned(recipe, features)
    assert both.class_names == ("zero", "one", "two")
    assert both.names[: len(own)] == own.names
    assert (both.features[: len(own), : own.features.shape[1]] == own.features).all()
    more = both.names[len(own) :]
    assert more
    assert {name.removeprefix("auxiliary ")[0] for name in more} == {"2"}
    assert (both.labels[len(own) :] == 2).all()
    whole = load_features(recipe_on(digits, 'data.words=["zero", "one", "two"]'))
    judged = {*whole.split.test.names}
    assert not {name.removeprefix("auxiliary ") for name in more} & judged
    theirs = whole.split.train
    at = next(n for n, name in enumerate(theirs.names) if f"auxiliary {name}" in more)
    length, mine = theirs.lengths[at], both.names.index(f"auxiliary {theirs.names[at]}")
    found, wanted = (
        one.features[n, :length] * np.array(made.preparation["std"]) + made.preparation["mean"]
        for one, n, made in ((both, mine, features), (theirs, at, whole))
    )
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_all_of_another_data_set_is_learned_and_a_common_class_is_one(
    digits: Path, tmp_path: Path
) -> None:
    for word, number in (("zero", 0), ("blue", 2)):
        (tmp_path / word).mkdir()
        for take in range(3):
            shutil.copy(digits / f"{number}_theo_{take + 10}.wav", tmp_path / word / f"{take}.wav")
    more = ("auxiliary.kind=folder", f"auxiliary.root={tmp_path}")
    recipe = recipe_on(digits, *more)
    features = load_features(recipe)
    both, own = learned(recipe, features), features.split.train
    assert both.class_names == ("zero", "one", "blue")
    added = [both.class_names[label] for label in both.labels[len(own) :]]
    # copies of "zero" are in the recipe's own data already; those of "two" are not
    assert added == ["blue"] * 3


def test_a_copy_of_what_is_judged_is_not_learned(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(digits, folder)
    judged = load_features(recipe_on(folder)).split.test.names
    for number, name in enumerate(judged[:3]):
        (folder / f"2_theo_{10 + number}.wav").write_bytes((folder / f"{name}.wav").read_bytes())
    recipe = recipe_on(folder, MORE)
    names = learned(recipe, load_features(recipe)).names
    assert not {*names} & {f"auxiliary 2_theo_{10 + number}" for number in range(3)}
    assert "auxiliary 2_theo_13" in names


def test_networks_have_their_own_classes_only(digits: Path) -> None:
    recipe = recipe_on(digits, MORE)
    features = load_features(recipe)
    model = train(recipe, features)
    assert model.decoder.weight.shape == (2, 3)
    plain = train(recipe_on(digits), features)
    assert not torch.equal(plain.encoder.weight, model.encoder.weight)
    network = convert(quantize(recipe, model, features))
    assert network.class_names == ("zero", "one")
    without = convert(quantize(recipe_on(digits), model, features))
    assert not np.array_equal(network.decoder.weights, without.decoder.weights) or not (
        np.array_equal(network.encoder.weights, without.encoder.weights)
    )


def test_the_teacher_alone_counts_where_a_class_is_not_the_networks(digits: Path) -> None:
    recipe = recipe_on(digits)
    features = load_features(recipe)
    part = features.split.train.subset(range(4))
    model = train(recipe, features)
    inputs = torch.tensor(part.features), torch.tensor(part.lengths)
    student = quantize(recipe_on(digits, "quantized_training.epochs=0"), model, features)

    def losses(weight: float, labels: list[int]) -> float:
        settings = recipe.quantized_training.model_copy(update={"teacher_weight": weight})
        loss = taught_loss(student, model, settings)
        return float(loss(*inputs, torch.tensor(labels), Key.root(0))[0].detach())

    assert losses(0.0, [2, 2, 5, 3]) == 0
    assert losses(1.0, [2, 2, 5, 3]) == losses(1.0, [0, 1, 0, 1]) > 0
    assert losses(0.0, [0, 2, 2, 2]) != losses(0.0, [1, 2, 2, 2])


def test_faults_name_the_key(digits: Path) -> None:
    with pytest.raises(RecipeError, match=r"auxiliary\.words = \['zero', 'blue'\]"):
        load_recipe("zero-one", ['auxiliary.words=["zero", "blue"]'])
    with pytest.raises(RecipeError, match=r"auxiliary.kind = 'nothing'"):
        recipe_on(digits, "auxiliary.kind=nothing")
    with pytest.raises(RecipeError, match=f"root = '{digits}' without kind"):
        recipe_on(digits, f"auxiliary.root={digits}")
    with pytest.raises(RecipeError, match=r"auxiliary.kind = 'fsdd' without root"):
        recipe_on(digits, "auxiliary.kind=fsdd")


def test_missing_recordings_are_told_before_training(digits: Path, tmp_path: Path) -> None:
    away = ("auxiliary.kind=fsdd", f"auxiliary.root={tmp_path / 'away'}")
    with pytest.raises(DataError, match=r"auxiliary recordings: .*--set auxiliary.kind=off"):
        require_data(recipe_on(digits, *away))


def test_nothing_left_to_learn_is_refused(digits: Path) -> None:
    recipe = recipe_on(digits, 'auxiliary.words=["zero", "one"]')
    with pytest.raises(DataError, match="all of them are learned or judged anyway"):
        learned(recipe, load_features(recipe))
