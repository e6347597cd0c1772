"""The page of a study: question, answer, figures, means, failures, and how to repeat it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imssa.errors import StudyError
from imssa.evaluation.pages.sections import Document, Headline, Section
from imssa.evaluation.words import PLUS_MINUS, capital, grouped, percent
from imssa.study.engine import known_plan
from imssa.study.findings import Ends, Findings
from imssa.study.folder import StudyFolder
from imssa.study.ledger import Outcome
from imssa.study.naming import MEASURES, place_in_words, short_names
from imssa.study.page_figures import figure_sections
from imssa.study.page_origin import definition_section, repeat_section
from imssa.study.page_tables import ends_table, failed_section, means_section
from imssa.study.plan import Standing
from imssa.study.table import table_of
from imssa.study.trials import Row

IN_SOFTWARE = ("float", "quantized")


@dataclass(frozen=True)
class Material:
    """What the page of a study is made from.

    Attributes:
        findings: The study and its results so far.
        standing: How far it is.
        rows: All rows that it will have, as far as its points are known.
        outcomes: Of its trials.
        origins: Where its networks were trained: provenances of the stages.
        origin: Provenance of the page, with the command that made it.
    """

    findings: Findings
    standing: Standing
    rows: list[Row]
    outcomes: dict[str, Outcome]
    origins: list[dict[str, Any]]
    origin: dict[str, Any]


def material_of(folder: StudyFolder, origin: dict[str, Any]) -> Material:
    """What a study's folder holds.

    Args:
        folder: The folder; the study may be unfinished.
        origin: Provenance of the page, with the command that made it.
    """
    plan, outcomes = known_plan(folder), folder.outcomes()
    table = table_of(plan.rows, outcomes)
    return Material(
        Findings(folder.study, table),
        plan.standing(outcomes),
        plan.rows,
        outcomes,
        folder.origins(),
        origin,
    )


def document_of(material: Material) -> Document:
    """The page of a study, free of layout; its figures and tables can be had as files, too.

    Raises:
        StudyError: Nothing was measured yet, and nothing failed either.
    """
    findings, standing = material.findings, material.standing
    config = findings.study.config
    if not findings.table:
        raise _refused(material)
    return Document(
        title=f"imssa study: {config.name}",
        kicker=_kicker(material),
        heading=config.question,
        lead=tuple(_lead(findings)),
        headlines=tuple(_headlines(findings, standing)),
        sections=tuple(_sections(material)),
        alarms=tuple(_alarms(standing)),
    )


def _refused(material: Material) -> StudyError:
    """Why there is nothing to show."""
    rule, remedy = "nothing was measured yet", "Run the study first."
    if material.outcomes:
        rule = "its trials were measured by another version of imssa, or for another state of the study"
        remedy = "Use that version, or run the study again."
    given = f"report of study {material.findings.study.config.name}"
    return StudyError(given=given, rule=rule, remedy=remedy)


def _kicker(material: Material) -> str:
    config, points = material.findings.study.config, material.standing.points
    dot = f" {chr(0xB7)} "
    return dot.join(
        [
            f"imssa {material.origin['version']}",
            f"study {config.name}",
            f"recipe {config.recipe}",
            f"{grouped(points)} point{'' if points == 1 else 's'}",
        ]
    )


def _lead(findings: Findings) -> Iterator[str]:
    """The answer in a sentence for each measure, the main one first."""
    if not findings.measures:
        yield "No accuracy was measured yet."
        return
    main = findings.main
    others = [m for m in findings.measures if m != main and m not in IN_SOFTWARE]
    for measure in (main, *others):
        yield f"{capital(measure)}: {_ends_in_words(findings, findings.ends(measure))}."


def _ends_in_words(findings: Findings, ends: Ends) -> str:
    names = short_names(findings.columns)
    best, worst = (place_in_words(findings.at(p), names) for p in (ends.best, ends.worst))
    if ends.points == 1:
        return f"{_sure(ends.high)} at the only point so far, {best}"
    if ends.high.mean == ends.low.mean:
        return f"{_sure(ends.high)} at all {ends.points} points"
    more = ""
    if ends.equal:
        more = f" and {ends.equal} other point{'' if ends.equal == 1 else 's'}"
    return f"best with {_sure(ends.high)} at {best}{more}; worst with {_sure(ends.low)} at {worst}"


def _sure(mean: Any) -> str:
    return f"{100 * mean.mean:.1f} {PLUS_MINUS} {percent(mean.standard_error)}"


def _headlines(findings: Findings, standing: Standing) -> Iterator[Headline]:
    names = short_names(findings.columns)
    if findings.measures:
        ends = findings.ends(findings.main)
        for label, place, mean in (
            ("best", ends.best, ends.high),
            ("worst", ends.worst, ends.low),
        ):
            note = (
                f"{PLUS_MINUS} {percent(mean.standard_error)} standard error; "
                f"{place_in_words(findings.at(place), names)}"
            )
            yield Headline(f"{findings.main}, {label}", percent(mean.mean), note, label == "best")
    for measure in IN_SOFTWARE:
        found = findings.of(measure)
        if found and measure != (findings.measures and findings.main):
            values = [mean.mean for mean in found.values()]
            low, high = min(values), max(values)
            note = "at every point" if low == high else f"at best; at worst {percent(low)}"
            yield Headline(f"{measure}, in software", percent(high), note)
    failed = f"{len(standing.failed)} failed" if standing.failed else "none failed"
    note = f"{grouped(standing.done)} of {grouped(standing.trials)}; {failed}"
    share = standing.done / max(standing.trials, 1)
    yield Headline("trials done", percent(int(100 * share) / 100, 0), note)


def _alarms(standing: Standing) -> Iterator[str]:
    left = standing.trials - standing.done - len(standing.failed)
    if left:
        to_go = f", {standing.trainings} trainings of networks" if standing.trainings else ""
        yield (
            f"Unfinished: {grouped(standing.done)} of {grouped(standing.trials)} trials are done "
            f"({percent(standing.done / standing.trials, 0)}); {grouped(left)} are to go{to_go}. All "
            "numbers are of the trials done."
        )
    if standing.failed:
        count = len(standing.failed)
        yield (
            f"{grouped(count)} trial{'' if count == 1 else 's'} failed and "
            f"{'is' if count == 1 else 'are'} in no mean; see below."
        )


def _sections(material: Material) -> Iterator[Section]:
    findings = material.findings
    if findings.measures:
        yield from figure_sections(findings)
        yield _ends_section(findings)
        yield means_section(findings)
    if material.standing.failed:
        yield failed_section(material.findings, material.rows, material.outcomes)
    yield definition_section(findings.study)
    yield repeat_section(findings.study, material.outcomes, material.origins, material.origin)


def _ends_section(findings: Findings) -> Section:
    shown = findings.answered
    return Section(
        "ends",
        "Best and worst",
        reading="Of each measure the best and the worst of all points; of equal ones the first.",
        tables=(ends_table(findings, shown),),
        terms=tuple((name, MEASURES[name]) for name in shown),
    )
