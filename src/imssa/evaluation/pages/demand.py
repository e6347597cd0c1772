"""Sections of size, demand, costs and training."""

from collections.abc import Mapping

from imssa.evaluation.figures import draw_bytes, draw_costs, draw_operations, draw_training
from imssa.evaluation.figures.training import kept_epoch, tell_training
from imssa.evaluation.pages.material import Costs, Material, ordered
from imssa.evaluation.pages.sections import (
    Cell,
    Column,
    Figure,
    Section,
    Table,
    columns,
    data_table,
    numbers,
    words,
)
from imssa.evaluation.report import Report
from imssa.evaluation.words import KIND_NAMES, capital, grouped

PART_NAMES = {
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
EPOCH_KEYS = ("epoch", "train_loss", "validation_loss", "validation_accuracy", "gradient_norm")


def training_section(material: Material) -> Section:
    """The course of each training that has a log."""
    found = {name: records for name, records in material.training.items() if records}
    last = {name: _keeps_last(material.report, name) for name in found}
    figures = tuple(
        Figure(
            f"training-{n}",
            draw_training(records, name, f"training-{n}", last=last[name]),
            capital(tell_training(records, name, last=last[name])),
        )
        for n, (name, records) in enumerate(found.items())
    )
    tables = tuple(
        data_table(
            f"training-{n}",
            f"Epochs: {name}",
            EPOCH_KEYS,
            [[record.get(key) for key in EPOCH_KEYS] for record in records],
        )
        for n, (name, records) in enumerate(found.items())
    )
    epochs = ", ".join(f"{name} {len(records)} epochs" for name, records in found.items())
    validated = all(kept_epoch(found[n], last=last[n]) is not None for n in found)
    rules = dict.fromkeys(
        "the last" if one else "the best by validation loss" for one in last.values()
    )
    told = f"kept: {', '.join(rules)}" if validated else "without validation data"
    return Section(
        "training",
        "How training went",
        reading=f"{capital(epochs)}; {told}.",
        figures=figures,
        tables=tables,
    )


def _keeps_last(report: Report, name: str) -> bool:
    """Whether a training kept its last epoch."""
    section = "float_training" if name == "float" else "quantized_training"
    return bool(report.recipe.get(section, {}).get("keep") == "last")


def demand_rows(report: Report) -> list[tuple[str, list[int]]]:
    """Operations of one time step by kind: name, then float, quantized, chip."""
    demand = report.size.operations_per_step
    forms = (demand.in_floats, demand.quantized, demand.chip)
    kinds = [kind for kind in KIND_NAMES if any(kind in form for form in forms)]
    kinds += sorted({kind for form in forms for kind in form} - set(KIND_NAMES))
    return [(KIND_NAMES.get(kind, kind), [form.get(kind, 0) for form in forms]) for kind in kinds]


def size_section(material: Material) -> Section:
    """Bytes and operations of the three forms of the network."""
    report = material.report
    size = report.size
    sizes = {
        "float parameters": size.float_bytes,
        "quantized network": size.quantized_bytes,
        "float state": size.float_state_bytes,
        "quantized state": size.state_bytes,
    }
    smaller = size.float_bytes / max(size.quantized_bytes, 1)
    return Section(
        "size",
        "Size and computational demand",
        reading=(
            f"The quantized network takes {grouped(size.quantized_bytes)} bytes, {smaller:.1f} times "
            f"less than in floats, and {grouped(size.state_bytes)} bytes of state however long the "
            "sequence is."
        ),
        text=(
            (
                "State memory is what has to be kept from one time step to the next. Operations are counted "
                "for one time step; what runs once a sequence (mean, decoder, answer) is left out. Zero "
                "weights count like others. These are counts, not energies: a float multiplication, an "
                "integer addition and a shift differ widely in what they cost."
            ),
        ),
        figures=(
            Figure(
                "bytes",
                draw_bytes(sizes),
                f"{grouped(size.parameters)} parameters; float: 4 bytes each; quantized: bits packed by "
                "group, with biases, scales and tables.",
            ),
            Figure(
                "operations",
                draw_operations(size.operations_per_step),
                "Digital operations and conversions of one time step; a multiply-accumulate counts as "
                "two. What happens inside the arrays is in the table.",
            ),
        ),
        tables=(_operations_table(report), _bytes_table(report)),
    )


def _operations_table(report: Report) -> Table:
    def show(count: float) -> str:
        return grouped(int(count))

    rows = tuple(
        (words(name), *numbers([count or None for count in counts], show))
        for name, counts in demand_rows(report)
    )
    headings = columns("A time step takes", "float", "quantized", "chip")
    return Table("operations", "Operations of one time step", headings, rows)


def _bytes_table(report: Report) -> Table:
    parts = ordered(report.size.quantized_bytes_by_part, PART_NAMES)
    rows = [
        (words(PART_NAMES.get(name, name)), Cell(count, grouped(count)))
        for name, count in parts.items()
    ]
    total = report.size.quantized_bytes
    rows.append((words("sum"), Cell(total, grouped(total))))
    headings = columns("Part", "Bytes")
    caption = "The quantized network\N{RIGHT SINGLE QUOTATION MARK}s bytes by part"
    return Table("bytes", caption, headings, tuple(rows), folded=True)


def resources_section(material: Material) -> Section:
    """What the program takes on the chip."""
    uses = material.report.resources
    rows = [
        ("arrays", uses.arrays, ""),
        ("kernels", uses.kernels, ""),
        ("devices on these arrays", uses.devices, ""),
        ("devices used", uses.devices_used, "hold a weight of A, B, C or D, two devices a weight"),
        (
            "devices written",
            uses.devices_written,
            "also those that must hold zero because a driven word line crosses a bit line that is read",
        ),
        ("analog MVMs a time step", uses.mvms_per_step, ""),
    ]
    cells = [
        (words(name, note), *numbers([count], lambda v: grouped(int(v))))
        for name, count, note in rows
    ]
    share = Cell(100 * uses.utilization, f"{100 * uses.utilization:.1f} %")
    cells.insert(5, (words("utilization", "devices used / devices on these arrays"), share))
    return Section(
        "resources",
        "What the chip is used for",
        reading=(
            f"{grouped(uses.devices_used)} of {grouped(uses.devices)} devices hold a weight; "
            f"{uses.mvms_per_step} analog matrix-vector multiplies run a time step."
        ),
        tables=(Table("resources", "Arrays and devices", columns("What", "Count"), tuple(cells)),),
    )


def costs_section(costs: Costs, verdict: tuple[str, ...]) -> Section:
    """Energy, latency and area by part, each from low to high, and what they say in sentences."""
    figures = tuple(
        Figure(
            f"costs-{n}",
            draw_costs(parts, quantity, f"costs-{n}"),
            f"{quantity}: bar from low to high, dot: typical; both by published constants.",
        )
        for n, (quantity, parts) in enumerate(costs.items())
        if any(found["high"] > 0.0 for found in parts.values())
    )
    totals = [
        f"{quantity}: {_sum(parts, 'typical'):.3g} (from {_sum(parts, 'low'):.3g} to "
        f"{_sum(parts, 'high'):.3g})"
        for quantity, parts in costs.items()
    ]
    return Section(
        "costs",
        "What it costs",
        reading=f"{'; '.join(totals)}.",
        text=("Modelled, not measured: constants of publications, each as a range.", *verdict),
        figures=figures,
        tables=tuple(_cost_table(n, q, parts) for n, (q, parts) in enumerate(costs.items())),
    )


def _sum(parts: Mapping[str, Mapping[str, float]], end: str) -> float:
    return sum(found[end] for found in parts.values())


def _cost_table(number: int, quantity: str, parts: Mapping[str, Mapping[str, float]]) -> Table:
    ends = ("low", "typical", "high")
    rows = [
        (words(part), *numbers([found[end] for end in ends], lambda v: f"{v:.3g}"))
        for part, found in parts.items()
    ]
    rows.append((words("sum"), *numbers([_sum(parts, end) for end in ends], lambda v: f"{v:.3g}")))
    headings = (Column("Part", numeric=False), *(Column(end) for end in ends))
    return Table(f"costs-{number}", quantity, headings, tuple(rows))
