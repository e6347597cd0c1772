"""What a page is made of, free of any layout: a document of sections of figures and tables."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from imssa.evaluation.figures.drawing import Drawing
from imssa.evaluation.words import NARROW

Value = str | int | float | None


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        value: For the CSV file and for sorting; None: nothing.
        text: As the page shows it.
        note: A smaller line below.
    """

    value: Value
    text: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    """Heading of a column; numbers stand on the right and are sorted as such."""

    name: str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table, and its CSV file.

    Attributes:
        name: Of the file, and of the table on the page: letters, digits and hyphens.
        caption: What it lists.
        columns: One a column; the first column names the rows.
        rows: As many cells each.
        shown: Whether the page shows it, or offers the CSV file alone.
        folded: Whether the page shows it only when asked.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: bool = True
    folded: bool = False

    def csv(self) -> str:
        """Comma-separated values with one line of headings; a number has all its digits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name.replace(NARROW, " ") for column in self.columns])
        writer.writerows(
            ["" if cell.value is None else cell.value for cell in row] for row in self.rows
        )
        return text.getvalue()


@dataclass(frozen=True)
class Figure:
    """A figure with its caption.

    Attributes:
        name: Of its files: letters, digits and hyphens, unique in a document.
        drawing: The figure.
        caption: What it shows, and how to read it.
    """

    name: str
    drawing: Drawing
    caption: str


@dataclass(frozen=True)
class Section:
    """One question of a page and its answer.

    Attributes:
        name: Letters, digits and hyphens, unique in a document.
        title: What it is about.
        reading: The answer in one sentence.
        figures: What it shows.
        tables: What it lists.
        text: Paragraphs below the reading: what one has to know to read the figures.
        notes: Smaller paragraphs at the end.
        more: Figures that are shown when asked for.
        items: A list, after the reading.
        terms: Names and what they are.
        code: Titles and texts to be copied; the first is open.
    """

    name: str
    title: str
    reading: str = ""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    more: tuple[Figure, ...] = ()
    items: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    code: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Headline:
    """One number at the top.

    Attributes:
        label: What it is.
        number: As it is shown.
        note: How sure it is, or of what.
        main: Whether it is the one that the page is about.
    """

    label: str
    number: str
    note: str = ""
    main: bool = False


@dataclass(frozen=True)
class Document:
    """A page.

    Attributes:
        title: Of the window.
        kicker: A line above the heading.
        heading: Of the page.
        lead: Paragraphs below it: what was done, what came of it.
        headlines: The main numbers.
        remarks: Further paragraphs below these.
        alarms: What must not be overlooked.
        sections: In order.
    """

    title: str
    kicker: str
    heading: str
    lead: tuple[str, ...]
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    remarks: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


def words(text: str, note: str = "") -> Cell:
    """A cell of words."""
    return Cell(text, text, note)


def numbers(values: Iterable[float | int | None], show: Callable[[float], str]) -> list[Cell]:
    """Cells of numbers, all shown alike; None is a dash."""
    return [Cell(v, "\N{EN DASH}" if v is None else show(float(v))) for v in values]


def columns(first: str, *others: str) -> tuple[Column, ...]:
    """The headings of a table whose first column names the rows and whose others are numbers."""
    return (Column(first, numeric=False), *(Column(name) for name in others))


def data_table(
    name: str, caption: str, headings: Sequence[str], rows: Iterable[Sequence[Value]]
) -> Table:
    """A table of plain values that is had as a CSV file alone."""
    cells = tuple(tuple(Cell(value, str(value)) for value in row) for row in rows)
    return Table(name, caption, tuple(Column(h) for h in headings), cells, shown=False)
