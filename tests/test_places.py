"""Paths as text or objects in every public function; folders that one process holds."""

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest

import imssa
from imssa.errors import OutputError
from imssa.places import held
from tests.cli.runs import finished_run


class Named:
    """An object that stands for a path, and is none of pathlib's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def test_every_public_function_takes_paths_as_text(tmp_path: Path) -> None:
    finished = finished_run()
    model, header = imssa.load_model(str(finished / "model.safetensors"))
    network = imssa.load_network(str(finished / "quantized.safetensors"))
    program = imssa.load_program(str(finished / "program.safetensors"))
    recipe = imssa.load_recipe(Named(finished / "recipe.toml"))
    imssa.save_model(model, str(tmp_path / "model.safetensors"), {})
    imssa.save_network(network, str(tmp_path / "network.safetensors"), {})
    imssa.save_program(program, str(tmp_path / "program.safetensors"))
    assert imssa.load_program(Named(tmp_path / "program.safetensors")).chip == program.chip
    assert imssa.load_network(Named(tmp_path / "network.safetensors")).widths == network.widths
    assert imssa.load_model(Named(tmp_path / "model.safetensors"))[0].config == model.config
    assert header["class_names"] == ["zero", "one"]
    features = imssa.load_features(recipe, str(tmp_path / "cache"))
    found = imssa.load_dataset(recipe.data, str(tmp_path / "cache"))
    assert len(found) == sum(map(len, features.split.parts))
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_maps_and_chips_take_paths_of_any_kind(tmp_path: Path) -> None:
    file = Named(tmp_path / "map.npz")
    imssa.write_defect_map(file, imssa.DefectMap((np.zeros((2, 4), np.int8),)))
    assert imssa.read_defect_map(file, 1, (2, 4)).arrays[0].shape == (2, 4)
    with pytest.raises(imssa.ImssaError, match="it is neither a file nor a preset"):
        imssa.load_chip(Named(tmp_path / "none.toml"))


def hold(folder: Path, begun: Event, end: Event) -> None:
    with held(folder, "it"):
        begun.set()
        end.wait(30)


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    begun, end = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "a", begun, end))
    other.start()
    assert begun.wait(30)
    with (
        pytest.raises(OutputError, match="mine: taken"),
        held(tmp_path / "a", "mine", busy="taken"),
    ):
        pass
    end.set()
    with held(tmp_path / "a", "mine", wait=True):  # once the other one has ended
        pass
    other.join(30)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="mine: it cannot be written"),
        held(tmp_path / "file" / "a", "mine"),
    ):
        pass
