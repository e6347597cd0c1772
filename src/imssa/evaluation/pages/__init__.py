"""Pages: sections of figures and tables, in one HTML file or as files of a folder."""

from imssa.evaluation.pages.exporting import export
from imssa.evaluation.pages.rendering import render
from imssa.evaluation.pages.sections import (
    Cell,
    Column,
    Document,
    Figure,
    Headline,
    Section,
    Table,
)

__all__ = [
    "Cell",
    "Column",
    "Document",
    "Figure",
    "Headline",
    "Section",
    "Table",
    "export",
    "render",
]
