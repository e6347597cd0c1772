"""Tables on the page of a study: best and worst, all means, trials that failed."""

from collections.abc import Sequence
from typing import Final

from imssa.evaluation.pages.sections import Cell, Column, Section, Table, data_table, numbers
from imssa.evaluation.words import PLUS_MINUS, grouped
from imssa.study.findings import COSTS, Findings
from imssa.study.ledger import Outcome
from imssa.study.naming import is_number, place_in_words, short_names, value_in_words
from imssa.study.summary import Mean, Place
from imssa.study.trials import Row

MOST_OPEN: Final = 24
"""Rows of the table of means up to which it is open at once."""

MOST_ERRORS: Final = 20
"""Different errors that are shown; the file has all."""


def ends_table(findings: Findings, measures: Sequence[str]) -> Table:
    """The best and the worst point of each measure."""
    names = short_names(findings.columns)
    rows = []
    for measure in measures:
        ends = findings.ends(measure)
        cells = [Cell(measure, measure)]
        for place, mean in ((ends.best, ends.high), (ends.worst, ends.low)):
            words = place_in_words(findings.at(place), names)
            cells += [_accuracy(mean), Cell(words, words)]
        rows.append((*cells, Cell(ends.points, grouped(ends.points))))
    headings = (
        *(Column("Measure", numeric=False), Column("Best, %"), Column("at", numeric=False)),
        *(Column("Worst, %"), Column("at", numeric=False), Column("Points")),
    )
    return Table("ends", "Mean accuracy with its standard error", headings, tuple(rows))


def _accuracy(mean: Mean) -> Cell:
    note = f"{PLUS_MINUS} {100 * mean.standard_error:.1f}"
    return Cell(100 * mean.mean, f"{100 * mean.mean:.1f}", note)


def means_section(findings: Findings) -> Section:
    """All means of the study."""
    tables = [_means_table(findings)]
    if findings.costs:
        tables.append(_costs_table(findings))
    return Section(
        "means",
        "All means",
        reading="Mean accuracy of each point and measure, its standard error, and over how many chips.",
        tables=tuple(tables),
        notes=(
            (
                "Standard errors (s.e.) are over recordings and, where there are several, over chips "
                "(two-way random model). All points are asked the same recordings, so that differences "
                "between points are surer than their standard errors together."
            ),
        ),
    )


def _means_table(findings: Findings) -> Table:
    rows = []
    for measure in findings.answered:
        for place, mean in findings.of(measure).items():
            share, error = 100 * mean.mean, 100 * mean.standard_error
            rows.append(
                (
                    Cell(measure, measure),
                    *_axes(findings, place),
                    *(Cell(share, f"{share:.1f}"), Cell(error, f"{error:.1f}")),
                    Cell(mean.chips, str(mean.chips)),
                )
            )
    headings = (
        *(Column("Measure", numeric=False), *_headings(findings)),
        *(Column("Accuracy, %"), Column("s.e., %"), Column("Chips")),
    )
    folded = len(rows) > MOST_OPEN
    return Table("means", f"{grouped(len(rows))} means", headings, tuple(rows), folded=folded)


def _costs_table(findings: Findings) -> Table:
    found = {cost: findings.of(cost) for cost in findings.costs}
    places = list(dict.fromkeys(place for means in found.values() for place in means))
    rows = []
    for number, place in enumerate(places, 1):
        means = [means.get(place) for means in found.values()]
        values = [None if mean is None else mean.mean for mean in means]
        cells = numbers(values, lambda value: f"{value:.3g}")
        rows.append((Cell(number, str(number)), *_axes(findings, place), *cells))
    told = [", ".join(filter(None, COSTS.get(cost, (cost, "")))) for cost in found]
    headings = (Column("Point"), *_headings(findings), *(Column(words) for words in told))
    folded = len(rows) > MOST_OPEN
    return Table("costs", "Costs, modelled", headings, tuple(rows), folded=folded)


def _axes(findings: Findings, place: Place) -> list[Cell]:
    """The values of all axes, as they stand in the results and as they are told."""
    return [
        Cell(value, value_in_words(column, value)) for column, value in findings.at(place).items()
    ]


def _headings(findings: Findings) -> list[Column]:
    names = short_names(findings.columns)
    values = {c: {row[c] for row in findings.table} for c in findings.columns}
    return [Column(names[c], numeric=all(map(is_number, values[c]))) for c in findings.columns]


def failed_section(
    findings: Findings, rows: Sequence[Row], outcomes: dict[str, Outcome]
) -> Section:
    """Trials that failed, by their error."""
    names, by_error = short_names(findings.columns), dict[str, list[Row]]()
    for row in {row.trial: row for row in reversed(rows)}.values():
        outcome = outcomes.get(row.trial)
        if outcome is not None and outcome.error is not None:
            by_error.setdefault(outcome.error, []).insert(0, row)
    cells, listed = [], []
    for error, found in by_error.items():
        first = place_in_words(found[0].point.labels, names)
        points = len({tuple(row.point.labels.values()) for row in found})
        measures = ", ".join(dict.fromkeys(row.measure for row in found))
        told = f"first at {first}" if points > 1 else f"at {first}"
        cells.append(
            (
                Cell(error, error, f"{measures}; {told}"),
                *(Cell(len(found), grouped(len(found))), Cell(points, grouped(points))),
            )
        )
        listed += [(*row.point.labels.values(), row.measure, row.chip, error) for row in found]
    headings = (Column("Error", numeric=False), Column("Trials"), Column("Points"))
    kinds = f"{len(by_error)} different error{'' if len(by_error) == 1 else 's'}"
    shown = Table("errors", kinds, headings, tuple(cells[:MOST_ERRORS]))
    columns = (*findings.columns, "measure", "chip", "error")
    return Section(
        "failed",
        "Trials that failed",
        reading=f"{grouped(len(listed))} of {grouped(len({r.trial for r in rows}))} trials failed.",
        tables=(shown, data_table("failed", "Trials that failed", columns, listed)),
        notes=(
            "Mend what the errors say, then: imssa study run STUDY --out FOLDER --retry-failed.",
        ),
    )
