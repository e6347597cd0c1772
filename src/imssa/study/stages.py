"""Stages of a study's trials: each from the store, or computed there from what determines it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from imssa.data import SequenceDataset
from imssa.experiment.design import require_data
from imssa.experiment.float_training import train
from imssa.experiment.provenance import provenance
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import Features, load_features, one_thread
from imssa.hardware import ChipDescription
from imssa.mapping import compile_network
from imssa.models import S4DClassifier, load_model, save_model
from imssa.program import Program, load_program, save_program
from imssa.quantization.convert import convert, load_network, save_network
from imssa.quantization.network import QuantizedNetwork
from imssa.study.contents import by_content
from imssa.study.determined import (
    Section,
    answers_section,
    float_section,
    identity,
    program_section,
    quantized_section,
    recipe_of,
)
from imssa.study.store import Store

MODEL: Final = "model.safetensors"
NETWORK: Final = "quantized.safetensors"
PROGRAM: Final = "program.safetensors"
KEPT: Final = 4
"""Values of each kind that a process keeps in memory."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Subject:
    """What a trial asks: a network of a recipe, on a chip.

    Attributes:
        recipe: Of the network; its chip is the one that is trained for.
        chip: The chip that is measured, with just those of its errors that are on.
        ids: Identities of its stages: data, float, quantized, program, answers.
    """

    recipe: Recipe
    chip: ChipDescription
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, recipe: Recipe, chip: ChipDescription, data: Mapping[str, str] | None = None
    ) -> "Subject":
        """The subject with the identities of its stages.

        Args:
            recipe: Of the network.
            chip: The chip that is measured.
            data: Fingerprints of data by their paths, in place of which they count.
        """
        content, held = recipe.model_dump(mode="json"), chip.model_dump(mode="json")
        content = by_content(content, data or {})
        program = identity("program", program_section(content, held))
        ids = {
            "data": identity("features", _data_section(content)),
            "float": identity("float", float_section(content)),
            "quantized": identity("quantized", quantized_section(content)),
            "program": program,
            "answers": identity("answers", {"program": program, "chip": answers_section(held)}),
        }
        return cls(recipe, chip, ids)


class Stages:
    """The stages of subjects, kept on disk and, a few of them, in memory.

    Args:
        root: Folder of the store.
    """

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self._kept: dict[str, dict[str, Any]] = {}

    def features(self, subject: Subject) -> Features:
        """Features of a subject's data."""
        recipe = recipe_of(_data_section(subject.recipe.model_dump(mode="json")))

        def made() -> Features:
            require_data(recipe)
            return load_features(recipe, self.store.root / "features")

        return self._remembered("features", subject.ids["data"], made)

    def part(self, subject: Subject, name: str) -> SequenceDataset:
        """Recordings of a part of a subject's data."""
        part: SequenceDataset = getattr(self.features(subject).split, name)
        return part

    def float_network(self, subject: Subject) -> S4DClassifier:
        """The float network."""
        place = self.store.place("float", subject.ids["float"])
        section = float_section(subject.recipe.model_dump(mode="json"))

        def make() -> None:
            features, checkpoint = self.features(subject), place / "checkpoint"
            model = train(
                recipe_of(section), features, checkpoint=checkpoint, log=place / "log.jsonl"
            )
            header = {
                **_header(section),
                "preparation": features.preparation,
                "class_names": list(features.split.train.class_names),
            }
            save_model(model, place / MODEL, header)
            for path in place.glob("checkpoint*"):
                path.unlink()

        def found() -> S4DClassifier:
            return self.store.get(place / MODEL, make, lambda p: load_model(p)[0])

        return self._remembered("float", subject.ids["float"], found)

    def network(self, subject: Subject) -> QuantizedNetwork:
        """The integer network."""
        place = self.store.place("quantized", subject.ids["quantized"])
        section = quantized_section(subject.recipe.model_dump(mode="json"))

        def make() -> None:
            model, features = self.float_network(subject), self.features(subject)
            checkpoint = place / "checkpoint"
            with one_thread():
                prepared = quantize(
                    *(recipe_of(section), model, features),
                    checkpoint=checkpoint,
                    log=place / "log.jsonl",
                )
                network = convert(prepared)
            save_network(network, place / NETWORK, _header(section))
            checkpoint.unlink(missing_ok=True)

        def found() -> QuantizedNetwork:
            return self.store.get(place / NETWORK, make, load_network)

        return self._remembered("quantized", subject.ids["quantized"], found)

    def program(self, subject: Subject) -> Program:
        """The program of a chip whose defects are not known."""
        place = self.store.place("program", subject.ids["program"])
        contents = (subject.recipe, subject.chip)
        section = program_section(*(content.model_dump(mode="json") for content in contents))

        def make() -> None:
            chip = ChipDescription.model_validate(section["chip"])
            network, layout = self.network(subject), subject.recipe.layout
            program = compile_network(network, chip, _header(section), layout)
            save_program(program, place / PROGRAM)

        def found() -> Program:
            return self.store.get(place / PROGRAM, make, load_program)

        return self._remembered("program", subject.ids["program"], found)

    def _remembered(self, kind: str, name: str, find: Callable[[], Value]) -> Value:
        """A value from memory, or found and then kept there; the oldest is forgotten."""
        kept = self._kept.setdefault(kind, {})
        if name not in kept:
            value = find()
            for old in list(kept)[: len(kept) - KEPT + 1]:
                kept.pop(old, None)
            kept[name] = value
        remembered: Value = kept[name]
        return remembered


@lru_cache(maxsize=2)
def stages_in(root: Path) -> Stages:
    """The stages of a folder, one object a process."""
    return Stages(root)


def _data_section(recipe: Section) -> Section:
    """What features depend on."""
    own = {**recipe["data"], "augmentation": {}}
    return {"data": own, "auxiliary": recipe["auxiliary"], "seed": recipe["seed"]}


def _header(section: Section) -> Section:
    """What determined a stage, and where it was computed."""
    return {"determined_by": section, "provenance": provenance(0)}
