"""The page of a run: one self-contained HTML file without scripts or outside requests.

The figures, and with them matplotlib, are loaded only when a page is made.
"""

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import tomli_w
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from imssa.evaluation.metrics import unseen_error_bound
from imssa.evaluation.pictures import Pictures
from imssa.evaluation.report import Report, report_json
from imssa.evaluation.words import (
    KIND_NAMES,
    STAGE_MEANINGS,
    STAGE_NAMES,
    grouped,
    percent,
    points,
)
from imssa.program.files import write_atomically

Value = TypeVar("Value")
Trainings = Mapping[str, Sequence[Mapping[str, Any]]]
NO_TRAININGS: Final[Trainings] = {}
SHOWN_ARRAYS: Final = 6
SHOWN_TRACES: Final = 4
FLOW: Final = ("data", "train", "quantize", "compile", "simulate", "report")
PART_NAMES: Final = {
    "weights_A": "weights A",
    "weights_B": "weights B",
    "weights_C": "weights C",
    "weights_D": "weights D",
    "weights_encoder": "weights of the encoder",
    "weights_mixing": "weights of the mixing maps",
    "weights_decoder": "weights of the decoder",
    "biases": "biases",
    "scales": "multipliers and shifts",
    "full_scales": "ADC full scales",
    "decay_shifts": "decay shifts",
    "activation_tables": "activation tables",
    "mean_table": "table of the mean",
    "input_step": "input step",
}


def write_page(
    report: Report, pictures: Pictures, path: Path, training: Trainings = NO_TRAININGS
) -> None:
    """Writes the page, whole or not at all.

    Raises:
        OutputError: The place cannot be written.
    """
    write_atomically(path, page(report, pictures, training).encode())


def page(report: Report, pictures: Pictures, training: Trainings = NO_TRAININGS) -> str:
    """The page's HTML: the same for equal reports and pictures, also for a report read from its file.

    Args:
        report: All numbers; every text in it is escaped.
        pictures: The arrays behind traces, conductance maps and poles.
        training: Epochs of each training, by the realization or "float".
    """
    report = Report.model_validate_json(report_json(report))  # keys in the file's order
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"percent": percent, "points": points, "grouped": grouped}
    source = (files("imssa.evaluation") / "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        report=report,
        figures={**_figures(report, pictures), "training": _training(training)},
        pictures=pictures,
        stage_names=STAGE_NAMES,
        stage_meanings=STAGE_MEANINGS,
        demand=demand_rows(report),
        parts=_ordered(report.size.quantized_bytes_by_part, PART_NAMES),
        part_names=PART_NAMES,
        seconds=_ordered(report.seconds, FLOW),
        realizations=_ordered(report.realizations, (report.realization,)),
        recipe=recipe_text(report.recipe),
        unseen=unseen_error_bound(report.test_items),
        perfect=any(row.accuracy == 1 for row in report.waterfall),
        matrices=_matrices(report),
    )


def _ordered(values: Mapping[str, Value], first: Collection[str]) -> dict[str, Value]:
    """The values with the names of ``first`` in front."""
    names = [name for name in first if name in values]
    return {name: values[name] for name in [*names, *(n for n in values if n not in names)]}


def _figures(report: Report, pictures: Pictures) -> dict[str, Any]:
    """All figures as markup; those without data are left out."""
    from imssa.evaluation import figures

    size = report.size
    parts = _ordered(report.realizations, (report.realization,))
    chips = {name: part.accuracy.chip for name, part in parts.items()}
    sizes = {
        "float parameters": size.float_bytes,
        "quantized network": size.quantized_bytes,
        "float state": size.float_state_bytes,
        "quantized state": size.state_bytes,
    }
    traces = pictures.traces[:SHOWN_TRACES]
    arrays = pictures.conductances[:SHOWN_ARRAYS]
    return {
        "waterfall": Markup(figures.draw_waterfall(report.waterfall)),  # noqa: S704
        "instances": Markup(figures.draw_instances(chips)),  # noqa: S704
        "operations": Markup(figures.draw_operations(size.operations_per_step)),  # noqa: S704
        "bytes": Markup(figures.draw_bytes(sizes)),  # noqa: S704
        "traces": [Markup(figures.draw_trace(t, f"trace-{n}")) for n, t in enumerate(traces)],  # noqa: S704
        "conductances": [
            (
                Markup(figures.draw_conductance(a, f"conductance-{n}")),  # noqa: S704
                figures.tell_conductance(a),
            )
            for n, a in enumerate(arrays)
        ],
        "effects": _effects(pictures),
        "poles": Markup(figures.draw_poles(pictures.poles)) if pictures.poles else None,  # noqa: S704
    }


def _training(training: Trainings) -> list[tuple[Markup, str]]:
    """The course of each training that has a log, with its caption."""
    from imssa.evaluation.figures import draw_training, tell_training

    return [
        (Markup(draw_training(records, name, f"training-{n}")), tell_training(records, name))  # noqa: S704
        for n, (name, records) in enumerate(training.items())
        if records
    ]


def _effects(pictures: Pictures) -> list[tuple[Markup, str]]:
    """What each effect of the chip does: figures with their captions."""
    from imssa.evaluation import figures

    found = []
    if pictures.writing is not None and pictures.conductances:
        written = (pictures.conductances, pictures.writing)
        found += [
            (
                figures.draw_actual_against_target(*written),
                figures.tell_actual_against_target(*written),
            ),
            (figures.draw_programming_error(*written), figures.tell_programming_error(*written)),
        ]
    if pictures.reads is not None:
        found.append(
            (figures.draw_read_noise(pictures.reads), figures.tell_read_noise(pictures.reads))
        )
    if pictures.ir_drop is not None:
        found.append(
            (figures.draw_ir_drop(pictures.ir_drop), figures.tell_ir_drop(pictures.ir_drop))
        )
    return [(Markup(svg), told) for svg, told in found]  # noqa: S704


def _matrices(report: Report) -> list[Markup]:
    from imssa.evaluation.figures import draw_confusion

    matrices = (
        ("software", "Software", report.confusion.software),
        ("chip", f"{report.chip_instances} chips, all errors on", report.confusion.chip),
    )
    return [
        Markup(  # noqa: S704
            draw_confusion(np.array(counts), report.class_names, title, f"confusion-{name}")
        )
        for name, title, counts in matrices
    ]


def demand_rows(report: Report) -> list[tuple[str, list[int]]]:
    """Operations of one time step by kind: name, then float, quantized, chip."""
    demand = report.size.operations_per_step
    forms = (demand.in_floats, demand.quantized, demand.chip)
    kinds = [kind for kind in KIND_NAMES if any(kind in form for form in forms)]
    kinds += sorted({kind for form in forms for kind in form} - set(KIND_NAMES))
    return [(KIND_NAMES.get(kind, kind), [form.get(kind, 0) for form in forms]) for kind in kinds]


def recipe_text(recipe: dict[str, Any]) -> str:
    """The recipe as TOML; keys that are off (None) are left out, as TOML has no word for it."""
    return tomli_w.dumps(_without_none(recipe))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_without_none(v) for v in value if v is not None]
    return value
