"""The figures and tables of a document as files."""

from pathlib import Path

from imssa.errors import OutputError
from imssa.evaluation.pages.sections import Document
from imssa.program.files import write_atomically


def export(document: Document, *, figures: Path | None, tables: Path | None) -> list[Path]:
    """Writes each figure as SVG and PDF, and each table as CSV.

    Args:
        document: Whose.
        figures: Folder of the figures, made when missing; None: none are written.
        tables: Folder of the tables; None: none are written.

    Returns:
        The files.

    Raises:
        OutputError: A folder cannot be written.
    """
    files: dict[Path, bytes] = {}
    for section in document.sections:
        if figures is not None:
            for figure in (*section.figures, *section.more):
                files[figures / f"{figure.name}.svg"] = figure.drawing.standalone().encode()
                files[figures / f"{figure.name}.pdf"] = figure.drawing.pdf()
        if tables is not None:
            for table in section.tables:
                files[tables / f"{table.name}.csv"] = table.csv().encode()
    for folder in {path.parent for path in files}:
        _make(folder)
    for path, data in files.items():
        write_atomically(path, data)
    return list(files)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            given=str(folder),
            rule=f"it cannot be a folder of figures or tables ({error.strerror or error})",
            remedy="Name another folder.",
        ) from error
