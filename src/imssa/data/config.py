"""The data section of a recipe."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from imssa.data.augmentation import AugmentationConfig
from imssa.data.front_end import FrontEndConfig
from imssa.data.front_ends import AnyFrontEnd
from imssa.data.kinds import KINDS
from imssa.data.sources import Request, SplitName
from imssa.data.splits import FOLDS
from imssa.errors import RecipeError


class DataConfig(BaseModel):
    """Which data, how they become features, and how they are split.

    All faults are reported at once.

    Attributes:
        kind: A format of ``imssa.data.KINDS``.
        root: The folder or file of a format that is not bundled.
        words: The classes, at least two; None: all classes of the data. Classes are numbered in
            the order of the data, whatever the order here.
        split: "official" (as published), "hash" (speakers, or items, whose names hash low are
            tested), "fold" (takes 5 fold to 5 fold + 4) or "speaker". Left out: the format's usual.
        test_speakers: Whom the split "speaker" tests on.
        fold: Which fold the split "fold" tests, 0 to 9.
        test_share: Share of the speakers, or items, that the split "hash" tests.
        validation_share: Share of the training items used for validation, 0 to below 1; not used
            where a validation part was published.
        train_items: Largest number of training items, of each class about as many; None: all.
        speaker_pattern: Regular expression that finds the speaker in a file's name, its first
            group; for formats of any files.
        front_end: How items become features; left out: the format's usual.
        augmentation: How training features are varied.

    Example:
        >>> DataConfig().chosen_words
        ('zero', 'one')
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str = "bundled-zero-one"
    root: Path | None = None
    words: tuple[str, ...] | None = None
    split: SplitName = "official"
    test_speakers: tuple[str, ...] | None = None
    fold: int | None = None
    test_share: float = Field(default=0.2, gt=0, lt=1)
    validation_share: float = Field(default=0.1, ge=0, lt=1)
    train_items: int | None = Field(default=None, ge=1)
    speaker_pattern: str | None = None
    front_end: AnyFrontEnd = FrontEndConfig()
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, content: Any) -> Any:
        """Fills in the format's usual split and front end where they are left out."""
        if not isinstance(content, dict) or str(content.get("kind")) not in KINDS:
            return content
        known = KINDS[str(content["kind"])]
        front_end = content.get("front_end", {})
        if isinstance(front_end, dict):
            front_end = {"kind": known.front_ends[0], **front_end}
        return {"split": known.splits[0], **content, "front_end": front_end}

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            fault = RecipeError(
                given=f"kind = {kind!r}",
                rule="there is no such data format",
                remedy=f"Choose from {', '.join(KINDS)}.",
            )
            raise ValueError(str(fault))
        return kind

    @model_validator(mode="after")
    def _check(self) -> "DataConfig":
        faults = [fault for rule in _RULES for fault in rule(self)]
        if faults:
            raise ValueError(" ".join(map(str, faults)))
        return self

    @property
    def chosen_words(self) -> tuple[str, ...]:
        """The classes in the order of their labels, as far as the format alone knows it."""
        words = KINDS[self.kind].words
        if words is None:
            return self.words or ()
        return words if self.words is None else tuple(w for w in words if w in self.words)

    @property
    def request(self) -> Request:
        """What the reader of the format is asked for."""
        return Request(self.root, self.words, self.speaker_pattern)


def _root_faults(config: DataConfig) -> list[RecipeError]:
    needs_root = KINDS[config.kind].needs_root
    if needs_root and config.root is None:
        return [
            RecipeError(
                given=f"kind = {config.kind!r} without root",
                rule="this format lies in a folder or file of yours",
                remedy="Set root to that folder; `imssa data list` shows which can be fetched.",
            )
        ]
    if not needs_root and config.root is not None:
        return [
            RecipeError(
                given=f"root = '{config.root}'",
                rule=f"the recordings of {config.kind!r} lie in the package",
                remedy="Leave root out.",
            )
        ]
    return []


def _word_faults(config: DataConfig) -> list[RecipeError]:
    if config.words is None:
        return []
    known = KINDS[config.kind].words
    given = f"words = {list(config.words)}"
    unknown = [word for word in config.words if known is not None and word not in known]
    faults = []
    if unknown:
        rule = f"{config.kind!r} has no {', no '.join(map(repr, unknown))}"
        remedy = f"Choose from {', '.join(known or ())}."
        faults.append(RecipeError(given=given, rule=rule, remedy=remedy))
    if len(set(config.words)) < len(config.words):
        rule, remedy = "a word stands twice", "Name each word once."
        faults.append(RecipeError(given=given, rule=rule, remedy=remedy))
    if len(config.words) < 2:
        rule, remedy = (
            "a classifier tells two or more words apart",
            "Name them, or leave words out.",
        )
        faults.append(RecipeError(given=given, rule=rule, remedy=remedy))
    return faults


def _split_faults(config: DataConfig) -> list[RecipeError]:
    faults = []
    for key, split, example in (("test_speakers", "speaker", "['theo']"), ("fold", "fold", "0")):
        value = getattr(config, key)
        if split == config.split and value in (None, ()):
            faults.append(
                RecipeError(
                    given=f"split = {split!r} without {key}",
                    rule=f"this split is made by {key}",
                    remedy=f"Set for instance {key} = {example}.",
                )
            )
        if split != config.split and value is not None:
            faults.append(
                RecipeError(
                    given=f"{key} with split = {config.split!r}",
                    rule=f"only the split {split!r} uses {key}",
                    remedy=f"Leave {key} out, or set split = {split!r}.",
                )
            )
    return faults


def _format_faults(config: DataConfig) -> list[RecipeError]:
    """What the format of the data does not have."""
    found = KINDS[config.kind]
    faults = []
    for key, value, fitting in (
        ("split", config.split, found.splits),
        ("front_end.kind", config.front_end.kind, found.front_ends),
    ):
        if value not in fitting:
            rule = f"{config.kind!r} does not go with it"
            remedy = f"Choose from {', '.join(fitting)}."
            faults.append(RecipeError(given=f"{key} = {value!r}", rule=rule, remedy=remedy))
    return faults


def _pattern_faults(config: DataConfig) -> list[RecipeError]:
    if config.speaker_pattern is None:
        return []
    try:
        groups = re.compile(config.speaker_pattern).groups
    except re.error:
        groups = 0
    if groups:
        return []
    rule = "it is no regular expression with a group that finds the speaker"
    remedy = "Write for instance speaker_pattern = '^([a-z]+)_'."
    given = f"speaker_pattern = {config.speaker_pattern!r}"
    return [RecipeError(given=given, rule=rule, remedy=remedy)]


def _fold_faults(config: DataConfig) -> list[RecipeError]:
    if config.fold is None or 0 <= config.fold < FOLDS:
        return []
    rule = f"there are {FOLDS} folds, counted from 0"
    remedy = f"Choose a fold from 0 to {FOLDS - 1}."
    return [RecipeError(given=f"fold = {config.fold}", rule=rule, remedy=remedy)]


def _augmentation_faults(config: DataConfig) -> list[RecipeError]:
    front_end = config.front_end
    return config.augmentation.faults(front_end.padded_length, front_end.n_features)


_RULES: Final[tuple[Callable[[DataConfig], list[RecipeError]], ...]] = (
    _root_faults,
    _word_faults,
    _split_faults,
    _format_faults,
    _pattern_faults,
    _fold_faults,
    _augmentation_faults,
)
