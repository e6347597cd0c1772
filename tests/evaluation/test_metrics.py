"""Accuracies and standard errors against closed forms, SciPy, loops and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats

from imssa.errors import DataError, ShapeError
from imssa.evaluation import (
    STAGES,
    InstanceAccuracy,
    accuracy,
    accuracy_estimate,
    confusion_matrix,
    crossed_estimate,
    paired_loss,
    unseen_error_bound,
    waterfall,
)

ANSWERS = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2), elements=st.integers(0, 2)
)


def crossed_variance(values: NDArray[np.float64]) -> float:
    """The analysis of variance in loops."""
    chips, items = values.shape
    mean = values.mean()
    ms_chip = items * sum((row.mean() - mean) ** 2 for row in values) / (chips - 1)
    ms_item = chips * sum((column.mean() - mean) ** 2 for column in values.T) / (items - 1)
    total = sum(
        (values[c, i] - values[c].mean() - values[:, i].mean() + mean) ** 2
        for c in range(chips)
        for i in range(items)
    )
    rest = total / ((chips - 1) * (items - 1))
    v_chip, v_item = max(0.0, (ms_chip - rest) / items), max(0.0, (ms_item - rest) / chips)
    return float(v_chip / chips + v_item / items + rest / (chips * items))


@given(ANSWERS)
def test_instances_agree_with_numpy(answers: NDArray[np.int64]) -> None:
    labels = np.arange(answers.shape[1]) % 3
    found = InstanceAccuracy.from_answers(answers, labels)
    each = (answers == labels).mean(axis=1)
    assert found.per_instance == tuple(each)
    assert found.mean == pytest.approx(accuracy(answers, labels))
    assert found.std == pytest.approx(each.std(ddof=1))
    assert (found.min, found.max) == (each.min(), each.max())


def test_one_instance_has_no_spread() -> None:
    found = InstanceAccuracy.from_answers(np.array([[0, 1, 1]]), np.array([0, 1, 0]))
    assert (found.std, found.min) == (0.0, found.max)


def test_instances_refuse_a_mean_outside_their_range() -> None:
    with pytest.raises(ValidationError, match=r"mean = 0\.2 lies outside min = 0\.5"):
        InstanceAccuracy(mean=0.2, std=0, min=0.5, max=1, per_instance=(0.5, 1.0))


@given(ANSWERS)
def test_crossed_estimate_agrees_with_loops(answers: NDArray[np.int64]) -> None:
    values = answers.astype(float)
    found = crossed_estimate(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.standard_error**2 == pytest.approx(crossed_variance(values), abs=1e-12)


def test_one_network_has_the_binomial_error() -> None:
    labels = np.zeros(60, np.int64)
    answers = (np.arange(60) < 6).astype(np.int64)
    found = accuracy_estimate(answers, labels)
    assert found.standard_error == pytest.approx(stats.sem(answers))
    assert found.standard_error == pytest.approx(np.sqrt(0.9 * 0.1 / 59))


def test_equal_chips_are_as_sure_as_one() -> None:
    values = np.random.default_rng(1).integers(0, 2, 30).astype(float)
    copies = np.tile(values, (9, 1))
    assert crossed_estimate(copies).standard_error == pytest.approx(stats.sem(values))
    assert crossed_estimate(copies.T).standard_error == pytest.approx(stats.sem(values))


def test_standard_error_is_the_spread_of_repeated_studies() -> None:
    draw = np.random.default_rng(2)
    shape, sigma = (8, 12), (0.3, 0.5, 1.0)  # chips, recordings, rest
    studies = [
        crossed_estimate(
            sigma[0] * draw.normal(size=(8, 1))
            + sigma[1] * draw.normal(size=(1, 12))
            + sigma[2] * draw.normal(size=shape)
        )
        for _ in range(4000)
    ]
    means = np.array([study.mean for study in studies])
    stated = np.mean([study.standard_error**2 for study in studies])
    truth = 0.3**2 / 8 + 0.5**2 / 12 + 1.0 / 96
    assert means.var() == pytest.approx(truth, rel=5 * np.sqrt(2 / 4000))
    # Parts below zero are set to zero, which states a few per cent too much, never too little.
    assert truth * 0.97 < stated < truth * 1.12


def test_paired_loss_is_surer_than_the_difference_of_two_accuracies() -> None:
    draw = np.random.default_rng(3)
    labels = np.zeros(200, np.int64)
    software = (draw.random(200) < 0.3).astype(np.int64)
    chip = np.where(draw.random((20, 200)) < 0.05, 1 - software, software)
    loss = paired_loss(software, chip, labels)
    assert loss.mean == pytest.approx(accuracy(software, labels) - accuracy(chip, labels))
    assert loss.standard_error < 0.2 * accuracy_estimate(software, labels).standard_error
    assert paired_loss(software, software, labels).standard_error == 0.0


@given(ANSWERS)
def test_confusion_matrix_counts_every_answer(answers: NDArray[np.int64]) -> None:
    labels = np.arange(answers.shape[1]) % 3
    counts = confusion_matrix(answers, labels, 3)
    expected = np.zeros((3, 3), np.int64)
    for row in answers:
        for truth, answer in zip(labels, row, strict=True):
            expected[truth, answer] += 1
    assert np.array_equal(counts, expected)
    assert np.trace(counts) / counts.sum() == pytest.approx(accuracy(answers, labels))


def test_confusion_matrix_refuses_an_unknown_class() -> None:
    with pytest.raises(ShapeError, match="answers from 0 to 2: classes are numbered 0 to 1"):
        confusion_matrix(np.array([0, 2]), np.array([0, 1]), 2)


def test_waterfall_has_its_stages_in_order() -> None:
    labels = np.array([0, 1, 0, 1])
    single, chips = labels.copy(), np.stack([labels, 1 - labels])
    answers = {stage: chips if stage == "all" else single for stage in reversed(STAGES)}
    rows = waterfall(answers, labels)
    assert tuple(row.stage for row in rows) == STAGES
    assert [row.accuracy for row in rows] == [1.0] * 6 + [0.5]
    assert [row.chips for row in rows] == [1] * 6 + [2]


def test_waterfall_refuses_a_missing_stage() -> None:
    with pytest.raises(ShapeError, match="answers of the stages software: a waterfall has"):
        waterfall({"software": np.array([0, 1])}, np.array([0, 1]))


def test_answers_must_fit_labels() -> None:
    with pytest.raises(ShapeError, match="none of them empty"):
        accuracy(np.zeros((2, 0), np.int64), np.zeros(0, np.int64))


def test_one_recording_has_no_standard_error() -> None:
    with pytest.raises(DataError, match="1 test recording: a standard error needs at least two"):
        accuracy_estimate(np.array([0]), np.array([0]))


def test_unseen_errors_are_bounded_as_by_clopper_and_pearson() -> None:
    exact = stats.binomtest(60, 60, alternative="greater").proportion_ci(0.95)
    assert unseen_error_bound(60) == pytest.approx(1 - exact.low)
