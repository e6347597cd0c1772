"""The command that sets runs side by side: compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import RUN_PANEL, Figures, Json, Tables

if TYPE_CHECKING:
    from imssa.evaluation.comparison import Difference, Run
    from imssa.evaluation.pages.sections import Table

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of finished runs, two or more.")
]


@app.command(rich_help_panel=RUN_PANEL)
def compare(
    runs: Runs,
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write a page.")] = None,
    figures: Figures = None,
    tables: Tables = None,
    as_json: Json = False,
) -> None:
    """Set runs side by side: numbers, paired differences, and in what their recipes differ.

    The first run is what the others are held against; differences are paired where the test items
    are the same.

        imssa compare out/leaky out/direct --out compare.html
    """
    from imssa.evaluation.comparison import differences, unpaired
    from imssa.evaluation.pages import comparison, export, render
    from imssa.experiment.comparing import load_runs
    from imssa.program.files import write_atomically

    found = load_runs(runs)
    paired, others = differences(found), unpaired(found)
    lines: list[Any] = [_shown(comparison.headline_table(found))]
    if paired:
        lines.append(_shown(comparison.difference_table(paired)))
    lines += [
        f"{label}: tested on other items than {found[0].label}: nothing is paired"
        for label in others
    ]
    lines.append(_shown(comparison.recipe_table(found)))
    files = []
    if out is not None or figures or tables:
        document = comparison.comparison_of(found)
        files = export(document, figures=figures, tables=tables or figures)
        if out is not None:
            write_atomically(out, render(document).encode())
            files.append(out)
    value = {"files": [str(path) for path in files], **_plain(found, paired)}
    Shown(as_json=as_json, quiet=False).result(value, *lines, *(f"Wrote {p}" for p in files[-1:]))


def _shown(table: "Table") -> Any:
    """A table of a page for the terminal; names in it are not read as markup."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(title=Text(table.caption), title_justify="left")
    for column in table.columns:
        shown.add_column(
            Text(column.name), justify="right" if column.numeric else "left", overflow="fold"
        )
    for row in table.rows:
        shown.add_row(*(Text(f"{c.text}, {c.note}" if c.note else c.text) for c in row))
    return shown


def _plain(runs: "list[Run]", paired: "list[Difference]") -> dict[str, Any]:
    """The comparison for JSON."""
    from imssa.evaluation.comparison import recipe_differences, unpaired

    return {
        "runs": [
            {"label": run.label, "accuracy": run.report.accuracy.model_dump(mode="json")}
            for run in runs
        ],
        "differences": [
            {
                "stage": one.stage,
                "first": one.first,
                "second": one.second,
                **one.paired._asdict(),
                "interval": list(one.paired.interval),
            }
            for one in paired
        ],
        "not_paired": unpaired(runs),
        "recipe": dict(recipe_differences(runs)),
    }
