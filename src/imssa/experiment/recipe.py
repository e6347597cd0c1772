"""A recipe: all configurations of an experiment and the seed, as TOML."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any, Final, cast, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from imssa.data import KINDS, DataConfig
from imssa.data.front_ends import FRONT_ENDS
from imssa.errors import RecipeError
from imssa.experiment.shipped import recipe_names
from imssa.hardware import LAW_NAMES, ChipDescription, load_chip
from imssa.mapping.layout import ONE_SHOT, Layout, LayoutName
from imssa.models import ModelSettings, PruningConfig
from imssa.places import AnyPath
from imssa.quantization.config import QuantizationConfig, Realization
from imssa.training.config import TrainingConfig

RECALIBRATED: Final = 10
"""Chips of a run that are trimmed and recalibrated where a recipe does not say how many."""


class EvaluationConfig(BaseModel):
    """What is measured.

    Attributes:
        chip_instances: Chips of the Monte-Carlo study.
        recalibrated: How many of them are trimmed and recalibrated too, the first ones; it takes longer.
        compare: Further realizations that are trained and measured beside the recipe's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    chip_instances: int = Field(default=50, ge=1)
    recalibrated: int = Field(default=RECALIBRATED, ge=0)
    compare: tuple[Realization, ...] = ()


class AuxiliaryConfig(BaseModel):
    """Other recordings that a network learns beside its own, so that it hears more voices and sounds.

    It tells their classes from its own while it is trained; what it needs for that alone is thrown away
    (R. Caruana, Multitask Learning, Machine Learning 28, 1997). Nothing is judged on them.

    Attributes:
        kind: Their format; None: the recipe's own data. Of these the training part is learned, of
            others all.
        root: The folder or file of another format; needed to train, and for nothing else.
        words: Their classes; None: none, or all of another format. A class with the name of an own
            class is that class.
        items: The most that are learned, of each class about as many; None: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | None = None
    root: Path | None = None
    words: tuple[str, ...] | None = None
    items: int | None = Field(default=None, ge=1)

    @property
    def wanted(self) -> bool:
        """Whether there are any."""
        return self.kind is not None or self.words is not None

    @model_validator(mode="after")
    def _root_is_of_a_kind(self) -> "AuxiliaryConfig":
        if self.root is not None and self.kind is None:
            msg = f"root = '{self.root}' without kind: set kind to the format of what lies there"
            raise ValueError(msg)
        return self

    def data(self, own: DataConfig) -> DataConfig:
        """Where they come from, as a data section; of the same data with the own classes.

        Args:
            own: That of the recipe.

        Raises:
            ValidationError: They do not go with it.
            ValueError: They are the recipe's own.
        """
        front_end = own.front_end.model_dump(exclude_unset=True) | {"kind": own.front_end.kind}
        if self.kind is not None:
            root = self.root
            if root is None and KINDS[self.kind].needs_root:
                root = Path("auxiliary.root")
            elif root is not None and own.root is not None and root.resolve() == own.root.resolve():
                msg = f"root = '{root}' is the recipe's own data: leave kind and root out"
                raise ValueError(msg)
            named = {"kind": self.kind, "root": root, "words": self.words}
            return DataConfig.model_validate({**named, "front_end": front_end})
        more = [word for word in self.words or () if word not in (own.words or (word,))]
        if not more:
            msg = f"words = {list(self.words or ())}: all are learned as its own; name others"
            raise ValueError(msg)
        given = own.model_dump(exclude_unset=True)
        both = {"words": (*(own.words or ()), *more), "train_items": None, "front_end": front_end}
        return DataConfig.model_validate({**given, **both})


class Recipe(BaseModel):
    """Everything that determines an experiment.

    Attributes:
        name: Short name.
        description: What it shows.
        seed: Root of all random keys.
        data: Recordings, front end, split.
        model: The float network.
        auxiliary: What it learns beside its own data.
        float_training: Its training.
        pruning: Which share of the trained network stays.
        quantization: Realization, bits, training noise.
        quantized_training: Training in codes.
        chip: Target chip: ``preset`` names one, further keys replace its own ("off" removes one).
        layout: How kernels share the chip's arrays: "one-shot", "phased", "fewest-phases", or the
            most phases of a time step.
        evaluation: What is measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    seed: int = Field(default=0, ge=0)
    data: DataConfig = DataConfig()
    model: ModelSettings = ModelSettings()
    auxiliary: AuxiliaryConfig = AuxiliaryConfig()
    float_training: TrainingConfig = TrainingConfig()
    pruning: PruningConfig = PruningConfig()
    quantization: QuantizationConfig = QuantizationConfig()
    quantized_training: TrainingConfig = TrainingConfig()
    chip: ChipDescription
    layout: Layout = ONE_SHOT
    evaluation: EvaluationConfig = EvaluationConfig()

    @field_validator("layout", mode="wrap")
    @classmethod
    def _known_layout(cls, value: Any, _check: Any) -> Layout:
        """A name, or a number of phases; one fault for anything else."""
        names = get_args(LayoutName)
        if value in names or (type(value) is int and value >= 1):
            return cast("Layout", value)
        msg = f"layout must be {', '.join(names)}, or the most phases of a time step (1, 2, ...)"
        raise ValueError(msg)

    @field_validator("chip", mode="before")
    @classmethod
    def _from_preset(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "preset" not in value:
            return value
        changes = dict(value)
        try:
            base = load_chip(str(changes.pop("preset"))).model_dump(mode="json")
        except RecipeError as error:
            rule = error.rule.removesuffix("\nIt has to be valid")  # the recipe says it once
            msg = f"{error.given}: {rule}"
            raise ValueError(msg) from error
        return _without_none(_merged(base, changes))

    @field_validator("float_training")
    @classmethod
    def _trains(cls, value: TrainingConfig) -> TrainingConfig:
        if value.epochs < 1:
            msg = "epochs = 0: only training in codes may be left out. Set 1 or more"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _auxiliary_data_go_with_its_own(self) -> "Recipe":
        kind = self.auxiliary.kind
        if not self.auxiliary.wanted:
            return self
        if kind is not None and kind not in KINDS:
            msg = f"auxiliary.kind = {kind!r}: choose from {', '.join(KINDS)}"
            raise ValueError(msg)
        if kind is not None and self.data.front_end.kind not in KINDS[kind].front_ends:
            own = self.data.front_end.kind
            msg = f"auxiliary.kind = {kind!r} does not go with data.front_end.kind = {own!r}"
            raise ValueError(msg)
        try:
            self.auxiliary.data(self.data)
        except ValidationError as error:
            told = "; ".join(str(fault["msg"]) for fault in error.errors())
            msg = f"auxiliary.{told.removeprefix('Value error, ')}"
            raise ValueError(msg) from error
        except ValueError as error:
            msg = f"auxiliary.{error}"
            raise ValueError(msg) from error
        return self

    @model_validator(mode="after")
    def _prunes_what_is_there(self) -> "Recipe":
        for key in ("d_model", "d_state"):
            left, trained = getattr(self.pruning, key), getattr(self.model, key)
            if left is not None and left > trained:
                msg = f"pruning.{key} = {left}: model.{key} = {trained} is all there is"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _compare_names_each_other_once(self) -> "Recipe":
        names = (self.quantization.realization, *self.evaluation.compare)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = (
                f"evaluation.compare names {', '.join(twice)} a second time; the recipe runs "
                f"{names[0]} anyway: remove it there"
            )
            raise ValueError(msg)
        return self

    @property
    def size_on_chip(self) -> tuple[int, int]:
        """Kernels a layer and states of a kernel that are left for the chip."""
        left, model = self.pruning, self.model
        return left.d_model or model.d_model, left.d_state or model.d_state

    def with_realization(self, realization: Realization) -> "Recipe":
        """The same recipe for another realization."""
        changed = self.quantization.model_copy(update={"realization": realization})
        return self.model_copy(update={"quantization": changed})

    def to_toml(self) -> str:
        """The resolved recipe; keys that are off are left out."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


_OFF: Final = "off"


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and "law" not in value:
            result[key] = _merged(below, value)
        else:
            result[key] = None if value == _OFF else value
    return result


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value


def load_recipe(name_or_path: AnyPath, changes: Iterable[str] = ()) -> Recipe:
    """Reads a recipe by the name of a shipped one or by path.

    Args:
        name_or_path: Shipped name or TOML file.
        changes: Like ``data.root=/recordings``, applied before validation.

    Raises:
        RecipeError: No such recipe, no TOML, or faults, all of them at once.

    Example:
        >>> load_recipe("zero-one", ["seed=7"]).seed
        7
    """
    return recipe_of(*_read(os.fspath(name_or_path)), changes)


def recipe_of(text: str, origin: str, changes: Iterable[str] = ()) -> Recipe:
    """The recipe that a TOML text says.

    Args:
        text: The text.
        origin: What errors call it.
        changes: As for ``load_recipe``.

    Raises:
        RecipeError: No TOML, or faults, all of them at once.
    """
    return _validated(_parsed(text, origin), origin, changes)


def recipe_content(name_or_path: AnyPath) -> dict[str, Any]:
    """What a recipe says, not yet validated: keys that it leaves out are missing.

    Raises:
        RecipeError: No such recipe, or no TOML.
    """
    return _parsed(*_read(os.fspath(name_or_path)))


def _parsed(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            given=f"recipe {origin}", rule=f"it is no TOML: {error}", remedy="Mend that line."
        ) from error


def recipe_with(content: Mapping[str, Any], changes: Mapping[str, Any], origin: str) -> Recipe:
    """The recipe of some content with dotted keys set.

    Args:
        content: As of `recipe_content`; not changed.
        changes: Values by dotted key.
        origin: What the recipe is called in errors.

    Raises:
        RecipeError: Faults, all of them at once.

    Example:
        >>> recipe_with(recipe_content("zero-one"), {"quantization.bits.A": 4}, "mine").layout
        'one-shot'
    """
    changed = deepcopy(dict(content))
    for key, value in changes.items():
        _put(changed, key, deepcopy(value), f"{key} = {value!r}")
    return _validated(changed, origin, ())


def data_section(kind: str, root: Path, changes: Iterable[str] = ()) -> DataConfig:
    """The data section of a recipe that names a format and a folder and says no more.

    Args:
        kind: A format of ``imssa.data.KINDS``.
        root: Folder or file.
        changes: Like ``data.split=hash``.

    Raises:
        RecipeError: Faults, all of them at once.

    Example:
        >>> data_section("ts", Path("vowels")).split
        'official'
    """
    data = {"kind": kind, "root": str(root)}
    content = {"name": "data", "data": data, "chip": {"preset": "taox-64"}}
    return _validated(content, f"for {root}", changes).data


def _validated(content: dict[str, Any], origin: str, changes: Iterable[str]) -> Recipe:
    for change in changes:
        _apply(content, change)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        faults = [_fault(detail) for detail in error.errors()]
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        raise RecipeError(
            given=f"recipe {origin}",
            rule="\n".join([count, *(f"  - {fault}" for fault in faults), "It has to be valid"]),
            remedy="Mend these keys.",
        ) from error


def _read(name: str) -> tuple[str, str]:
    if name in recipe_names():
        return (resources.files("imssa") / "recipes" / f"{name}.toml").read_text("utf-8"), name
    path = Path(name)
    try:
        return path.read_text("utf-8"), name
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RecipeError(
            given=f"recipe {name!r}",
            rule=f"it cannot be read ({reason}), and no shipped recipe has that name",
            remedy=f"Name a TOML file or one of: {', '.join(recipe_names())}.",
        ) from error


def _apply(content: dict[str, Any], change: str) -> None:
    """Sets one dotted key."""
    key, value = change_of(change)
    _put(content, key, value, f"--set {change}")


def change_of(change: str) -> tuple[str, Any]:
    """Key and value of a change like ``data.root=/recordings``; the value is TOML, or else text.

    Raises:
        RecipeError: It has another form.

    Example:
        >>> change_of("quantization.bits.A=4")
        ('quantization.bits.A', 4)
    """
    key, separator, text = change.partition("=")
    if not separator or not all(key.strip().split(".")):
        raise RecipeError(
            given=f"--set {change}",
            rule="a change has the form key=value, the key with dots",
            remedy="Write for instance --set quantization.bits.A=4.",
        )
    try:
        return key.strip(), tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text.strip()


def _put(content: dict[str, Any], key: str, value: Any, given: str) -> None:
    """Sets one dotted key."""
    parts = key.split(".")
    for part in parts[:-1]:
        below = content.setdefault(part, {})
        if not isinstance(below, dict):
            raise RecipeError(
                given=given,
                rule=f"{part!r} is a value, not a section",
                remedy="Name a key of the recipe.",
            )
        content = below
    content[parts[-1]] = value


def _fault(detail: Any) -> str:
    """One fault in words, with the nearest valid key for an unknown one."""
    path = [str(part) for part in detail["loc"] if part not in (*LAW_NAMES, *FRONT_ENDS)]
    key = ".".join(path) or "recipe"
    if detail["type"] == "extra_forbidden":
        near = _nearest(path)
        return f"{key}: unknown key" + (f"; did you mean {near}?" if near else "")
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{key}: {message}" + ("" if detail["type"] == "missing" else _given(detail))


def _given(detail: Any) -> str:
    value = detail.get("input")
    return "" if isinstance(value, dict | BaseModel) else f" (given: {value!r})"


def _nearest(path: list[str]) -> str:
    """The valid key that is most like an unknown one, with its section."""
    sections: list[type[BaseModel]] = [Recipe]
    for part in path[:-1]:
        fields = [s.model_fields[part] for s in sections if part in s.model_fields]
        sections = [inner for field in fields for inner in _models_in(field.annotation)]
    known = {name for section in sections for name in section.model_fields}
    known |= {"preset"} if ChipDescription in sections else set()
    found = difflib.get_close_matches(path[-1], sorted(known), n=1, cutoff=0.5)
    return ".".join([*path[:-1], found[0]]) if found else ""


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]
