"""The waterfall as a table for the terminal."""

from rich.table import Table
from rich.text import Text

from imssa.evaluation.report import Report
from imssa.evaluation.words import STAGE_NAMES, points


def waterfall_table(report: Report) -> Table:
    """Accuracy at each stage of the recipe's realization, and the other realizations on the chip.

    Args:
        report: What is shown; names in it are not read as markup.
    """
    recordings = f"{report.test_items} test recordings"
    table = Table(
        title=Text(f"Accuracy in %, {report.realization}, {recordings}"),
        caption="s.e.: standard error over recordings and chips",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("stage")
    for name in ("accuracy", "s.e.", "to software", "chips"):
        table.add_column(name, justify="right")
    first = report.waterfall[0].accuracy
    for row in report.waterfall:
        table.add_row(
            STAGE_NAMES[row.stage],
            f"{100 * row.accuracy:.1f}",
            f"{100 * row.standard_error:.1f}",
            points(row.accuracy - first),
            f"{row.chips}",
            end_section=row.stage in {"ideal_chip", "stuck_devices", "all"},
        )
    for name, part in report.realizations.items():
        if name == report.realization:
            continue
        last = part.waterfall[-1]
        table.add_row(
            Text(f"{name}, {STAGE_NAMES[last.stage]}"),
            f"{100 * last.accuracy:.1f}",
            f"{100 * last.standard_error:.1f}",
            points(last.accuracy - part.waterfall[0].accuracy),
            f"{last.chips}",
        )
    return table
