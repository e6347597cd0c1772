"""How far a share found on few items may be from the true one, and what that leaves in doubt."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from jaxtyping import Int64

from imssa.errors import DataError

FEW_ITEMS: Final = 30
"""Of fewer test items, all right may be less than 88 %, and 90 % right less than 74 % (95 %)."""


def wilson_interval(share: float, items: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share: the true shares p from which it lies at most z away.

    The two solutions of (share - p)^2 = z^2 p (1 - p) / items (Wilson, J. Am. Stat. Assoc. 22, 209,
    1927). Unlike mean and standard error it says something where no item, or every one, is right.

    Args:
        share: Share of the items that are right; a mean over networks or chips need be no whole
            number of items.
        items: Test items.
        confidence: Two-sided.

    Raises:
        DataError: No items, or a share outside 0 to 1.

    Example:
        >>> low, high = wilson_interval(1.0, 60)
        >>> round(low, 3), round(high, 3)
        (0.94, 1.0)
    """
    if items < 1 or not 0 <= share <= 1:
        raise DataError(
            given=f"a share of {share:g} of {items} items",
            rule="a share is 0 to 1, of at least one item",
            remedy="Test on some items.",
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = share + z**2 / (2 * items)
    half = z * math.sqrt(share * (1 - share) / items + z**2 / (4 * items**2))
    whole = 1 + z**2 / items
    return max((middle - half) / whole, 0.0), min((middle + half) / whole, 1.0)


def doubts(
    answers: Int64[np.ndarray, " items"], labels: Int64[np.ndarray, " items"]
) -> tuple[str, ...]:
    """What makes the accuracy of a network in software doubtful, a sentence each.

    Args:
        answers: Of the network, to each test item.
        labels: True classes.

    Example:
        >>> labels = np.array([0, 1] * 10)
        >>> for doubt in doubts(np.zeros(20, np.int64), labels):
        ...     print(doubt)
        Only 20 items were tested: an accuracy of 50.0 % lies between 29.9 and 70.1 % (95 %).
        The network in software has 50.0 %, which cannot be told from always the same answer (50.0 %): train longer, or on more data.
    """
    items = len(labels)
    right, largest = float((answers == labels).mean()), np.bincount(labels).max() / items
    low, high = wilson_interval(right, items)
    told = f"The network in software has {100 * right:.1f} %"
    same = f"always the same answer ({100 * largest:.1f} %)"
    found = []
    if items < FEW_ITEMS:
        found.append(
            f"Only {items} items were tested: an accuracy of {100 * right:.1f} % lies between "
            f"{100 * low:.1f} and {100 * high:.1f} % (95 %)."
        )
    if largest == 1:
        found.append("All tested items are of one class, so that their accuracy says nothing.")
    elif high < largest:
        found.append(f"{told}, less than {same}: train longer, or on more data.")
    elif low <= largest:
        remedy = "test more items" if right > largest else "train longer, or on more data"
        found.append(f"{told}, which cannot be told from {same}: {remedy}.")
    return tuple(found)
