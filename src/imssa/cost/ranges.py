"""Numbers that are not known exactly: a low, a typical and a high value."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from imssa.errors import CheckFailedError

Number = int | float
"""A plain number, whole or not."""


@dataclass(frozen=True)
class Range:
    """A non-negative quantity between two bounds.

    The bounds are those of what was published or assumed, no confidence interval: sums add lows to
    lows and highs to highs, as if all parts were at their best or at their worst together.

    Attributes:
        low: The least that is to be reckoned with.
        typical: A value in between, of a design as most are.
        high: The most.

    Example:
        >>> Range(1.0, 2.0, 3.0) + Range.of(1.0)
        Range(low=2.0, typical=3.0, high=4.0)
    """

    low: Number
    typical: Number
    high: Number

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.typical <= self.high:
            raise CheckFailedError(
                given=f"a range from {self.low:g} over {self.typical:g} to {self.high:g}",
                rule="0 <= low <= typical <= high",
                remedy="Please report it with the program that it was computed for.",
            )

    @classmethod
    def of(cls, value: Number) -> "Range":
        """A number that is known."""
        return cls(value, value, value)

    @classmethod
    def spanned(cls, values: Iterable[Number], typical: Number) -> "Range":
        """From the least to the largest of some values, the typical one among them."""
        found = [*values, typical]
        return cls(min(found), typical, max(found))

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def __mul__(self, other: "Range | Number") -> "Range":
        by = other if isinstance(other, Range) else Range.of(other)
        return Range(self.low * by.low, self.typical * by.typical, self.high * by.high)

    def __truediv__(self, other: "Range") -> "Range":
        """Ratio of two quantities that have nothing in common: the least is low over high.

        Raises:
            ZeroDivisionError: A divisor that may be zero.
        """
        return Range(self.low / other.high, self.typical / other.typical, self.high / other.low)

    def each(self, function: Callable[[Number], Number]) -> "Range":
        """A rising function of each of the three."""
        return Range(function(self.low), function(self.typical), function(self.high))

    def to_dict(self) -> dict[str, Number]:
        """For JSON."""
        return {"low": self.low, "typical": self.typical, "high": self.high}


ZERO = Range(0.0, 0.0, 0.0)
Parts = dict[str, Range]
"""A quantity by the part that takes it."""


def total(parts: Mapping[str, Range] | Iterable[Range]) -> Range:
    """Sum of all parts."""
    found = ZERO
    for one in parts.values() if isinstance(parts, Mapping) else parts:
        found += one
    return found


def added(*parts: Mapping[str, Range]) -> Parts:
    """Sum part by part, in the order in which parts appear first."""
    found: Parts = {}
    for some in parts:
        for name, value in some.items():
            found[name] = found.get(name, ZERO) + value
    return found


def times(parts: Mapping[str, Range], by: Range | Number) -> Parts:
    """Each part times the same number."""
    return {name: value * by for name, value in parts.items()}
