"""A drawn figure: SVG text for a page, that can also be had as files for a paper."""

import re
from collections.abc import Callable
from typing import Final

MARGIN: Final = 12
GROUND: Final = "#ffffff"
INK_OF_FILES: Final = "#1f2328"
_VIEW_BOX: Final = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


class Drawing(str):
    """The SVG text of a figure as it stands inside a page.

    Args:
        svg: The text, in the page's own colours.
        make_pdf: Draws the same figure as PDF.
    """

    __slots__ = ("_make_pdf",)
    _make_pdf: Callable[[], bytes]

    def __new__(cls, svg: str, make_pdf: Callable[[], bytes]) -> "Drawing":  # noqa: PYI034  # beartype knows no Self in methods
        """Keeps how the PDF is drawn beside the text."""
        drawing = super().__new__(cls, svg)
        drawing._make_pdf = make_pdf
        return drawing

    def pdf(self) -> bytes:
        """The same figure as PDF: equal figures give equal bytes."""
        return self._make_pdf()

    def standalone(self, width_pixels: int | None = None) -> str:
        """The SVG as a file of its own: fixed colours on a white ground, nothing for scripts.

        Args:
            width_pixels: Its width, margins included; None: its own size in points.
        """
        svg = re.sub(r"\sdata-(?:hover|series)=\"[^\"]*\"", "", self)
        svg = re.sub(r"var\(--[\w-]+, (#[0-9a-f]+)\)", r"\1", svg)
        svg = svg.replace("currentColor", INK_OF_FILES)
        found = _VIEW_BOX.search(svg)
        if found is None:
            return f"{svg.rstrip()}\n"
        height = float(found[2])
        width = float(found[1]) + 2 * MARGIN
        size = f'width="{width:g}pt" height="{height:g}pt"'
        if width_pixels is not None:
            size = f'width="{width_pixels}" height="{width_pixels * height / width:.0f}"'
        svg = svg.replace(found[0], f'{size} viewBox="{-MARGIN} 0 {width:g} {height:g}"', 1)
        head, body = svg.split(">", 1)
        ground = f'<rect x="{-MARGIN}" width="{width:g}" height="{height:g}" fill="{GROUND}"/>'
        return f"{head}>\n{ground}{body.rstrip()}\n"
