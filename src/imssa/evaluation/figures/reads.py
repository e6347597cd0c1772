"""Figure of read noise: how repeated reads of devices and of pairs spread."""

from functools import partial
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.svg import ORANGE, RASTER_BLUE, VERMILLION, Caption, draw
from imssa.evaluation.pictures import ReadSpread
from imssa.evaluation.words import MICROSIEMENS, grouped, microsiemens

MICRO: Final = 1e-6
Values = Float64[np.ndarray, " n"]


def tell_read_noise(spread: ReadSpread) -> str:
    """What ``draw_read_noise`` shows, in sentences with the numbers."""
    return (
        f"Array {spread.array}, {spread.chip}: {grouped(spread.reads)} reads of each of "
        f"{grouped(len(spread.sigma_siemens))} devices, drawn by the chip's {spread.law}. Sigma of "
        f"a device: {microsiemens(_root_mean_square(spread.sigma_siemens), 3)} (root mean square; "
        f"by the law {microsiemens(_root_mean_square(spread.own_sigma_siemens), 3)}), largest "
        f"{microsiemens(float(spread.sigma_siemens.max()), 3)}. Sigma of a pair's weight: "
        f"{_root_mean_square(spread.pair_sigma_codes):.4f} codes (by the law "
        f"{_root_mean_square(spread.own_pair_sigma_codes):.4f}), largest "
        f"{spread.pair_sigma_codes.max():.4f}."
    )


def _root_mean_square(values: Values) -> float:
    return float(np.sqrt(np.mean(values**2)))


def draw_read_noise(spread: ReadSpread, name: str = "reads") -> Drawing:
    """Sigma of repeated reads: of devices against conductance, of pairs against their weight.

    Args:
        spread: From :func:`imssa.evaluation.effects.read_noise`.
        name: Prefix of the figure's ids.
    """
    caption = Caption(name, f"Read noise of array {spread.array}", tell_read_noise(spread))
    return draw(caption, 5.4, partial(_paint, spread=spread))


def _paint(figure: Figure, spread: ReadSpread) -> None:
    device, pair = figure.subplots(2, 1)
    conductance, sigma = spread.conductance_siemens / MICRO, spread.sigma_siemens / MICRO
    _dots(device, conductance, sigma, color=RASTER_BLUE, alpha=0.6, markersize=2.0, label="reads")
    device.plot(
        spread.level_siemens / MICRO,
        spread.level_sigma_siemens / MICRO,
        color=VERMILLION,
        linewidth=1.4,
        label="law, typical device",
    )
    device.set_xlabel(f"conductance in {MICROSIEMENS}")
    device.set_ylabel(f"sigma of a device in {MICROSIEMENS}")
    weight = spread.weight_codes
    _dots(pair, weight, spread.pair_sigma_codes, color=RASTER_BLUE, alpha=0.6, markersize=2.0)
    own = spread.own_pair_sigma_codes
    _dots(pair, weight, own, color=ORANGE, markersize=1.5, label="law, each pair")
    pair.set_xlabel("weight of a pair in codes")
    pair.set_ylabel("sigma of a pair in codes")
    for axes in (device, pair):
        axes.set_ylim(0.0, None)
        axes.grid(visible=True)
    handles = [*device.get_lines(), pair.get_lines()[-1]]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, markerscale=2.5)


def _dots(axes: Axes, x: Values, y: Values, **look: Any) -> None:
    axes.plot(x, y, linestyle="none", marker="o", markeredgewidth=0, rasterized=True, **look)
