"""Least squares that moves away from what is there only as far as unseen recordings gain by it.

Wanted is B with y = x B, and a prior P is at hand. With D = B - P and r = y - x P::

    D = argmin |r - x S^-1 D'|^2 + strength |D'|^2,   D' = S D,   S = root mean square of each column

Source: Hoerl, Kennard, Technometrics 12, 1970 (ridge regression), here around P in place of zero. The
strength is chosen by cross-validation over recordings (Stone, J. R. Stat. Soc. B 36, 1974): steps of
one recording are not independent, so they stay in one part. "No change at all" is among the choices.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

FOLDS: Final = 5
STRENGTHS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, np.inf)
"""Weights of the prior, as multiples of what one row in the mean weighs times the number of rows."""

Columns = Float64[np.ndarray, "rows columns"]
Targets = Float64[np.ndarray, "rows outputs"]
Solution = Float64[np.ndarray, "columns outputs"]
Squares = Float64[np.ndarray, "columns columns"]


def ridge(
    x: Columns, y: Targets, prior: Solution, recordings: Int64[np.ndarray, " rows"]
) -> Solution:
    """The solution near to ``prior`` that serves unseen recordings best, output by output.

    Args:
        x: Columns by which the targets are to be told; constant ones for an offset.
        y: Targets.
        prior: The solution that is in use.
        recordings: Of which recording each row is.

    Example:
        >>> x = np.arange(1.0, 11.0)[:, None]
        >>> ridge(x, 3 * x, np.ones((1, 1)), np.arange(10)).round(3).tolist()
        [[3.0]]
        >>> ridge(x, x, np.ones((1, 1)), np.arange(10)).tolist()
        [[1.0]]
    """
    scale = np.sqrt((x**2).mean(axis=0))
    scale[scale == 0] = 1.0
    scaled, rest = x / scale, y - x @ prior
    parts = [_Sums.of(scaled[mine], rest[mine]) for mine in _folds(recordings)]
    whole = reduce(_Sums.plus, parts)
    errors = [sum(_unseen(whole, part, s) for part in parts) for s in STRENGTHS]
    chosen = np.argmin(np.array(errors), axis=0)
    # of equal errors the strongest prior: nothing is changed where nothing is gained
    chosen[np.array(errors).min(axis=0) >= errors[-1]] = len(STRENGTHS) - 1
    change = np.zeros_like(prior)
    for number in np.unique(chosen):
        mine = chosen == number
        change[:, mine] = whole.solved(STRENGTHS[number])[:, mine]
    return np.asarray(prior + change / scale[:, None])


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums of squares and products of some rows."""

    squares: Squares
    products: Solution
    rest: Float64[np.ndarray, " outputs"]
    rows: int

    @classmethod
    def of(cls, x: Columns, y: Targets) -> "_Sums":
        """Of all rows."""
        return cls(x.T @ x, x.T @ y, np.asarray((y**2).sum(axis=0)), len(x))

    def plus(self, other: "_Sums", sign: int = 1) -> "_Sums":
        """Of the rows of both, or (sign -1) of those that the other has not."""
        return _Sums(
            self.squares + sign * other.squares,
            self.products + sign * other.products,
            self.rest + sign * other.rest,
            self.rows + sign * other.rows,
        )

    def solved(self, strength: float) -> Solution:
        """Change of the scaled solution."""
        if np.isinf(strength):
            return np.zeros_like(self.products)
        held = self.squares + strength * self.rows * np.eye(len(self.squares))
        return np.asarray(np.linalg.solve(held, self.products))

    def error(self, change: Solution) -> Float64[np.ndarray, " outputs"]:
        """Squared error that a change leaves."""
        mixed = (change * (self.squares @ change - 2 * self.products)).sum(axis=0)
        return np.asarray(self.rest + mixed)


def _unseen(whole: _Sums, part: _Sums, strength: float) -> Float64[np.ndarray, " outputs"]:
    """Error on the rows of a part of what all other rows ask for."""
    return part.error(whole.plus(part, -1).solved(strength))


def _folds(recordings: Int64[np.ndarray, " rows"]) -> list[Int64[np.ndarray, " mine"]]:
    """Rows of each part; neighbouring recordings, often of one class, go to different parts."""
    _, number = np.unique(recordings, return_inverse=True)
    parts = [np.flatnonzero(number % FOLDS == fold) for fold in range(FOLDS)]
    return [part for part in parts if len(part)]
