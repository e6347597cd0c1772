"""Drivers of other packages, found by their entry points."""

from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from imssa.crossbar import SimulatedChip, driver_names, drivers, load_driver
from imssa.errors import MissingToolError
from imssa.hardware import load_chip
from imssa.kernels.random import Key

MODULE = __name__


def a_chip(address: str) -> SimulatedChip:
    return SimulatedChip(load_chip(address), Key.root(0))


def no_chip(address: str) -> str:
    return address


def offer(monkeypatch: pytest.MonkeyPatch, *offered: tuple[str, str]) -> None:
    points = EntryPoints(EntryPoint(name, value, drivers.GROUP) for name, value in offered)

    def entry_points(**wanted: Any) -> EntryPoints:
        return points.select(**wanted)

    monkeypatch.setattr(drivers, "entry_points", entry_points)


def test_a_driver_gives_its_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("b", "json:loads"), ("a", f"{MODULE}:a_chip"))
    assert driver_names() == ("a", "b")
    chip = load_driver("a")("taox-64")
    assert isinstance(chip, SimulatedChip)
    assert chip.description.name == "taox-64"


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ((), r"no installed package has it \(installed: none\)\. Install one package"),
        ((("other", "json:loads"),), r"no installed package has it \(installed: other\)"),
        ((("lab", "json:loads"), ("lab", "json:dumps")), "2 installed packages offer it"),
        ((("lab", "nowhere.at.all:x"),), r"cannot be loaded \(No module named 'nowhere'\)"),
        ((("lab", "json:no_such"),), r"cannot be loaded \(module 'json' has no attribute"),
        ((("lab", "json:__name__"),), "no function of an address"),
    ],
)
def test_drivers_that_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch, offered: Any, words: str
) -> None:
    offer(monkeypatch, *offered)
    with pytest.raises(MissingToolError, match=words):
        load_driver("lab")


def test_a_driver_must_give_a_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("lab", "pathlib:PurePath"))
    with pytest.raises(MissingToolError, match=r"it gives a PurePosixPath, not an imssa\.crossbar"):
        load_driver("lab")("here")


def test_without_such_packages_there_are_no_drivers() -> None:
    assert "no such driver" not in driver_names()
