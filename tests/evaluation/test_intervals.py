"""Wilson's interval is SciPy's."""

import numpy as np
import pytest
from scipy.stats import binomtest

from imssa.errors import DataError
from imssa.evaluation.intervals import doubts, wilson_interval


@pytest.mark.parametrize(("right", "items"), [(0, 1), (57, 60), (60, 60), (1, 300), (2853, 3000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_interval_is_that_of_scipy(right: int, items: int, confidence: float) -> None:
    theirs = binomtest(right, items).proportion_ci(confidence, method="wilson")
    ours = wilson_interval(right / items, items, confidence)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("share", "items"), [(0.5, 0), (1.1, 10), (-0.1, 10)])
def test_no_interval_of_nothing(share: float, items: int) -> None:
    with pytest.raises(DataError, match="0 to 1, of at least one item"):
        wilson_interval(share, items)


@pytest.mark.parametrize(
    ("right", "of_class", "says"),
    [
        ((20, 20), (20, 20), ["Only 20", "All tested items are of one class"]),
        ((60, 100), (90, 100), ["less than always the same answer (90.0 %): train longer"]),
        (
            (9, 12),
            (7, 12),
            ["Only 12", "cannot be told from always the same answer (58.3 %): test"],
        ),
        ((55, 100), (60, 100), ["cannot be told from always the same answer (60.0 %): train"]),
        ((98, 100), (50, 100), []),
    ],
)
def test_what_is_doubtful(
    right: tuple[int, int], of_class: tuple[int, int], says: list[str]
) -> None:
    labels = np.array([0] * of_class[0] + [1] * (of_class[1] - of_class[0]))
    answers = labels ^ (np.arange(right[1]) >= right[0])
    found = doubts(answers, labels)
    assert len(found) == len(says)
    assert [words for words, told in zip(says, found, strict=True) if words not in told] == []
