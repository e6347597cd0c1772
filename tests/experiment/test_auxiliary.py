"""A network that learns other recordings beside its own."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from imssa.errors import DataError, RecipeError
from imssa.experiment.costs import untrained_program
from imssa.experiment.design import require_data
from imssa.experiment.evaluate import Asked, evaluate_file
from imssa.experiment.float_training import train
from imssa.experiment.folder import open_folder
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.run import Runner
from imssa.experiment.stages import float_answers, load_features
from imssa.kernels.random import Key
from imssa.quantization.convert import convert
from imssa.training import read_log, taught_loss
from tests.data.files import write_words
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
    assert features.learned is features.split.train


def test_other_words_of_the_same_data_are_learned_as_the_own_ones_are(digits: Path) -> None:
    recipe = recipe_on(digits, MORE)
    features = load_features(recipe)
    own, both = features.split.train, features.learned
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
    both, own = features.learned, features.split.train
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
    names = load_features(recipe).learned.names
    assert not {*names} & {f"auxiliary 2_theo_{10 + number}" for number in range(3)}
    assert "auxiliary 2_theo_13" in names


def test_networks_have_their_own_classes_only(digits: Path, tmp_path: Path) -> None:
    recipe = recipe_on(digits, MORE)
    features = load_features(recipe)
    log = tmp_path / "training.jsonl"
    model = train(recipe, features, log=log)
    assert model.decoder.weight.shape == (2, 3)
    # what the log tells of validation is of the network that is kept
    told = read_log(log)[-1]["validation_accuracy"]
    validation = features.split.validation
    assert told == (float_answers(model, validation) == validation.labels).mean()
    network = convert(quantize(recipe, model, features))
    assert network.class_names == ("zero", "one")


def test_both_trainings_hear_auxiliary_recordings(digits: Path) -> None:
    recipe = recipe_on(digits, MORE)
    features = load_features(recipe)
    own = replace(features, learned=features.split.train)
    model = train(recipe, features)
    assert not torch.equal(train(recipe, own).encoder.weight, model.encoder.weight)
    first, other = (quantize(recipe, model, heard).state_dict() for heard in (features, own))
    assert any(not torch.equal(first[name], other[name]) for name in first)


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (['auxiliary.words=["blue"]'], r"auxiliary\.words = \['zero', 'one', 'blue'\]"),
        (
            ['auxiliary.words=["zero"]'],
            r"auxiliary\.words = \['zero'\]: all are learned as its own",
        ),
        (["auxiliary.kind=nothing"], r"auxiliary\.kind = 'nothing': choose from"),
        (["auxiliary.kind=mnist"], r"auxiliary\.kind = 'mnist' does not go with .* 'log-mel'"),
        (["auxiliary.root=there"], r"root = 'there' without kind"),
        (
            ["auxiliary.kind=folder", "auxiliary.root=DIGITS"],
            r"auxiliary\.root = .* the recipe's own data",
        ),
        (["auxiliary.items=0"], r"auxiliary\.items"),
    ],
)
def test_faults_name_the_key(digits: Path, changes: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_on(digits, *(change.replace("DIGITS", str(digits)) for change in changes))


def test_one_word_more_is_enough_and_no_more_than_asked_are_learned(digits: Path) -> None:
    features = load_features(recipe_on(digits, 'auxiliary.words=["two"]', "auxiliary.items=7"))
    assert len(features.learned) == len(features.split.train) + 7


def test_whom_the_split_leaves_out_is_not_learned(digits: Path) -> None:
    left_out = ("data.split=speaker", 'data.test_speakers=["theo"]')
    features = load_features(recipe_on(digits, MORE, *left_out))
    assert len(features.learned) > len(features.split.train)
    assert "theo" not in features.learned.groups


@pytest.mark.parametrize("root", [None, "away"])
def test_missing_recordings_are_told_before_training_and_the_remedy_works(
    digits: Path, tmp_path: Path, root: str | None
) -> None:
    more = [] if root is None else [f"auxiliary.root={tmp_path / root}"]
    recipe = recipe_on(digits, "auxiliary.kind=fsdd", *more)
    with pytest.raises(DataError, match=r"auxiliary.*--set 'auxiliary=\{\}'"):
        require_data(recipe)
    require_data(recipe_on(digits, "auxiliary.kind=fsdd", *more, "auxiliary={}"))


def test_what_trains_nothing_needs_no_auxiliary_recordings(digits: Path) -> None:
    recipe = recipe_on(digits, "auxiliary.kind=speech-commands")
    assert untrained_program(recipe).class_names == ("zero", "one")


def test_a_network_is_not_judged_on_what_it_learned(digits: Path, tmp_path: Path) -> None:
    write_words(tmp_path / "more")
    more = (
        "auxiliary.kind=speech-commands",
        "data.front_end.rate_hertz=8000",
        f"auxiliary.root={tmp_path / 'more'}",
    )
    folder = open_folder(tmp_path / "run", recipe_on(digits, *more))
    Runner(folder).stage("train")
    asked = Asked(kind="speech-commands", root=tmp_path / "more", part="all")
    with pytest.raises(RecipeError, match="learned recordings of these data beside its own"):
        evaluate_file(folder.model, asked)


def test_nothing_left_to_learn_is_refused(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "zero").mkdir()
    (tmp_path / "one").mkdir()
    for number, word in enumerate(("zero", "one")):
        shutil.copy(digits / f"{number}_theo_12.wav", tmp_path / word)
    recipe = recipe_on(digits, "auxiliary.kind=folder", f"auxiliary.root={tmp_path}")
    with pytest.raises(DataError, match="all of them are learned or judged anyway"):
        load_features(recipe)
