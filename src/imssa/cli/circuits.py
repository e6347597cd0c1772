"""Commands that look at a program's arrays as circuits: netlist and verify."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import CIRCUIT_PANEL, Json

ProgramPath = Annotated[Path, typer.Argument(metavar="PROGRAM", help="A program file.")]
ChipSeed = Annotated[int, typer.Option("--seed", min=0, help="Of the chip and of its inputs.")]


@app.command(rich_help_panel=CIRCUIT_PANEL)
def netlist(
    program: ProgramPath,
    *,
    array: Annotated[int, typer.Option("--array", help="Number of the array.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the netlist.")],
    seed: ChipSeed = 0,
    as_json: Json = False,
) -> None:
    """Write a SPICE netlist of a programmed array, wires and errors of its devices included.

    For instance: imssa netlist out/demo/program.safetensors --array 0 --out array.cir
    """
    from imssa.experiment.circuits import write_netlist
    from imssa.program import load_program

    write_netlist(load_program(program), array, out, seed, program.name)
    Shown(as_json=as_json, quiet=False).result({"file": str(out)}, str(out))


@app.command(rich_help_panel=CIRCUIT_PANEL)
def verify(
    program: ProgramPath,
    *,
    arrays: Annotated[
        list[int] | None, typer.Option("--array", help="Number of an array; all if left out.")
    ] = None,
    drives: Annotated[int, typer.Option(min=1, help="Random inputs an array.")] = 1,
    seed: ChipSeed = 0,
    as_json: Json = False,
) -> None:
    """Compare the program's arrays with ngspice: bit-line currents must agree to 1e-6.

    Needs the circuit simulator ngspice. Each array of 64x64 takes a few seconds an input.
    """
    from rich.table import Table

    from imssa.errors import CheckFailedError
    from imssa.experiment.circuits import LIMIT
    from imssa.experiment.circuits import verify as verified
    from imssa.program import load_program

    found = verified(load_program(program), tuple(arrays or ()), drives, seed)
    table = Table(title="Bit-line currents: transfer matrix against ngspice")
    for column in ("array", "lines of", "input", "largest current", "relative error", ""):
        table.add_column(column)
    for v in found:
        current = f"{v.largest_current_ampere * 1e6:.3f} uA"
        words = (current, f"{v.relative_error:.1e}", "ok" if v.passed else "FAILED")
        lines = "all phases" if v.phase is None else f"phase {v.phase}"
        table.add_row(str(v.array), lines, str(v.drive), *words)
    rows = [{**vars(v), "passed": v.passed} for v in found]
    Shown(as_json=as_json, quiet=False).result({"limit": LIMIT, "rows": rows}, table)
    failed = sum(not v.passed for v in found)
    if failed:
        raise CheckFailedError(
            given=str(program),
            rule=f"{failed} of {len(found)} comparisons differ by more than {LIMIT:g}",
            remedy="Please report this with the file.",
        )
