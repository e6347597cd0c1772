"""Wilson's interval is SciPy's."""

import pytest
from scipy.stats import binomtest

from imssa.errors import DataError
from imssa.evaluation.intervals import wilson_interval


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
