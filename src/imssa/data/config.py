"""The data section of a recipe."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from imssa.data.augmentation import AugmentationConfig
from imssa.data.front_end import FrontEndConfig
from imssa.data.kinds import KINDS
from imssa.data.splits import FOLDS
from imssa.errors import RecipeError


class DataConfig(BaseModel):
    """Which recordings, how they become features, and how they are split.

    All faults are reported at once.

    Attributes:
        kind: A format of ``imssa.data.KINDS``.
        root: The folder of a format that is not bundled.
        words: The classes, at least two; None: all words of the format. Classes are numbered in
            the order of the format, whatever the order here.
        split: "official" (takes 0-4 are tested), "fold" (takes 5 fold to 5 fold + 4) or "speaker".
        test_speakers: Whom the split "speaker" tests on.
        fold: Which fold the split "fold" tests, 0 to 9.
        validation_share: Share of the training recordings used for validation, 0 to below 1.
        front_end: How recordings become features.
        augmentation: How training features are varied.

    Example:
        >>> DataConfig().chosen_words
        ('zero', 'one')
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str = "bundled-zero-one"
    root: Path | None = None
    words: tuple[str, ...] | None = None
    split: Literal["official", "speaker", "fold"] = "official"
    test_speakers: tuple[str, ...] | None = None
    fold: int | None = None
    validation_share: float = Field(default=0.1, ge=0, lt=1)
    front_end: FrontEndConfig = FrontEndConfig()
    augmentation: AugmentationConfig = AugmentationConfig()

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
        """The classes in the order of their labels."""
        words = KINDS[self.kind].words
        return words if self.words is None else tuple(w for w in words if w in self.words)


def _root_faults(config: DataConfig) -> list[RecipeError]:
    needs_root = KINDS[config.kind].needs_root
    if needs_root and config.root is None:
        return [
            RecipeError(
                given=f"kind = {config.kind!r} without root",
                rule="this format lies in a folder of yours",
                remedy="Set root to that folder.",
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
    unknown = [word for word in config.words if word not in known]
    faults = []
    if unknown:
        rule = f"{config.kind!r} has no {', no '.join(map(repr, unknown))}"
        remedy = f"Choose from {', '.join(known)}."
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


def _fold_faults(config: DataConfig) -> list[RecipeError]:
    if config.fold is None or 0 <= config.fold < FOLDS:
        return []
    rule = f"there are {FOLDS} folds, counted from 0"
    remedy = f"Choose a fold from 0 to {FOLDS - 1}."
    return [RecipeError(given=f"fold = {config.fold}", rule=rule, remedy=remedy)]


def _augmentation_faults(config: DataConfig) -> list[RecipeError]:
    return config.augmentation.faults(config.front_end.max_frames, config.front_end.n_mels)


_RULES: Final[tuple[Callable[[DataConfig], list[RecipeError]], ...]] = (
    _root_faults,
    _word_faults,
    _split_faults,
    _fold_faults,
    _augmentation_faults,
)
