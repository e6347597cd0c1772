"""From the files of a finished simulation to the report and its page."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imssa.evaluation import (
    STAGES,
    Accuracies,
    Confusion,
    Contract,
    InstanceAccuracy,
    Provenance,
    RealizationReport,
    Report,
    accuracy,
    confusion_matrix,
    doubts,
    load_pictures,
    load_report,
    make_report,
    measure_resources,
    measure_size,
    paired_loss,
    save_report,
    waterfall,
)
from imssa.evaluation.metrics import FURTHER_STAGES
from imssa.evaluation.words import MICROSIEMENS
from imssa.experiment.costs import read_costs, read_verdict
from imssa.experiment.folder import Folder
from imssa.hardware import ChipDescription
from imssa.models import ModelConfig, load_model
from imssa.program.files import kinds_in, read_arrays
from imssa.quantization.convert import load_contract, load_network
from imssa.training.log import Record, read_log

if TYPE_CHECKING:
    from imssa.evaluation.pages.material import Material


def write_results(folder: Folder, header: dict[str, Any], kind: str) -> Report:
    """Writes ``report.json`` and ``report.html`` of a folder whose simulations are done.

    Args:
        folder: The folder.
        header: Recipe, provenance and command line.
        kind: Kind of the simulation files.
    """
    start = time.perf_counter()
    model, model_header = load_model(folder.model)
    parts: dict[str, RealizationReport] = {
        name: _measure(folder, name, model.config, kind) for name in folder.realizations
    }
    own = folder.recipe.quantization.realization
    _, arrays, _ = read_arrays(folder.root / "simulation.safetensors", kind)
    found = header["provenance"]
    packages = {name: found[name] for name in ("numpy", "numba")}
    known = {name: value for name, value in found.items() if name not in packages}
    report = make_report(
        own,
        parts,
        recipe=header["recipe"],
        provenance=Provenance(**known, packages=packages, command=header["command"]),
        class_names=tuple(model_header["class_names"]),
        test_items=len(arrays["labels"]),
        chip_instances=folder.recipe.evaluation.chip_instances,
        chip_name=folder.recipe.chip.name,
        effects=effects_in_words(folder.recipe.chip),
        not_modelled=not_modelled(folder.recipe.chip),
        warnings=(
            *model_header.get("warnings", ()),
            *doubts(arrays["software"], arrays["labels"]),
        ),
        seconds=folder.seconds(),
    )
    from imssa.evaluation.page import write_page  # loads matplotlib

    file, page = folder.outputs("report")
    write_page(material_of(folder, report), page)
    seconds = {**report.seconds, "report": time.perf_counter() - start}
    report = report.model_copy(update={"seconds": seconds})
    save_report(report, file)
    return report


def material_of(folder: Folder, report: Report) -> "Material":
    """All that the page of a folder shows."""
    from imssa.evaluation.pages.material import Material

    return Material(
        report,
        load_pictures(folder.root / "pictures.safetensors"),
        read_logs(folder),
        folder.program(folder.recipe.quantization.realization),
        read_costs(folder.root),
        read_verdict(folder.root),
        content_hashes(folder.root),
    )


def write_files(folder: Folder, figures: Path | None, tables: Path | None) -> list[Path]:
    """Writes figures as SVG and PDF, and tables as CSV, of a folder that has its report.

    Raises:
        OutputError: A folder cannot be written.
        FileFormatError: The report is missing or damaged.
    """
    from imssa.evaluation.page import document_of
    from imssa.evaluation.pages.exporting import export

    report = load_report(folder.outputs("report")[0])
    return export(document_of(material_of(folder, report)), figures=figures, tables=tables)


def content_hashes(root: Path) -> dict[str, str]:
    """SHA-256 of the content of the recipe's own network, integer network and program."""
    found = {}
    for name in ("model", "quantized", "program"):
        path = root / f"{name}.safetensors"
        found[name] = read_arrays(path, kinds_in(path)[0])[2]
    return found


def read_logs(folder: Folder) -> dict[str, list[Record]]:
    """The logs of the trainings, as far as there are any."""
    paths = {**folder.logs("train"), **folder.logs("quantize")}
    return {name: read_log(path) for name, path in paths.items() if path.exists()}


def _measure(folder: Folder, name: str, config: ModelConfig, kind: str) -> RealizationReport:
    place = folder.of(name)
    header, arrays, _ = read_arrays(place / "simulation.safetensors", kind)
    network = load_network(place / "quantized.safetensors")
    program = folder.program(name)
    labels = arrays.pop("labels")
    before = load_contract(place / "quantized.safetensors")
    contract = {name: before[name] + header["contract"][name] for name in before}
    chip, classes = arrays["all"], len(network.class_names)
    stages = [s for s in (*STAGES, *FURTHER_STAGES) if s in arrays]
    rows = waterfall({s: arrays[s][0] if s == "ideal_chip" else arrays[s] for s in stages}, labels)

    def confusion(answers: Any) -> Any:
        return tuple(map(tuple, confusion_matrix(answers, labels, classes).tolist()))

    return RealizationReport(
        accuracy=Accuracies(
            float=accuracy(arrays["software"], labels),
            quantized=accuracy(arrays["quantized"], labels),
            ideal_chip=accuracy(arrays["ideal_chip"][0], labels),
            chip=InstanceAccuracy.from_answers(chip, labels),
        ),
        loss=paired_loss(arrays["software"], chip, labels),
        contract=Contract(**contract),
        waterfall=rows,
        confusion=Confusion(software=confusion(arrays["software"]), chip=confusion(chip)),
        size=measure_size(config, network, program),
        resources=measure_resources(program),
    )


def effects_in_words(chip: ChipDescription) -> dict[str, str]:
    """Strength of each effect of a chip, for the waterfall's labels."""
    words: dict[str, str] = {}
    if chip.programming is not None:
        share = chip.programming.spread_siemens / chip.window_siemens
        micro = chip.programming.spread_siemens * 1e6
        words["programming_error"] = (
            f"sigma {micro:.2f} {MICROSIEMENS} a device, {share:.1%} of the window"
        )
    if chip.read_noise is not None:
        top = float(chip.read_noise.sigma(np.array([chip.g_max_siemens]))[0]) * 1e6
        words["read_noise"] = (
            f"sigma {top:.2f} {MICROSIEMENS} at the window's top, new at each read"
        )
    if chip.stuck is not None:
        high, low = chip.stuck.high_rate, chip.stuck.low_rate
        words["stuck_devices"] = f"{high:.1%} stuck high, {low:.1%} stuck low"
    if chip.wires is not None:
        ohm = (chip.wires.word_line_resistance_ohm, chip.wires.bit_line_resistance_ohm)
        words["all"] = f"with wires of {ohm[0]:g} and {ohm[1]:g} ohm a segment, solved exactly"
    return words


def not_modelled(chip: ChipDescription) -> tuple[str, ...]:
    """What the simulated chip leaves out, in words."""
    missing = ["amplifier saturation, ADC offset, gain error and noise"]
    if chip.programming is None or chip.programming.law != "write-verify":
        missing.append(
            "the pulses of write-verify (what writing leaves is drawn from a fitted law)"
        )
    if chip.drift is None:
        missing.append("drift with time (off in this chip description)")
    if chip.wires is None:
        missing.append("wire resistance (off in this chip description)")
    return tuple(missing)
