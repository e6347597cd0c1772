"""How far a share found on few items may be from the true one."""

import math
from statistics import NormalDist

from imssa.errors import DataError


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
