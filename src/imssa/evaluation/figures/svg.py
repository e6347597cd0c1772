"""Drawing with matplotlib into SVG that stands inside a page, in light or dark.

Text and axes are drawn in ``INK``, which becomes the page's own text colour (``currentColor``);
backgrounds stay clear. Figures are narrow, so that their text is legible on a phone. The colours of
data are those of Okabe and Ito (2008), told apart by colour-blind readers too.
"""

import html
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.figures.hover import forget, hover_data, label_series
from imssa.evaluation.words import NARROW

WIDTH_INCHES: Final = 4.3
WIDTH_PIXELS: Final = 640
"""Of a figure that is a picture in a text."""
LABEL_LENGTH: Final = 22
MANY_DECADES: Final = 2.5
"""From which on a logarithmic axis has labels at powers of ten only."""
MOST_TICKS: Final = 8
INK: Final = "#010203"
FAINT: Final = 0.25
BLUE: Final = "#0072b2"
RASTER_BLUE: Final = "#2b8ccc"
"""Of dots kept as an image, which the page cannot lighten: legible on either ground."""
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
VERMILLION: Final = "#d55e00"
SKY: Final = "#56b4e9"
PURPLE: Final = "#cc79a7"
YELLOW: Final = "#f0e442"
GREY: Final = "#8a8a8a"
PAGE_COLORS: Final = {BLUE: "blue"}
"""Colours that a page sets itself, by the name that it gives them."""

STYLE: Final[dict[str, Any]] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.labelsize": 9.5,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.alpha": FAINT,
    "grid.color": INK,
    "grid.linewidth": 0.5,
    "image.composite_image": False,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "imssa",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": 9.5,
    "ytick.color": INK,
    "ytick.labelsize": 9.5,
}

_RAISED: Final = str.maketrans(
    "-0123456789",
    "\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ZERO}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"
    "\N{SUPERSCRIPT FOUR}\N{SUPERSCRIPT FIVE}\N{SUPERSCRIPT SIX}\N{SUPERSCRIPT SEVEN}"
    "\N{SUPERSCRIPT EIGHT}\N{SUPERSCRIPT NINE}",
)

_IDS: Final = re.compile(r'\sid="([^"]+)"')
_USES: Final = re.compile(r'(\sid="|url\(#|href="#)([^")]+)')

_UNSAID: Final = {
    "svg": ("Date", "Creator", "Format", "Type"),
    "pdf": ("CreationDate", "Creator", "Producer"),
}
"""Metadata that would differ from run to run, or say nothing."""


@dataclass(frozen=True)
class Caption:
    """What a reader who cannot see a figure is told.

    Attributes:
        name: Prefix of the figure's ids; letters, digits and hyphens, unique on a page.
        title: What the figure is.
        description: What it shows, in a sentence with the main numbers.
    """

    name: str
    title: str
    description: str


def draw(caption: Caption, height_inches: float, paint: Callable[[Figure], None]) -> Drawing:
    """The SVG text of what ``paint`` draws; the same whatever the user's matplotlib settings.

    Args:
        caption: Title and description for screen readers.
        height_inches: Height beside a width of ``WIDTH_INCHES``.
        paint: Draws into an empty figure.
    """
    buffer = io.StringIO()
    with _styled():
        figure = _painted(FigureCanvasSVG, height_inches, paint)
        names = label_series(figure)
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(_UNSAID["svg"]))
        hover = hover_data(figure, names)
    svg = _for_a_page(buffer.getvalue(), caption, hover)
    return Drawing(svg, partial(_pdf, height_inches, paint))


def _pdf(height_inches: float, paint: Callable[[Figure], None]) -> bytes:
    buffer = io.BytesIO()
    with _styled():
        figure = _painted(FigureCanvasPdf, height_inches, paint)
        figure.savefig(buffer, format="pdf", metadata=dict.fromkeys(_UNSAID["pdf"]))
        forget(figure)
    return buffer.getvalue()


@contextmanager
def _styled() -> Iterator[None]:
    """Our own style, whatever the user's settings."""
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _painted(
    canvas: type[FigureCanvasBase], height_inches: float, paint: Callable[[Figure], None]
) -> Figure:
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    canvas(figure)
    paint(figure)
    return figure


def _for_a_page(svg: str, caption: Caption, hover: str) -> str:
    """Without prolog and fixed size; ids unique on the page; named for screen readers."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'<g id="series-(\d+)-', r'<g data-series="\1" id="series-\1-', svg)
    svg = _numbered(svg, caption.name)
    for color, name in PAGE_COLORS.items():  # the page lightens these on dark ground
        svg = svg.replace(color, f"var(--data-{name}, {color})")
    svg = svg.replace(INK, "currentColor").replace("'DejaVu Sans'", "system-ui, sans-serif")
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    title, about = f"{caption.name}-title", f"{caption.name}-description"
    told = f' data-hover="{_text(hover)}"' if hover else ""
    return (
        f'{head} role="img" aria-labelledby="{title} {about}"{told}>\n'
        f'<title id="{title}">{_text(caption.title)}</title>\n'
        f'<desc id="{about}">{_text(caption.description)}</desc>{body}'
    )


def _numbered(svg: str, name: str) -> str:
    """Ids by order of appearance: matplotlib's are hashes of numbers beyond the digits shown.

    Only inside of tags: words of a figure may look like references.
    """
    order = {old: f"{name}-{n}" for n, old in enumerate(_IDS.findall(svg))}

    def tag(found: re.Match[str]) -> str:
        return _USES.sub(lambda use: f"{use[1]}{order.get(use[2], use[2])}", found[0])

    return re.sub(r"<[^>]*>", tag, svg)


def _text(words: str) -> str:
    return html.escape(plain(words))


def plain(words: str) -> str:
    """Words without control characters, which XML cannot hold."""
    kept = (c if c.isprintable() or c == NARROW else "\N{REPLACEMENT CHARACTER}" for c in words)
    return "".join(kept)


def short(words: str) -> str:
    """Words for a label in a figure, at most ``LABEL_LENGTH`` characters of them."""
    words = plain(words)
    cut = f"{words[: LABEL_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"
    return words if len(words) <= LABEL_LENGTH else cut


def log_axis(axes: Axes) -> None:
    """A logarithmic horizontal axis with labels in plain text: powers of ten, or 1, 2 and 5 of few.

    To be called when all is drawn.
    """
    axes.set_xscale("log")
    low, high = sorted(axes.get_xlim())
    decades = math.log10(high / low)
    steps = (1.0,) if decades >= MANY_DECADES else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=MOST_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def power_of_ten(value: float) -> str:
    """A number on a logarithmic axis, in plain text: as it is, or with its power of ten.

    Example:
        >>> [power_of_ten(x) for x in (0.001, 20.0, 1000.0)]
        ['0.001', '20', '1000']
        >>> power_of_ten(2e-12) == "2\N{MULTIPLICATION SIGN}10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}"
        True
    """
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    digits, exponent = f"{value:.2e}".split("e")
    power = f"10{str(int(exponent)).translate(_RAISED)}"
    factor = f"{float(digits):g}"
    return power if factor == "1" else f"{factor}\N{MULTIPLICATION SIGN}{power}"


def percent_axis(axes: Axes, lowest: float) -> None:
    """A horizontal axis of per cent from below ``lowest`` (a fraction) to 100."""
    floor = max(0.0, 100.0 * lowest)
    margin = max(1.0, 0.06 * (100.0 - floor))
    ticks = np.asarray(MaxNLocator(nbins=6, integer=True).tick_values(floor, 100.0))
    axes.set_xticks(ticks[(ticks >= 0.0) & (ticks <= 100.0)])
    axes.set_xlim(max(0.0, floor - margin) if floor > 0 else -1.0, 100.0 + margin)
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
