"""The command that reckons what a program costs."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import FILE_PANEL, Json


@app.command(rich_help_panel=FILE_PANEL)
def cost(  # noqa: PLR0913  # one argument an option
    program: Annotated[
        str,
        typer.Argument(
            metavar="PROGRAM",
            help="A compiled program, the folder of a run, or a recipe (a TOML file or a shipped one): "
            "then of its network without training.",
        ),
    ],
    *,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Time steps a second; left out: as the program's front end makes them, or 100 where "
            "sequences have no time of their own."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Format of recordings (`imssa data list`) whose line voltages are measured; left out: "
            "voltages are assumed.",
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder or file of data that are not bundled: of --data, or of the recipe."
        ),
    ] = None,
    pairs_per_adc: Annotated[
        int, typer.Option(min=1, help="Bit-line pairs that take turns at an ADC.")
    ] = 8,
    lanes: Annotated[int, typer.Option(min=1, help="Arithmetic lanes of the digital side.")] = 16,
    node: Annotated[float, typer.Option(help="Process of the periphery in nm.")] = 45.0,
    supply: Annotated[
        float | None, typer.Option(help="Its supply in volts; left out: as usual at the node.")
    ] = None,
    constants: Annotated[
        Path | None, typer.Option(help="TOML file with other energies, times and areas.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Float network timed on this machine; left out: that beside PROGRAM."),
    ] = None,
    processor: Annotated[
        bool, typer.Option("--processor/--no-processor", help="Time the float network here.")
    ] = True,
    sources: Annotated[
        bool, typer.Option("--sources", help="Show every constant, its grade and its source.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Reckon energy, time and area of a program, as ranges and part by part.

    Beside it stand the same network on a digital chip, in int8 and with packed weights, and on this
    machine. Energies come from publications: --sources says which, and how far each was verified. What
    the numbers assume stands below them.

    For instance: imssa cost out/zero-one, or before any training: imssa cost zero-one
    """
    from imssa.cli.cost_tables import constants_table, cost_tables
    from imssa.cost import Settings, Technology, load_constants
    from imssa.experiment.costs import CostAsked, priced_at, program_costs
    from imssa.experiment.evaluate import Asked

    known = load_constants(constants)
    asked = CostAsked(
        recordings=None if kind is None else Asked(kind, root),
        rate_hertz=rate,
        model=model,
        processor=processor,
        settings=Settings(pairs_per_adc, lanes, Technology(node, supply), known),
    )
    found = program_costs(priced_at(program, root if kind is None else None), asked)
    listed = {name: one.model_dump() for name, one in known.named().items()}
    lines = [*cost_tables(found), *([constants_table(known)] if sources else [])]
    Shown(as_json=as_json, quiet=False).result({**found.to_dict(), "constants": listed}, *lines)
