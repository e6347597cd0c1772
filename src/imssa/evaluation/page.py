"""The page of a run: one self-contained HTML file without outside requests.

The figures, and with them matplotlib, are loaded only when a page is made.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from imssa.evaluation.intervals import wilson_interval
from imssa.evaluation.pages import accuracy, demand, devices, kernels, origin
from imssa.evaluation.pages.exporting import export
from imssa.evaluation.pages.material import Costs, Material, Trainings
from imssa.evaluation.pages.rendering import render
from imssa.evaluation.pages.sections import Document, Headline, Section
from imssa.evaluation.paired import mean_interval
from imssa.evaluation.report import Report, report_json
from imssa.evaluation.words import NARROW, PLUS_MINUS, grouped, percent
from imssa.program.files import write_atomically

__all__ = ["Costs", "Material", "Trainings", "document_of", "export", "page", "write_page"]

MOST_NAMED = 4


def write_page(material: Material, path: Path) -> None:
    """Writes the page, whole or not at all.

    Raises:
        OutputError: The place cannot be written.
    """
    write_atomically(path, page(material).encode())


def page(material: Material) -> str:
    """The page's HTML: the same for equal material, also for a report read from its file.

    Args:
        material: What it shows; every text in it is escaped.
    """
    return render(document_of(material))


def document_of(material: Material) -> Document:
    """The page of a run, free of layout; its figures and tables can be had as files, too."""
    report = Report.model_validate_json(report_json(material.report))  # keys in the file's order
    found = replace(material, report=report)
    names = report.class_names
    few = len(names) <= MOST_NAMED
    heading = (
        f"{_quoted(names)} on memristor arrays"
        if few
        else f"{len(names)} classes on memristor arrays"
    )
    return Document(
        title=f"imssa report: {', '.join(names)} on {report.chip_name}",
        kicker=(
            f"imssa {report.provenance.version} \N{MIDDLE DOT} realization {report.realization} "
            f"\N{MIDDLE DOT} simulated chip {report.chip_name}"
        ),
        heading=heading,
        lead=(_lead(report), _loss(report)),
        headlines=tuple(_headlines(found)),
        sections=tuple(_sections(found)),
        remarks=(_remark(report),) if report.contract.mismatches == 0 else (),
        alarms=(_alarm(report),) if report.contract.mismatches else (),
    )


def _quoted(names: tuple[str, ...]) -> str:
    marked = [f"\N{LEFT DOUBLE QUOTATION MARK}{n}\N{RIGHT DOUBLE QUOTATION MARK}" for n in names]
    return " and ".join([", ".join(marked[:-1]), marked[-1]])


def _lead(report: Report) -> str:
    arrays = report.resources.arrays
    return (
        f"A state-space network was trained on recordings of {_quoted(report.class_names)}, shrunk to "
        f"small integers, compiled onto {arrays} memristor crossbar array{'' if arrays == 1 else 's'} "
        f"and run there step by step. All accuracies are of the same {report.test_items} test "
        "recordings, which training never saw."
    )


def _loss(report: Report) -> str:
    loss = report.loss
    verb = "loses" if loss.mean >= 0 else "gains"
    return (
        f"Against software the chip {verb} {100 * abs(loss.mean):.1f} {PLUS_MINUS} "
        f"{100 * loss.standard_error:.1f} points on the same recordings (mean {PLUS_MINUS} standard "
        f"error over {report.test_items} recordings and {report.chip_instances} chips)."
    )


def _remark(report: Report) -> str:
    return (
        "Integer codes compared along the chain (training, integer network, program on the ideal chip): "
        f"{grouped(report.contract.codes_compared)}, none differed."
    )


def _alarm(report: Report) -> str:
    return (
        f"Of {grouped(report.contract.codes_compared)} integer codes compared along the chain, "
        f"{grouped(report.contract.mismatches)} differed: the numbers below are not to be trusted."
    )


def _headlines(material: Material) -> Iterator[Headline]:
    report = material.report
    chip, last, items = report.accuracy.chip, material.all_errors, report.test_items
    yield Headline(
        "Software",
        percent(report.accuracy.software),
        f"float network, {_between(wilson_interval(report.accuracy.software, items))}",
    )
    yield Headline(
        "Quantized",
        percent(report.accuracy.quantized),
        f"small integers, {_between(wilson_interval(report.accuracy.quantized, items))}",
    )
    several = "" if report.chip_instances == 1 else "s"
    yield Headline(
        "Chip, all errors on",
        percent(chip.mean),
        f"mean of {report.chip_instances} chip instance{several}, "
        f"{_between(mean_interval(chip.mean, last.standard_error, items))}; worst chip {percent(chip.min)}, "
        f"best {percent(chip.max)}",
        main=True,
    )
    uses = report.resources
    arrays = f"{uses.kernels} kernels, {percent(uses.utilization)} of the devices hold a weight"
    yield Headline("Arrays", grouped(uses.arrays), arrays)
    yield Headline("MVMs a step", grouped(uses.mvms_per_step), "analog matrix-vector multiplies")


def _between(ends: tuple[float, float]) -> str:
    return f"95{NARROW}% interval {100 * ends[0]:.1f} to {percent(ends[1])}"


def _sections(material: Material) -> Iterator[Section]:
    """The sections that have something to show, in order."""
    pictures = material.pictures
    yield accuracy.waterfall_section(material)
    yield accuracy.chips_section(material)
    yield accuracy.confusion_section(material)
    if pictures.responses:
        yield kernels.responses_section(material)
    if pictures.traces:
        yield kernels.traces_section(material)
    if pictures.poles is not None:
        yield kernels.poles_section(pictures.poles)
    if material.program is not None:
        yield devices.residents_section(material)
    if pictures.conductances:
        yield devices.conductances_section(pictures)
    if pictures.skipped or pictures.writing is not None or pictures.ir_drop is not None:
        yield devices.effects_section(pictures)
    if pictures.converters:
        yield devices.converters_section(pictures)
    yield from _last_sections(material)


def _last_sections(material: Material) -> Iterator[Section]:
    report = material.report
    if any(material.training.values()):
        yield demand.training_section(material)
    if material.costs:
        yield demand.costs_section(material.costs, material.verdict)
    yield demand.size_section(material)
    yield demand.resources_section(material)
    if report.not_modelled:
        yield origin.missing_section(material)
    yield origin.repeat_section(report.provenance, report.recipe, material.hashes, report.seconds)
    yield origin.glossary_section()
