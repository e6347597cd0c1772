"""The stages of an experiment as plain functions: recordings to features, to models, to answers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from imssa.crossbar import simulate
from imssa.data import (
    DataConfig,
    FrontEnd,
    FrontEndConfig,
    Normalization,
    SequenceDataset,
    Split,
    front_end_from,
    load,
    load_dataset,
    normalize,
    open_source,
    true_frames,
)
from imssa.data.recording_source import RecordingSource
from imssa.data.twins import check_twins
from imssa.experiment.auxiliary import learned
from imssa.experiment.recipe import Recipe
from imssa.hardware import EFFECTS as ALL_EFFECTS
from imssa.hardware import ChipDescription
from imssa.kernels.random import Key
from imssa.places import AnyPath
from imssa.program import Program
from imssa.quantization.network import QuantizedNetwork
from imssa.quantization.prepared import PreparedClassifier
from imssa.training import Progress

EFFECTS: Final[dict[str, tuple[str, ...]]] = {
    "ideal_chip": (),
    "programming_error": ("programming", "off_state"),
    "read_noise": ("read_noise",),
    "stuck_devices": ("stuck", "dead_lines", "defect_map"),
    "all": ALL_EFFECTS,
}
"""What is switched on in each stage of the waterfall."""

BATCH_FRAMES: Final = 2**16
"""Frames that are computed at once where every register of every step is kept, padding included."""

COMPARED_FRAMES: Final = 2**18
"""Frames of a part on which codes are compared; of longer parts some items, evenly spaced."""


def silent(_done: int, _total: int, _text: str) -> None:
    """Shows nothing."""


@dataclass(frozen=True)
class Features:
    """Normalized features of a recipe, and how they were made.

    Attributes:
        split: Training, validation and test part.
        learned: What networks learn: the training part, auxiliary recordings behind it.
        preparation: Front end, normalization and the shortest, median and longest number of frames
            of the training part, as kept in models and programs.
        warnings: What makes results on these data doubtful: identical items in different parts.
    """

    split: Split
    learned: SequenceDataset
    preparation: dict[str, Any]
    warnings: tuple[str, ...] = ()


def load_features(recipe: Recipe, cache: AnyPath | None = None) -> Features:
    """Reads, splits and normalizes the recordings of a recipe, auxiliary ones with them.

    Args:
        recipe: Its data section and seed.
        cache: Folder of the feature cache; None: none.

    Raises:
        DataError: The data cannot be read, or many tested items are trained on as well.
    """
    warnings = check_twins(recipe.data, split_key(recipe.seed).numpy())
    split, normalization = normalize(load(recipe.data, split_key(recipe.seed).numpy(), cache))
    front_end = _resolved(recipe.data, split.train.features.shape[1])
    shortest, median, longest = np.percentile(split.train.lengths, (0, 50, 100))
    preparation = {
        "front_end": front_end.model_dump(mode="json"),
        "mean": normalization.mean.tolist(),
        "std": normalization.std.tolist(),
        "trained_frames": [int(shortest), int(median), int(longest)],
    }
    more = learned(recipe, split.train, (front_end, normalization), split_key(recipe.seed), cache)
    return Features(split, more, preparation, warnings)


def _resolved(config: DataConfig, length: int) -> FrontEnd:
    """The front end with all that the data decided: a permutation, the recordings' sampling rate."""
    front_end = config.front_end.resolved(length)
    if not isinstance(front_end, FrontEndConfig) or front_end.rate_hertz is not None:
        return front_end
    source = open_source(config)
    rate = source.rate_hertz if isinstance(source, RecordingSource) else None
    return front_end.model_copy(update={"rate_hertz": rate})


def split_key(seed: int) -> Key:
    """Decides which training recordings become the validation part."""
    return Key.root(seed).child("split")


def prepared_features(
    config: DataConfig, preparation: dict[str, Any], part: str, seed: int = 0
) -> SequenceDataset:
    """Features of any data, made as a stored network wants them.

    Args:
        config: Which recordings and which split; its front end is replaced.
        preparation: What is kept in a model or program.
        part: train, validation, test, or all.
        seed: Of the recipe, for the validation part.
    """
    front_end = front_end_from(preparation["front_end"])
    config = config.model_copy(update={"front_end": front_end})
    mean, std = (np.array(preparation[n], np.float32) for n in ("mean", "std"))
    if part == "all":
        return Normalization(mean, std).apply_to(load_dataset(config))
    split = load(config, split_key(seed).numpy())
    return Normalization(mean, std).apply_to(getattr(split, part))


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch inside, the caller's number after it.

    The products here are small: more threads are slower, and sums in another order change numbers.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def tensors(part: SequenceDataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and lengths of a data set as tensors."""
    return torch.tensor(part.features), torch.tensor(part.lengths)


def batches(part: SequenceDataset, frames: int | None = None) -> Iterator[SequenceDataset]:
    """The items of a part, as many at a time as memory holds.

    Args:
        part: The part.
        frames: Frames of all batches together, roughly; None: all items.
    """
    length = part.features.shape[1]
    every = 1 if frames is None else max(1, -(-len(part) * length // frames))
    chosen, size = np.arange(0, len(part), every), max(1, BATCH_FRAMES // length)
    if len(chosen) == len(part) <= size:
        yield part
        return
    for first in range(0, len(chosen), size):
        yield part.subset(chosen[first : first + size])


@one_thread()
def float_answers(model: nn.Module, part: SequenceDataset) -> Int64[np.ndarray, " items"]:
    """Answers of a float network: of its logits for features and lengths."""
    with torch.no_grad():
        found = [model(*tensors(batch)).argmax(1).numpy() for batch in batches(part)]
    return np.concatenate(found)


def quantized_answers(
    network: QuantizedNetwork, part: SequenceDataset
) -> Int64[np.ndarray, " items"]:
    """Answers of the integer network."""
    found = [
        network.run(network.input_codes(batch.features), batch.lengths, steps=False)["answer"][:, 0]
        for batch in batches(part)
    ]
    return np.concatenate(found)


@dataclass(frozen=True)
class Comparison:
    """How many codes were compared along the chain, and how many differed."""

    codes_compared: int
    mismatches: int

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(
            self.codes_compared + other.codes_compared, self.mismatches + other.mismatches
        )


def compare_codes(
    names: Iterable[str],
    ours: dict[str, Any],
    theirs: dict[str, Any],
    lengths: Int64[np.ndarray, " batch"],
) -> Comparison:
    """Compares the named codes of two runs, at every step within the sequences.

    Raises:
        KeyError: A run lacks one of the names: comparing less would look like agreement.
    """
    compared = mismatches = 0
    for name in names:
        a, b = ours[name], theirs[name]
        longest = min(a.shape[1], b.shape[1]) if a.ndim == 3 else 0
        if a.ndim == 3:
            real = true_frames(lengths, longest)
            a, b = a[:, :longest][real], b[:, :longest][real]
        compared += a.size
        mismatches += int((a != b).sum())
    return Comparison(compared, mismatches)


def check_training_against_network(
    prepared: PreparedClassifier, network: QuantizedNetwork, part: SequenceDataset
) -> Comparison:
    """Codes of the training forward without noise against those of the frozen network."""
    found = Comparison(0, 0)
    for batch in batches(part, COMPARED_FRAMES):
        record: dict[str, Any] = {}
        with torch.no_grad():
            prepared(*tensors(batch), record=record)
        run = network.run(network.input_codes(batch.features), batch.lengths)
        found += compare_codes(run.keys() - {"sum"}, record, run, batch.lengths)
    return found


def check_network_against_chip(
    network: QuantizedNetwork, program: Program, part: SequenceDataset
) -> Comparison:
    """Codes of the frozen network against those of its program on an ideal chip, on a part."""
    found = Comparison(0, 0)
    for batch in batches(part, COMPARED_FRAMES):
        inputs = network.input_codes(batch.features)
        found += compare_network_and_chip(network, program, inputs, batch.lengths)
    return found


def compare_network_and_chip(
    network: QuantizedNetwork,
    program: Program,
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
) -> Comparison:
    """The same for any inputs."""
    run = network.run(inputs, lengths)
    steps = tuple(name for name, codes in run.items() if codes.ndim == 3)
    chip, one = program.chip.only(), np.zeros(1, np.int64)
    trace = simulate(program, chip, Key.root(0), one, inputs, lengths, steps)
    found = {name: codes[0] for name, codes in {**trace.final, **trace.steps}.items()}
    return compare_codes(run.keys() - {"input"}, found, run, lengths)


def waterfall_answers(
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: int,
    part: SequenceDataset,
    inputs: Int64[np.ndarray, "items length features"],
    progress: Progress = silent,
) -> dict[str, Int64[np.ndarray, "chips items"]]:
    """Answers of chip instances with each effect alone, and all together.

    The ideal chip has no errors, so one instance stands for all.
    """
    answers = {}
    for number, (stage, effects) in enumerate(EFFECTS.items()):
        count = instances if effects else 1
        trace = simulate(program, chip.only(*effects), key, np.arange(count), inputs, part.lengths)
        answers[stage] = trace.answers
        progress(number + 1, len(EFFECTS), stage.replace("_", " "))
    return answers
