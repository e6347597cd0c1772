"""A document as one self-contained HTML file: no outside request, complete without its script."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.pages.sections import Document, Table

_HERE: Final = "imssa.evaluation.pages"


def render(document: Document) -> str:
    """The HTML text: the same for equal documents.

    Args:
        document: Every text in it is escaped; only drawings are taken as they are.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"svg": _svg, "data_link": _data_link}
    script = _text("document.js")
    return environment.from_string(_text("document.html.j2")).render(
        document=document,
        style=Markup(_text("document.css")),  # noqa: S704  # a file of ours
        script=Markup(script),  # noqa: S704  # a file of ours
        script_hash=_hash(f"\n{script}"),
    )


def _text(name: str) -> str:
    return (files(_HERE) / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """What the page's policy allows to run: this script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _svg(drawing: Drawing) -> Markup:
    return Markup(drawing)  # noqa: S704  # its texts were escaped when it was drawn


def _data_link(table: Table) -> str:
    """The CSV file as a link that holds it."""
    return f"data:text/csv;base64,{base64.b64encode(table.csv().encode()).decode()}"
