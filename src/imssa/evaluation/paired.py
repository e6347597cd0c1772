"""How sure the difference of two runs is on the same items: resampling, and the test of McNemar."""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from imssa.evaluation.intervals import wilson_interval

CONFIDENCE: Final = 0.95
NORMAL_95: Final = 1.959963984540054
"""Of a normal distribution 95 % lie within so many standard deviations of its mean."""
RESAMPLES: Final = 4000
AT_ONCE: Final = 500
SEED: Final = 20241220

Correct = Float64[np.ndarray, "_chips items"]


class Interval(NamedTuple):
    """Ends of an interval of 95 %."""

    low: float
    high: float


def mean_interval(mean: float, standard_error: float, items: int) -> Interval:
    """Mean and 1.96 standard errors to either side, within 0 and 1; Wilson's where all agree.

    Args:
        mean: Share of right answers over items and chips.
        standard_error: Of it; 0 where every chip answers every item alike.
        items: Test items.
    """
    if standard_error == 0:
        return Interval(*wilson_interval(mean, items))
    reach = NORMAL_95 * standard_error
    return Interval(max(0.0, mean - reach), min(1.0, mean + reach))


class Paired(NamedTuple):
    """The difference of two runs on the same items.

    Attributes:
        difference: Accuracy of the second minus that of the first.
        interval: 95 %, by resampling.
        only_first: Items that only the first answers right; None where chips are many.
        only_second: Items that only the second answers right.
        p: Of McNemar's exact test that both are equally often right alone; None where chips are many.
    """

    difference: float
    interval: Interval
    only_first: int | None
    only_second: int | None
    p: float | None


def paired_difference(first: Correct, second: Correct) -> Paired:
    """How much better the second run answers the same items than the first.

    The interval resamples items together and the chips of each run for themselves, and takes the
    percentiles of the difference (the pigeonhole bootstrap of Owen, Ann. Appl. Stat. 1 (2007) 386; it
    is wide rather than narrow). Draws are the same at each call. Two deterministic networks are also
    compared by McNemar's test: of the items that only one answers right, each is as likely to be the
    first's as the second's (McNemar, Psychometrika 12 (1947) 153; exact, by the binomial distribution).

    Args:
        first: 1 for a right answer, 0 for a wrong one; a deterministic network is one chip.
        second: The same of the other run, on the same items.

    Example:
        >>> first, second = np.zeros((1, 8)), np.ones((1, 8))
        >>> paired_difference(first, second).p
        0.0078125
    """
    from scipy.stats import binomtest

    difference = float(second.mean() - first.mean())
    interval = _resampled(first, second)
    if len(first) > 1 or len(second) > 1:
        return Paired(difference, interval, None, None, None)
    only_first = int((first[0] > second[0]).sum())
    only_second = int((second[0] > first[0]).sum())
    alone = only_first + only_second
    p = float(binomtest(only_first, alone).pvalue) if alone else 1.0
    return Paired(difference, interval, only_first, only_second, p)


def _resampled(first: Correct, second: Correct) -> Interval:
    draw = np.random.Generator(np.random.Philox(SEED))
    items = first.shape[1]
    means = []
    for _ in range(RESAMPLES // AT_ONCE):
        weights = draw.multinomial(items, np.full(items, 1 / items), AT_ONCE) / items
        one, two = (_weighted(run, weights, draw) for run in (first, second))
        means.append(two - one)
    ends = np.quantile(np.concatenate(means), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(ends[0]), float(ends[1]))


def _weighted(
    run: Correct, weights: Float64[np.ndarray, "draws items"], draw: np.random.Generator
) -> Float64[np.ndarray, " draws"]:
    """Accuracies with items weighted as drawn, of chips drawn anew each time."""
    chips = len(run)
    of_chips = draw.multinomial(chips, np.full(chips, 1 / chips), len(weights)) / chips
    return np.asarray(((weights @ run.T) * of_chips).sum(axis=1))
