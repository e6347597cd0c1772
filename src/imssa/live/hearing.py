"""A saved network that takes frames one at a time: a program on one chip, or a float model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Float64

from imssa.crossbar import ProgrammedChips, Stream
from imssa.data import FrontEndConfig, Normalization, front_end_from
from imssa.data.fsdd import RATE_HERTZ as DIGITS_HERTZ
from imssa.data.speech_commands import RATE_HERTZ as WORDS_HERTZ
from imssa.errors import FileFormatError, RecipeError
from imssa.hardware import ChipDescription, load_chip
from imssa.kernels.codes import quantized
from imssa.kernels.random import Key
from imssa.models import load_model
from imssa.models.files import KIND as MODEL
from imssa.models.stream import ModelStream
from imssa.places import AnyPath
from imssa.program import Program, load_program
from imssa.program.files import file_in, kinds_in
from imssa.program.program import KIND as PROGRAM

IDEAL: Final = "ideal"
OWN: Final = "own"
KNOWN_RATES: Final = {
    "fsdd": DIGITS_HERTZ,
    "bundled-zero-one": DIGITS_HERTZ,
    "speech-commands": WORDS_HERTZ,
}
"""Rates of formats that have one; files of today say theirs in the front end."""


class Network(ABC):
    """What turns frames into scores, one time step after the other.

    Attributes:
        max_frames: Most frames of an answer; None: any number.
        logit_step: Logit units of one score; None: the file is of before these were kept.
    """

    max_frames: int | None
    logit_step: float | None

    @abstractmethod
    def restart(self) -> None:
        """Clears the states and the sums: a new sequence."""

    @abstractmethod
    def begin(self) -> None:
        """Clears the sums; the states live on."""

    @abstractmethod
    def push(self, features: Float32[np.ndarray, "frames features"]) -> None:
        """Runs the steps of some normalized frames."""

    @abstractmethod
    def scores(self) -> Float64[np.ndarray, " classes"]:
        """Of the frames since the last ``restart`` or ``begin``; the largest is the answer."""


class ProgramNetwork(Network):
    """A program on one chip.

    Args:
        program: The program.
        chip: Whose device errors it meets; ``chip.only()`` is the integer network.
        seed: Of the chip instance.
    """

    def __init__(self, program: Program, chip: ChipDescription, seed: int = 0) -> None:
        key = Key.root(seed).child("chip")
        chips = ProgrammedChips(program, chip, key, np.zeros(1, np.int64))
        self.max_frames = program.max_length
        self._stream = Stream(chips, window=program.max_length)
        kept = program.preparation.get("logit_step")
        self.logit_step = None if kept is None else float(kept)
        self._step = float(program.preparation["input_step"])
        self._bits = program.chip.converters.dac_bits

    def restart(self) -> None:
        """Clears the states and the sums."""
        self._stream.restart()

    def begin(self) -> None:
        """Clears the sums."""
        self._stream.begin()

    def push(self, features: Float32[np.ndarray, "frames features"]) -> None:
        """Runs the steps of some frames."""
        self._stream.push(np.asarray(quantized(features, self._step, self._bits), np.int64))

    def scores(self) -> Float64[np.ndarray, " classes"]:
        """Codes of the classes."""
        return self._stream.scores().astype(np.float64)


class ModelNetwork(Network):
    """A float network.

    Args:
        stream: Its stream.
    """

    def __init__(self, stream: ModelStream) -> None:
        self.max_frames, self.logit_step, self._stream = None, 1.0, stream

    def restart(self) -> None:
        """Clears the states and the sums."""
        self._stream.restart()

    def begin(self) -> None:
        """Clears the sums."""
        self._stream.begin()

    def push(self, features: Float32[np.ndarray, "frames features"]) -> None:
        """Runs the steps of some frames."""
        self._stream.push(features.astype(np.float64))

    def scores(self) -> Float64[np.ndarray, " classes"]:
        """Logits of the classes."""
        return self._stream.logits().copy()


@dataclass(frozen=True, eq=False)
class Hearing:
    """A network and all that its file says of its input.

    Attributes:
        network: The network.
        class_names: In the order of its scores.
        front_end: How samples become frames.
        rate_hertz: Sampling rate that it was trained at.
        normalization: Of the frames.
        trained_frames: Shortest, median and longest item of its training; None: not kept.
        name: What it runs on, in words.
    """

    network: Network
    class_names: tuple[str, ...]
    front_end: FrontEndConfig
    rate_hertz: int
    normalization: Normalization
    trained_frames: tuple[int, int, int] | None
    name: str

    @property
    def usual_frames(self) -> int:
        """Frames that a stretch is filled up to with what was heard around it; 0: none.

        Where at least half of the training items were cut to ``max_frames``, the network knows words
        with what is around them, always ``max_frames`` long. Else items held little but the word.
        """
        most = self.front_end.max_frames
        known = self.trained_frames
        return most if known is not None and known[1] >= most else 0


def hearing_of(path: AnyPath, chip: str | None = None, seed: int = 0) -> Hearing:
    """The network in a file, ready for a stream.

    Args:
        path: A program, a model, or the folder of a run (its program).
        chip: For a program "ideal", "own" (its chip with all errors), a preset or a TOML file; None:
            "ideal".
        seed: Of the chip instance.

    Raises:
        FileFormatError: Neither program nor model, or one that hears no sound.
        DesignRuleError: A chip that differs from the program's in more than its errors.
        RecipeError: No such chip, or a chip for a float network.
    """
    file = file_in(Path(path), "program.safetensors")
    kinds = kinds_in(file)
    if PROGRAM in kinds:
        program, chip = load_program(file), chip or IDEAL
        chosen = {IDEAL: program.chip.only(), OWN: program.chip}.get(chip)
        described = load_chip(chip) if chosen is None else chosen
        kept = program.preparation, program.provenance.get("recipe", {})
        name = "the ideal chip" if chip == IDEAL else f"chip {described.name} with its errors"
        network: Network = ProgramNetwork(program, described, seed)
        return _hearing(file, network, program.class_names, kept, name)
    if MODEL in kinds:
        if chip is not None:
            raise RecipeError(
                given=f"--chip {chip} with the float network {file}",
                rule="only a program runs on a chip",
                remedy="Name a program.safetensors or the folder of a run, or leave --chip out.",
            )
        model, header = load_model(file)
        kept = header["preparation"], header.get("recipe", {})
        network = ModelNetwork(ModelStream(model))
        return _hearing(file, network, tuple(header["class_names"]), kept, "the float network")
    raise FileFormatError(
        given=str(file),
        rule="it holds neither a program nor a model",
        remedy="Name a program.safetensors, a model.safetensors, or the folder of a run.",
    )


def _hearing(
    file: Path,
    network: Network,
    names: tuple[str, ...],
    kept: tuple[dict[str, Any], dict[str, Any]],
    name: str,
) -> Hearing:
    preparation, recipe = kept
    front_end = front_end_from(preparation["front_end"])
    if not isinstance(front_end, FrontEndConfig):
        raise FileFormatError(
            given=f"{file} with the front end {front_end.kind!r}",
            rule="only a network of sound, with the front end 'log-mel', can listen",
            remedy="Name a network that was trained on recordings.",
        )
    rate = front_end.rate_hertz or KNOWN_RATES.get(recipe.get("data", {}).get("kind", ""))
    if rate is None:
        raise FileFormatError(
            given=str(file),
            rule="it does not say at which sampling rate its network was trained",
            remedy="Train it again: networks keep their rate by now.",
        )
    mean, std = (np.array(preparation[key], np.float32) for key in ("mean", "std"))
    frames = preparation.get("trained_frames")
    trained = None if frames is None else (int(frames[0]), int(frames[1]), int(frames[2]))
    return Hearing(network, names, front_end, rate, Normalization(mean, std), trained, name)
