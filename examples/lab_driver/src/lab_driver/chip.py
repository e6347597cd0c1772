"""The lab's chip as a chip of imssa: what the entry point ``lab`` of ``imssa.chips`` gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import numpy as np

from imssa.crossbar import Chip
from imssa.crossbar.chip import ReadAddress
from imssa.errors import ImssaError
from imssa.program import ArrayContents
from imssa.program.operations import Phase
from lab_driver.link import ControllerError, Link


@contextmanager
def _imssa_errors() -> Iterator[None]:
    try:
        yield
    except ControllerError as error:
        raise ImssaError(given=error.given, rule=error.rule, remedy=error.remedy) from error


class LabChip(Chip):
    """A chip behind a controller.

    Args:
        link: The connection.
    """

    def __init__(self, link: Link) -> None:
        self.link = link

    def write(self, array: int, contents: ArrayContents) -> None:
        """Writes an array."""
        with _imssa_errors():
            self.link.write(array, _values(contents))

    def rewrite(self, array: int, contents: ArrayContents, cells: np.ndarray) -> None:
        """Writes some cells of an array again."""
        with _imssa_errors():
            self.link.write(array, {**_values(contents), "cells": cells})

    def read(self, array: int) -> np.ndarray:
        """Conductances of an array in siemens."""
        with _imssa_errors():
            return self.link.read(array)

    def mvm(self, phase: Phase, drive: np.ndarray, address: ReadAddress) -> np.ndarray:
        """ADC codes, one sequence after the other."""
        with _imssa_errors():
            rows = [
                self.link.mvm(vars(phase), codes, (address.event, address.step, int(sample)))
                for codes, sample in zip(drive, address.samples, strict=True)
            ]
        return np.array(rows, np.int64).reshape(len(drive), len(phase.pairs))


def _values(contents: ArrayContents) -> dict[str, np.ndarray]:
    values = {field.name: getattr(contents, field.name) for field in fields(contents)}
    return {name: value for name, value in values.items() if value is not None}


def connect(address: str) -> LabChip:
    """The chip behind the controller at ``HOST:PORT``."""
    with _imssa_errors():
        return LabChip(Link(address))
