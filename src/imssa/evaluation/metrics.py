"""Accuracies and how sure they are: over recordings and over chips."""

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field, model_validator

from imssa.errors import DataError, ShapeError
from imssa.evaluation.records import Fraction, Record

Answers = Int64[np.ndarray, "*chips items"]
Labels = Int64[np.ndarray, " items"]
Stage = Literal[
    "software",
    "quantized",
    "ideal_chip",
    "programming_error",
    "read_noise",
    "stuck_devices",
    "all",
    "compiled_for_map",
    "trimmed",
    "recalibrated",
]

STAGES: Final[tuple[Stage, ...]] = (
    "software",
    "quantized",
    "ideal_chip",
    "programming_error",
    "read_noise",
    "stuck_devices",
    "all",
)
"""What every run has."""

FURTHER_STAGES: Final[tuple[Stage, ...]] = ("compiled_for_map", "trimmed", "recalibrated")
"""What a run may have besides, after the others."""

ROUNDING: Final = 1e-12


class Estimate(Record):
    """A mean and its standard error."""

    mean: float
    standard_error: float = Field(ge=0)


class InstanceAccuracy(Record):
    """The accuracies of many chip instances.

    Attributes:
        mean: Their mean.
        std: Their standard deviation with ddof 1; 0 for one instance.
        min: The worst chip's.
        max: The best chip's.
        per_instance: One accuracy a chip, in the order of the instances.
    """

    mean: Fraction
    std: float = Field(ge=0)
    min: Fraction
    max: Fraction
    per_instance: tuple[Fraction, ...] = Field(min_length=1)

    @classmethod
    def from_answers(
        cls, answers: Int64[np.ndarray, "chips items"], labels: Labels
    ) -> "InstanceAccuracy":
        """The accuracy of each chip.

        Args:
            answers: What each chip answered to each recording.
            labels: The true classes.

        Raises:
            ShapeError: Answers and labels that do not fit, or none.

        Example:
            >>> answers = np.array([[0, 1], [0, 0]])
            >>> chips = InstanceAccuracy.from_answers(answers, np.array([0, 1]))
            >>> chips.per_instance, chips.mean
            ((1.0, 0.5), 0.75)
        """
        each = _correct(answers, labels).mean(axis=1).tolist()
        return cls(
            mean=math.fsum(each) / len(each),
            std=float(np.std(each, ddof=1)) if len(each) > 1 else 0.0,
            min=min(each),
            max=max(each),
            per_instance=tuple(each),
        )

    @model_validator(mode="after")
    def _require_order(self) -> "InstanceAccuracy":
        if not self.min - ROUNDING <= self.mean <= self.max + ROUNDING:
            msg = f"mean = {self.mean} lies outside min = {self.min} .. max = {self.max}"
            raise ValueError(msg)
        return self


class WaterfallRow(Record):
    """One stage on the way from software to chip.

    Attributes:
        stage: One of ``STAGES`` or ``FURTHER_STAGES``.
        accuracy: Mean over recordings and chips.
        standard_error: Over recordings and chips (see ``crossed_estimate``).
        chips: Chip instances behind it; 1 for a deterministic network.
    """

    stage: Stage
    accuracy: Fraction
    standard_error: float = Field(ge=0)
    chips: int = Field(ge=1)


def _correct(answers: Answers, labels: Labels) -> Float64[np.ndarray, "chips items"]:
    """1 where an answer is right, 0 elsewhere; a single network counts as one chip."""
    if answers.shape[-1:] != labels.shape or answers.ndim > 2 or 0 in answers.shape:
        raise ShapeError(
            given=f"answers of shape {answers.shape}, labels of shape {labels.shape}",
            rule="answers are (items) or (chips, items), labels (items), none of them empty",
            remedy="Give one answer and one label a recording.",
        )
    return np.atleast_2d(answers == labels).astype(np.float64)


def accuracy(answers: Answers, labels: Labels) -> float:
    """Share of right answers, over all recordings and chips.

    Raises:
        ShapeError: Answers and labels that do not fit, or none.

    Example:
        >>> accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))
        0.75
    """
    return float(_correct(answers, labels).mean())


def crossed_estimate(values: Float64[np.ndarray, "chips items"]) -> Estimate:
    """Mean of values that differ by chip and by recording, with its standard error over both.

    Every chip hears every recording, so the values of one chip, and those of one recording, are not
    independent. The two-way random model x_ci = mu + chip_c + item_i + rest_ci with C chips and I
    recordings gives

        Var(mean) = v_chip / C + v_item / I + v_rest / (C I),

    and the analysis of variance its parts (negative ones are set to zero):

        v_rest = MS_rest,   v_chip = (MS_chip - MS_rest) / I,   v_item = (MS_item - MS_rest) / C.

    With one chip only recordings vary: Var(mean) = s^2 / I with ddof 1, for right and wrong answers
    p (1 - p) / (I - 1), the binomial figure. Recordings count as independent of each other, also
    where one speaker made several. Source: Searle, Casella, McCulloch, Variance Components, 1992, 4.

    Raises:
        DataError: Fewer than two recordings.

    Example:
        >>> round(crossed_estimate(np.array([[1.0, 1.0, 0.0, 1.0, 0.0]])).standard_error, 3)
        0.245
    """
    chips, items = values.shape
    if items < 2:
        raise DataError(
            given=f"{items} test recording",
            rule="a standard error needs at least two",
            remedy="Test on more recordings.",
        )
    mean = values.mean()
    by_item, by_chip = values.mean(axis=0) - mean, values.mean(axis=1) - mean
    ms_item = chips * (by_item**2).sum() / (items - 1)
    if chips == 1:
        variance = ms_item / items
    else:
        ms_chip = items * (by_chip**2).sum() / (chips - 1)
        rest = values - mean - by_item - by_chip[:, None]
        ms_rest = (rest**2).sum() / ((chips - 1) * (items - 1))
        extra = max(ms_chip - ms_rest, 0.0) + max(ms_item - ms_rest, 0.0)
        variance = (ms_rest + extra) / (chips * items)
    return Estimate(mean=float(mean), standard_error=float(np.sqrt(variance)))


def accuracy_estimate(answers: Answers, labels: Labels) -> Estimate:
    """Accuracy with its standard error over recordings, and over chips where there are several.

    Raises:
        ShapeError: Answers and labels that do not fit, or none.
        DataError: Fewer than two recordings.
    """
    return crossed_estimate(_correct(answers, labels))


def paired_loss(software: Labels, chip: Answers, labels: Labels) -> Estimate:
    """Accuracy that the chip loses against software on the same recordings; below zero: it gains.

    Args:
        software: Answers of the float network, (items).
        chip: Answers of the chip instances, (chips, items) or (items).
        labels: The true classes.

    Raises:
        ShapeError: Answers and labels that do not fit, or none.
        DataError: Fewer than two recordings.

    Example:
        >>> truth = np.array([0, 1, 0, 1])
        >>> paired_loss(truth, np.array([[0, 1, 0, 0], [0, 1, 1, 1]]), truth).mean
        0.25
    """
    return crossed_estimate(_correct(software, labels) - _correct(chip, labels))


def confusion_matrix(
    answers: Answers, labels: Labels, n_classes: int
) -> Int64[np.ndarray, "classes classes"]:
    """Counts of (true class, answered class), summed over chips.

    Raises:
        ShapeError: Answers and labels that do not fit, or classes outside 0 .. n_classes - 1.

    Example:
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    _correct(answers, labels)
    truth = np.broadcast_to(labels, answers.shape)
    for name, classes in (("answers", answers), ("labels", labels)):
        if classes.min() < 0 or classes.max() >= n_classes:
            raise ShapeError(
                given=f"{name} from {classes.min()} to {classes.max()}",
                rule=f"classes are numbered 0 to {n_classes - 1}",
                remedy="Use the class names that the network was trained with.",
            )
    pairs = np.ravel(truth * n_classes + answers)
    counts = np.bincount(pairs, minlength=n_classes**2)
    return np.asarray(counts.reshape(n_classes, n_classes), np.int64)


def waterfall(answers: Mapping[Stage, Answers], labels: Labels) -> tuple[WaterfallRow, ...]:
    """One row a stage, in the order of ``STAGES`` and then ``FURTHER_STAGES``.

    Args:
        answers: Of every stage, and of further ones if there are any: (items) for a deterministic
            network, else (chips, items).
        labels: The true classes.

    Raises:
        ShapeError: A stage is missing or unknown, or answers and labels do not fit.
        DataError: Fewer than two recordings.
    """
    if not set(STAGES) <= set(answers) <= {*STAGES, *FURTHER_STAGES}:
        raise ShapeError(
            given=f"answers of the stages {', '.join(answers) or '(none)'}",
            rule=f"a waterfall has the stages {', '.join(STAGES)}",
            remedy="Give the answers of each of them.",
        )
    rows = []
    for stage in (stage for stage in (*STAGES, *FURTHER_STAGES) if stage in answers):
        estimate = accuracy_estimate(answers[stage], labels)
        chips = len(answers[stage]) if answers[stage].ndim == 2 else 1
        rows.append(
            WaterfallRow(
                stage=stage,
                accuracy=estimate.mean,
                standard_error=estimate.standard_error,
                chips=chips,
            )
        )
    return tuple(rows)


def unseen_error_bound(items: int, confidence: float = 0.95) -> float:
    """Largest true error rate that still shows no error in ``items`` recordings.

    The one-sided Clopper-Pearson bound 1 - (1 - confidence)^(1 / items): what an accuracy of 100 %
    with a standard error of 0 leaves open.

    Example:
        >>> round(unseen_error_bound(60), 3)
        0.049
    """
    return float(1.0 - (1.0 - confidence) ** (1.0 / items))
