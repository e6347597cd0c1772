"""A drawn figure: SVG text for a page, that can also be had as files for a paper."""

import re
from collections.abc import Callable
from typing import Final

_FIXED_INK: Final = "#1b1b1f"
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

    def standalone(self) -> str:
        """The SVG as a file of its own: fixed colours and size in points, nothing for scripts."""
        svg = re.sub(r"\sdata-(?:hover|series)=\"[^\"]*\"", "", self)
        svg = re.sub(r"var\(--[\w-]+, (#[0-9a-f]+)\)", r"\1", svg)
        svg = svg.replace("currentColor", _FIXED_INK)
        svg = _VIEW_BOX.sub(r'width="\1pt" height="\2pt" \g<0>', svg, count=1)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{svg.rstrip()}\n'
