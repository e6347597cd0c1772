"""A float network that learns more classes first."""

import shutil
from pathlib import Path

import pytest
import torch

from imssa.errors import RecipeError
from imssa.experiment.float_training import pretraining_parts, train
from imssa.experiment.folder import open_folder
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.run import Runner
from imssa.experiment.stages import load_features
from imssa.kernels.random import Key
from imssa.models import ModelConfig, S4DClassifier
from tests.data.samples import write_digits

FIRST = 'pretraining.words=["zero", "one", "two"]'
SMALL = (
    'data.words=["zero", "one"]',
    "model.d_model=3",
    "model.d_state=4",
    "float_training.epochs=1",
    "pretraining.epochs=1",
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, "012")
    return folder


def recipe_on(folder: Path, *more: str) -> Recipe:
    return load_recipe("spoken-digits", [f"data.root={folder}", *SMALL, *more])


def test_what_is_judged_is_not_learned_before(digits: Path) -> None:
    recipe = recipe_on(digits, FIRST)
    features = load_features(recipe)
    parts = pretraining_parts(recipe, features)
    heard = {name for part in parts for name in part.names}
    judged = {*features.split.test.names, *features.split.validation.names}
    assert not heard & judged
    assert {name[0] for name in parts[0].names} == {"0", "1", "2"}
    own = features.split.train
    both = [n for n, name in enumerate(parts[0].names) if name in own.names]
    same = [own.names.index(parts[0].names[n]) for n in both]
    length = min(own.features.shape[1], parts[0].features.shape[1])
    assert len(both) > len(own) // 2
    assert (parts[0].features[both][:, :length] == own.features[same][:, :length]).all()


def test_training_starts_from_what_was_learned_first(digits: Path) -> None:
    still = ("float_training.learning_rate=1e-12", "float_training.state_space_learning_rate=1e-12")
    recipe = recipe_on(digits, FIRST, *still)
    features = load_features(recipe)
    plain = train(recipe_on(digits, *still), features).state_dict()
    started = train(recipe, features).state_dict()
    own = {name for name in plain if name.startswith("decoder.")}
    first = Key.root(recipe.seed).child("float").child("pretraining").child("start").torch()
    own_size = recipe.model.model_dump()
    config = ModelConfig(**own_size, n_features=features.split.train.n_features, n_classes=3)
    untrained = S4DClassifier(config, first).state_dict()
    assert all(torch.allclose(started[k], plain[k], atol=1e-6) for k in own)
    assert all(torch.allclose(started[k], untrained[k], atol=1e-6) for k in plain.keys() - own)


def test_a_run_keeps_both_logs_and_no_checkpoint(digits: Path, tmp_path: Path) -> None:
    folder = open_folder(tmp_path, recipe_on(digits, FIRST))
    Runner(folder).stage("train")
    assert list(folder.logs("train")) == ["pretraining", "float"]
    assert all(path.exists() for path in folder.logs("train").values())
    assert not list(folder.work.glob("*.checkpoint"))
    folder.forget(("train",))
    assert not (tmp_path / "pretraining.jsonl").exists()


def test_faults_name_the_key(digits: Path) -> None:
    with pytest.raises(RecipeError, match=r"pretraining\.words = \['zero', 'blue'\]"):
        load_recipe("zero-one", ['pretraining.words=["zero", "blue"]'])
    with pytest.raises(RecipeError, match="two or more words apart"):
        recipe_on(digits, 'pretraining.words=["zero"]')


def test_a_copy_of_what_is_judged_is_not_learned_before(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(digits, folder)
    judged = load_features(recipe_on(folder)).split.test.names
    for number, name in enumerate(judged[:3]):
        (folder / f"2_theo_{10 + number}.wav").write_bytes((folder / f"{name}.wav").read_bytes())
    recipe = recipe_on(folder, FIRST)
    parts = pretraining_parts(recipe, load_features(recipe))
    heard = {name for part in parts for name in part.names}
    assert not heard & {f"2_theo_{10 + number}" for number in range(3)}
    assert "2_theo_13" in heard
