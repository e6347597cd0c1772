"""Sections of figures on the page of a study."""

from collections.abc import Iterator
from typing import Final

from imssa.evaluation.pages.sections import Cell, Column, Figure, Section, Table
from imssa.evaluation.words import PLUS_MINUS, capital, percent
from imssa.study.figure import Curves, curves_of, draw_study
from imssa.study.findings import COSTS, Findings, front, priced, spans
from imssa.study.naming import is_number, place_in_words, prefixed, short_names, value_in_words
from imssa.study.pictures import Map, Trade, draw_cloud, draw_map, draw_trade
from imssa.study.summary import Mean, Place

FEW: Final = 4
"""Maps that are shown at once; more are shown when asked for."""

NEGLIGIBLE: Final = 0.005
BARS: Final = "Bars: standard errors over chips and recordings."


def figure_sections(findings: Findings) -> Iterator[Section]:
    """Accuracy along the axes, over two of them, and against costs."""
    grid = findings.study.config.search.kind == "grid"
    yield curve_section(findings) if grid else cloud_section(findings)
    numeric = numeric_axes(findings)
    if grid and len(numeric) > 1:
        yield map_section(findings, *numeric[:2])
    for cost in findings.costs:
        if len(priced(findings, cost)) > 1:
            yield trade_section(findings, cost)


def curve_section(findings: Findings) -> Section:
    """The study's figure, panel by panel."""
    curves = curves_of(findings.study, findings.table)
    layout, names = curves.layout, short_names(findings.columns)
    figures = []
    for number, panel in enumerate(curves.panels()):
        name = "accuracy" if panel is None else f"accuracy-{number}"
        drawing = draw_study(findings.study, curves.alone(panel), name, curves.ends)
        of = ""
        if panel is not None and layout.panels is not None:
            at = value_in_words(layout.panels, panel)
            of = f"{names.get(layout.panels, layout.panels)} {at}. "
        figures.append(Figure(name, drawing, f"{capital(of)}{_averaged(findings, curves)}"))
    return Section(
        "accuracy",
        f"Accuracy over {names.get(layout.x, layout.x)}",
        reading=" ".join(_strongest(findings)),
        figures=tuple(figures),
    )


def _averaged(findings: Findings, curves: Curves) -> str:
    columns = findings.study.columns
    names = short_names(columns)
    rest = [names[c] for c in columns if c not in curves.layout.names]
    if not rest:
        return BARS
    return f"Averaged over {', '.join(rest)}; bars: standard errors over these."


def _strongest(findings: Findings) -> Iterator[str]:
    """Which axis moves each accuracy most, over the others; only where no point is missing."""
    shown = [m for m in findings.measures if m not in ("float", "quantized")] or findings.measures
    shown = sorted(shown, key=lambda measure: measure != findings.main)
    names = short_names(findings.columns)
    for measure in shown:
        if not findings.complete(measure):
            yield f"{capital(measure)}: not every point is measured."
            continue
        found = spans(findings, measure)
        if not found:
            continue
        column = max(found, key=lambda c: found[c][1] - found[c][3])
        best, high, worst, low = found[column]
        if high - low < NEGLIGIBLE:
            yield f"{capital(measure)}: no axis moves the mean by half a point."
            continue
        over = ", averaged over the other axes" if len(findings.columns) > 1 else ""
        yield (
            f"{capital(measure)}: {names[column]} moves the mean most, from {percent(low)} at "
            f"{value_in_words(column, worst)} to {percent(high)} at {value_in_words(column, best)}{over}."
        )


def cloud_section(findings: Findings) -> Section:
    """All points of a search over each axis."""
    logs = {axis.name: axis.span is not None and axis.span.log for axis in findings.study.axes}
    measures = {measure: findings.of(measure) for measure in findings.measures}
    figures = tuple(
        Figure(
            f"cloud-{number}",
            draw_cloud(
                *(column, measures, findings.columns, f"cloud-{number}"),
                log=logs.get(column, False),
            ),
            f"Each dot is one point of the search, over {short_names(findings.columns)[column]}; the "
            "other axes vary too.",
        )
        for number, column in enumerate(findings.columns)
    )
    return Section(
        "accuracy",
        "Accuracy of the points that were visited",
        reading=f"A {findings.study.config.search.kind} search over "
        f"{len(findings.columns)} ax{'is' if len(findings.columns) == 1 else 'es'}.",
        figures=figures,
    )


def numeric_axes(findings: Findings) -> list[str]:
    """Axes with several numbers, that of the figure first."""
    found = []
    for column in findings.columns:
        values = {row[column] for row in findings.table}
        if len(values) > 1 and all(map(is_number, values)):
            found.append(column)
    x = findings.study.config.figure.x
    return sorted(found, key=lambda column: column != x)


def map_section(findings: Findings, columns: str, rows: str) -> Section:
    """Accuracy over two numeric axes, one map for each combination of the others."""
    rest = [c for c in findings.columns if c not in (rows, columns)]
    names, maps = short_names(findings.columns), dict[tuple[str, Place], Map]()
    for measure in findings.measures:
        for place, mean in findings.of(measure, [*rest, rows, columns]).items():
            key = (measure, place[: len(rest)])
            maps.setdefault(key, Map(rows, columns, {})).points[place[len(rest) :]] = mean
    values = [100 * mean.mean for shown in maps.values() for mean in shown.points.values()]
    ends = (min(values), max(values))
    figures, tables = [], []
    for number, ((measure, place), shown) in enumerate(maps.items()):
        at = place_in_words(dict(zip(rest, place, strict=True)), names)
        title = f"{measure}, {at}" if at else measure
        name = f"map-{number}"
        caption = f"{title}: mean accuracy in %; all maps of this page have the same colours."
        figures.append(Figure(name, draw_map(shown, title, name, ends), caption))
        tables.append(_map_table(shown, name, title))
    return Section(
        "maps",
        f"{capital(names[rows])} against {names[columns]}",
        reading=f"Mean accuracy in %, from {ends[0]:.1f} to {ends[1]:.1f}.",
        figures=tuple(figures[:FEW]),
        more=tuple(figures[FEW:]),
        tables=tuple(tables),
    )


def _map_table(shown: Map, name: str, title: str) -> Table:
    names = short_names([shown.rows, shown.columns])
    columns = shown.values(1)
    cells = []
    for row in shown.values(0):
        found = [shown.points.get((row, column)) for column in columns]
        cells.append((Cell(row, value_in_words(shown.rows, row)), *map(_accuracy, found)))
    headings = (
        Column(f"{names[shown.rows]} by {names[shown.columns]}", numeric=False),
        *(Column(value_in_words(shown.columns, column)) for column in columns),
    )
    return Table(name, f"{title}: accuracy, %", headings, tuple(cells), folded=True)


def _accuracy(mean: Mean | None) -> Cell:
    if mean is None:
        return Cell(None, "\N{EN DASH}")
    note = f"{PLUS_MINUS} {100 * mean.standard_error:.1f}"
    return Cell(100 * mean.mean, f"{100 * mean.mean:.1f}", note)


def trade_section(findings: Findings, cost: str) -> Section:
    """Accuracy against a cost: which points no other beats."""
    label, unit = COSTS.get(cost, (cost.replace("_", " "), ""))
    found = priced(findings, cost)
    scale, unit = prefixed((price.mean for price, _ in found.values()), unit)
    points = {place: (scale * price.mean, mean) for place, (price, mean) in found.items()}
    kept = front({place: (price, mean.mean) for place, (price, mean) in points.items()})
    told = f"{label} in {unit}" if unit else label
    trade = Trade(told, findings.main, findings.columns, points, kept)
    name = f"front-{cost.replace('_', '-')}"
    return Section(
        name,
        f"Accuracy against {label}",
        reading=_front_reading(trade),
        figures=(
            Figure(
                name,
                draw_trade(trade, name),
                f"{findings.main} against {told}, modelled. On the front, no other point is both "
                "cheaper and at least as accurate.",
            ),
        ),
        tables=(_front_table(trade, name),),
    )


def _front_reading(trade: Trade) -> str:
    (low, first), (high, last) = (trade.points[trade.front[n]] for n in (0, -1))
    if len(trade.front) == 1:
        return f"One point beats all others: {percent(first.mean)} for {low:.3g} ({trade.label})."
    return (
        f"{len(trade.front)} of {len(trade.points)} points are beaten by none: from "
        f"{percent(first.mean)} for {low:.3g} to {percent(last.mean)} for {high:.3g} ({trade.label})."
    )


def _front_table(trade: Trade, name: str) -> Table:
    names = short_names(trade.columns)
    rows = []
    for place in trade.front:
        cost, mean = trade.points[place]
        at = dict(zip(trade.columns, place, strict=True))
        words = place_in_words(at, names)
        rows.append((Cell(words, words), Cell(cost, f"{cost:.3g}"), _accuracy(mean)))
    headings = (Column("Point", numeric=False), Column(trade.label), Column("Accuracy, %"))
    return Table(name, "Points that no other beats", headings, tuple(rows))
