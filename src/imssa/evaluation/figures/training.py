"""The figure of a training: losses over the epochs, from its log."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.svg import BLUE, GREY, INK, ORANGE, Caption, draw
from imssa.evaluation.words import percent

Records = Sequence[Mapping[str, Any]]
"""One mapping an epoch, as the training log has them."""


def draw_training(
    records: Records, name: str, figure_name: str = "training", *, last: bool = False
) -> Drawing:
    """Training and validation loss over the epochs, below them accuracy and the gradient's norm.

    Args:
        records: The epochs, at least one.
        name: Which training: a realization, or "float".
        figure_name: Prefix of the figure's ids.
        last: Whether the last epoch was kept, not that of the lowest validation loss.
    """
    caption = Caption(figure_name, f"Training: {name}", tell_training(records, name, last=last))
    return draw(caption, 3.6, partial(_paint_training, records=records, last=last))


def tell_training(records: Records, name: str, *, last: bool = False) -> str:
    """A training in words."""
    start, end = records[0], records[-1]
    told = (
        f"{name}: training loss from {start['train_loss']:.3f} to {end['train_loss']:.3f} "
        f"in {len(records)} epochs"
    )
    number = kept_epoch(records, last=last)
    if number is None:
        return f"{told}, without validation data."
    row = records[number - 1]
    kept = f"validation loss {row['validation_loss']:.3f}, accuracy "
    return f"{told}. Ring: epoch {number}, which was kept ({kept}{percent(row['validation_accuracy'])})."


def kept_epoch(records: Records, *, last: bool) -> int | None:
    """The last epoch, or the first of the lowest validation loss, from 1; None: not validated."""
    losses = _values(records, "validation_loss")
    if np.isnan(losses).all():
        return None
    return len(records) if last else int(np.nanargmin(losses)) + 1


def _values(records: Records, key: str) -> Float64[np.ndarray, " epochs"]:
    return np.array([np.nan if r[key] is None else r[key] for r in records], np.float64)


def _paint_training(figure: Figure, records: Records, *, last: bool) -> None:
    epochs = np.arange(1, len(records) + 1)
    kept = kept_epoch(records, last=last)
    validated = kept is not None
    ratios = (3.0, 1.5, 1.3) if validated else (3.0, 1.0)
    panels = list(figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios))
    _paint_losses(panels[0], epochs, records, kept)
    marker = "." if len(records) == 1 else ""
    if validated:
        share = 100 * _values(records, "validation_accuracy")
        panels[1].plot(epochs, share, color=ORANGE, marker=marker, label="validation")
        panels[1].set_ylabel("accuracy, %")
    panels[-1].plot(epochs, _values(records, "gradient_norm"), color=GREY, marker=marker)
    panels[-1].set_ylabel("gradient")
    panels[-1].set_xlabel("epoch")
    panels[-1].locator_params(axis="x", integer=True, nbins=8)
    for axes in panels[1:]:
        axes.locator_params(axis="y", nbins=3)
        axes.grid(visible=True)


def _paint_losses(axes: Axes, epochs: np.ndarray, records: Records, kept: int | None) -> None:
    validated = _values(records, "validation_loss")
    marker = "." if len(records) == 1 else ""
    axes.plot(epochs, _values(records, "train_loss"), color=BLUE, marker=marker, label="training")
    if kept is not None:
        axes.plot(epochs, validated, color=ORANGE, marker=marker, label="validation")
        axes.plot(
            [kept], [validated[kept - 1]], "o", color=INK, fillstyle="none", label="kept epoch"
        )
    axes.set_ylabel("loss")
    axes.legend()
    axes.grid(visible=True)
    if all(np.nanmin(np.asarray(line.get_ydata())) > 0 for line in axes.lines):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
