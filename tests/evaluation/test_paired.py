"""Differences of runs on the same items: against SciPy and known cases."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from imssa.evaluation.paired import mean_interval, paired_difference


def test_interval_of_a_mean_stays_a_share_and_has_a_width() -> None:
    assert mean_interval(1.0, 0.0, 60).low == pytest.approx(0.940, abs=1e-3)
    assert mean_interval(0.99, 0.02, 60).high == 1.0
    assert mean_interval(0.5, 0.1, 60).low == pytest.approx(0.304, abs=1e-3)


def _pair(rate: float) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    first = (draw.random((1, 300)) < 0.9).astype(float)
    second = np.where(draw.random((1, 300)) < rate, 1.0 - first, first)
    return first, second


def test_mcnemar_counts_what_only_one_answers() -> None:
    first, second = _pair(0.1)
    found = paired_difference(first, second)
    only = int((first > second).sum()), int((second > first).sum())
    assert (found.only_first, found.only_second) == only
    assert found.p == pytest.approx(binomtest(only[0], sum(only)).pvalue)
    assert found.difference == pytest.approx(second.mean() - first.mean())


def test_interval_is_that_of_scipys_paired_bootstrap() -> None:
    first, second = _pair(0.1)
    found = paired_difference(first, second)
    wanted = bootstrap(
        ((second - first)[0],), np.mean, n_resamples=4000, method="percentile", rng=1
    ).confidence_interval
    spread = wanted.high - wanted.low
    assert found.interval.low == pytest.approx(wanted.low, abs=0.1 * spread)
    assert found.interval.high == pytest.approx(wanted.high, abs=0.1 * spread)


def test_equal_runs_do_not_differ() -> None:
    first, _ = _pair(0.0)
    found = paired_difference(first, first.copy())
    assert found == (0.0, (0.0, 0.0), 0, 0, 1.0)


def test_chips_widen_the_interval_and_leave_no_test() -> None:
    draw = np.random.default_rng(7)
    quality = np.array([0.5, 0.9] * 10)[:, None]
    chips = (draw.random((20, 300)) < quality).astype(float)
    alone = chips.mean(axis=0, keepdims=True)
    first = np.ones((1, 300))
    found, narrow = paired_difference(first, chips), paired_difference(first, alone)
    assert found.p is None
    assert found.only_first is None
    width = found.interval.high - found.interval.low
    assert width > 2 * (narrow.interval.high - narrow.interval.low)
    assert found.interval.low < found.difference < found.interval.high


def test_draws_are_the_same_at_each_call() -> None:
    first, second = _pair(0.2)
    assert paired_difference(first, second) == paired_difference(first, second)
