"""What `imssa inspect`, `check`, `evaluate` and `doctor` print."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.table import Table

from imssa.cli.array_tables import array_table, plain_arrays
from imssa.errors import FileFormatError
from imssa.experiment.checks import Check
from imssa.experiment.doctor import Finding
from imssa.models.files import KIND as MODEL
from imssa.program.files import file_in, kinds_in, read_arrays
from imssa.program.operations import Operation, Phase
from imssa.program.program import KIND as PROGRAM
from imssa.program.program import Program, load_program

STAGES: Final = ("program.safetensors", "quantized.safetensors", "model.safetensors")
"""Files of a run, the last first."""


@dataclass
class Description:
    """What a file holds: plain values for JSON, tables for people."""

    plain: dict[str, Any]
    tables: list[Table] = field(default_factory=list)


def described(path: Path) -> Description:
    """Describes any file that imssa writes; of a run's folder, that of its last stage.

    Raises:
        FileFormatError: Damaged, or not written by imssa.
    """
    path = file_in(path, *STAGES)
    kinds = [kind for kind in kinds_in(path) if kind.startswith("imssa.")]
    if not kinds:
        raise FileFormatError(
            given=str(path),
            rule="it was not written by imssa",
            remedy="Name a model, network, program or simulation file.",
        )
    kind = kinds[0]
    if kind == PROGRAM:
        return _program(path)
    header, arrays, identity = read_arrays(path, kind)
    plain = {"kind": kind, "sha256": identity, "header": header}
    plain["arrays"] = {n: [str(a.dtype), list(a.shape)] for n, a in arrays.items()}
    table = Table(title=f"{path.name}: {kind}, {identity[:12]}")
    for column in ("array", "type", "shape", "smallest", "largest"):
        table.add_column(column)
    for name, a in arrays.items():
        low, high = (f"{f(a):.4g}" if a.size else "-" for f in (np.min, np.max))
        table.add_row(name, str(a.dtype), "x".join(map(str, a.shape)), low, high)
    return Description(plain, [*_task(header), _head(header, kind == MODEL), table])


def drawn(path: Path, folder: Path) -> list[Path]:
    """Writes pictures of a program's arrays; gives their files.

    Raises:
        FileFormatError: Not a program.
        OutputError: The folder cannot be written.
    """
    from imssa.evaluation.figures.arrays import write_array_pictures

    path = file_in(path, *STAGES)
    if PROGRAM not in kinds_in(path):
        raise FileFormatError(
            given=f"--figures for {path}",
            rule="only a program has arrays to be drawn",
            remedy="Name a program, or leave --figures away.",
        )
    return write_array_pictures(load_program(path), folder)


def _head(header: dict[str, Any], is_model: bool) -> Table:
    table = Table(title="model" if is_model else "header", show_header=False)
    for key, value in header.items():
        if not isinstance(value, dict | list):
            table.add_row(key, str(value))
    settings = header.get("config")
    for key, value in (settings or {}).items():
        table.add_row(f"config.{key}", str(value))
    return table


def _program(path: Path) -> Description:
    program = load_program(path)
    _, _, identity = read_arrays(path, PROGRAM)
    plain = {
        "kind": PROGRAM,
        "sha256": identity,
        "chip": program.chip.name,
        "max_length": program.max_length,
        "class_names": list(program.class_names),
        "front_end": program.preparation.get("front_end"),
        "registers": [vars(r) for r in program.registers],
        "arrays": plain_arrays(program),
        "phases_per_step": len(program.phases),
        "operations": {
            section: [type(op).__name__ for op in getattr(program, section)]
            for section in ("start", "step", "end")
        },
        "provenance": program.provenance,
    }
    title = f"{path.name}: program for {program.chip.name}, {identity[:12]}"
    return Description(
        plain,
        [
            *_task(vars(program)),
            array_table(program, title),
            _registers(program),
            *_sections(program),
        ],
    )


def _task(held: dict[str, Any]) -> list[Table]:
    """What goes in and comes out, where a file says it."""
    if "class_names" not in held or "preparation" not in held:
        return []
    table = Table(title="task", show_header=False)
    table.add_row(f"{len(held['class_names'])} classes", ", ".join(held["class_names"]))
    for key, value in held["preparation"].get("front_end", {}).items():
        if value is not None and not isinstance(value, dict | list):
            table.add_row("front end" if key == "kind" else key, str(value))
    if "max_length" in held:
        table.add_row("longest sequence", f"{held['max_length']} steps")
    return [table]


def _registers(program: Program) -> Table:
    table = Table(title="registers")
    for column in ("name", "size", "bits"):
        table.add_column(column)
    for r in program.registers:
        table.add_row(r.name, str(r.size), str(r.bits))
    return table


def _sections(program: Program) -> list[Table]:
    tables = []
    for section, title in (
        ("start", "at a sequence's start"),
        ("step", "each time step"),
        ("end", "at the end"),
    ):
        table = Table("", "operation", "from", "to", title=title)
        for number, op in enumerate(getattr(program, section)):
            table.add_row(str(number), *_operation(op))
        tables.append(table)
    return tables


def _operation(op: Operation) -> tuple[str, str, str]:
    if isinstance(op, Phase):
        words = f"MVM on array {op.array}: {len(op.word_lines)} lines, {len(op.pairs)} pairs"
        return words, ", ".join(op.drive), ", ".join(op.read)
    names = {f.name: getattr(op, f.name) for f in fields(op)}
    sources = [str(names[n]) for n in ("source", "other") if n in names]
    return type(op).__name__, ", ".join(sources), op.target


def check_table(checks: list[Check]) -> Table:
    """One row a check."""
    table = Table(title="Equal ways to compute, compared")
    for column in ("what", "compared", "figure", "limit", ""):
        table.add_column(column)
    for c in checks:
        exact = c.limit == 0
        figure = f"{int(c.figure)} differ" if exact else f"{c.figure:.1e}"
        limit = "0" if exact else f"{c.limit:.0e}"
        table.add_row(c.name, f"{c.compared:,}", figure, limit, "ok" if c.passed else "FAILED")
    return table


def plain_checks(checks: list[Check]) -> dict[str, Any]:
    """For JSON."""
    return {"checks": [{**vars(c), "passed": c.passed} for c in checks]}


def accuracy_table(found: dict[str, Any]) -> Table:
    """Accuracies of a saved network."""
    on = f", {found['chip_name']}" if "chip_name" in found else ""
    table = Table("", "accuracy", title=f"{found['items']} recordings{on}")
    for name, value in found.items():
        if name in {"items", "chip_name"}:
            continue
        if isinstance(value, dict):
            chips = len(value["per_instance"])
            words = f"{value['mean']:.2%} mean, {value['min']:.2%} worst of {chips} chips"
            table.add_row(name, words)
        else:
            table.add_row(name.replace("_", " "), f"{value:.2%}")
    return table


def doctor_table(findings: list[Finding]) -> Table:
    """One row a finding."""
    table = Table("", "", "", title="imssa doctor")
    for f in findings:
        table.add_row(f.name, f.state, f.detail)
    return table
