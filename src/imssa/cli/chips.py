"""Commands around chip descriptions: chip list, chip show, chip new."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from imssa.hardware import ChipDescription
    from imssa.hardware.measured import ChipStatistics, LevelStatistics

MICROSIEMENS: Final = "\N{MICRO SIGN}S"
chip_app = typer.Typer(
    help="Chip descriptions: those that are shipped, what one amounts to, a new one.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(chip_app, name="chip", rich_help_panel="Look at files and at this machine")


@chip_app.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the shipped chip descriptions, named after publications."""
    from rich.table import Table

    from imssa.hardware import load_chip, preset_names

    chips = [load_chip(name) for name in preset_names()]
    table = Table(title="Shipped chips")
    for column in ("name", "arrays", "window", "source"):
        table.add_column(column, no_wrap=column != "source")
    for c in chips:
        window = f"{c.g_min_siemens * 1e6:.4g}-{c.g_max_siemens * 1e6:.4g} {MICROSIEMENS}"
        table.add_row(c.name, _size(c), window, c.source)
    plain = {"chips": [c.model_dump(mode="json") for c in chips]}
    Shown(as_json=as_json, quiet=False).result(plain, table)


@chip_app.command()
def show(
    chip: Annotated[
        str, typer.Argument(metavar="NAME", help="A shipped chip or a TOML file of your own.")
    ],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Of the devices that are drawn.")] = 0,
    as_json: Json = False,
) -> None:
    """Show a chip description with the sources of its numbers, and devices drawn from it.

    Sources are the comments beside the numbers in the description's TOML text.
    """
    from dataclasses import asdict

    from imssa.cli.sources import chip_sources
    from imssa.hardware import load_chip
    from imssa.hardware.measured import measure_chip
    from imssa.kernels.random import Key

    description = load_chip(chip)
    found = measure_chip(description, Key.root(seed))
    sources = chip_sources(chip)
    plain = {
        "description": description.model_dump(mode="json"),
        "sources": sources,
        "drawn": asdict(found),
    }
    tables = (_description(description, sources), _levels(found), _rest(found))
    Shown(as_json=as_json, quiet=False).result(plain, *tables)


@chip_app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The TOML file to write.")],
    *,
    preset: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Start from a shipped chip.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Write a commented chip description to start from."""
    from imssa.hardware.loading import write_new_chip

    write_new_chip(file, preset, force=force)
    Shown(as_json=as_json, quiet=False).result({"file": str(file)}, f"Wrote {file}")


def _size(chip: "ChipDescription") -> str:
    return f"{chip.arrays.count} of {chip.arrays.word_lines}x{chip.arrays.bit_lines}"


def _description(chip: "ChipDescription", sources: dict[str, str]) -> "Table":
    """Every value with the comment beside it; one that repeats the row above is not said again."""
    from rich.table import Table
    from rich.text import Text

    from imssa.cli.sources import source_of

    table = Table(title=Text(chip.name))
    table.add_column("key", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=24)
    table.add_column("its source, as the description says", overflow="fold", ratio=1)
    before: str | None = None
    for name, value in _flat(chip.model_dump(mode="json")):
        *sections, key = name.split(".")
        label = "  " * len(sections) + key
        if isinstance(value, dict):
            table.add_row(Text(label))
            continue
        source = source_of(name, sources)
        words = "as above" if source and source == before else source
        if source is None:
            words = "" if value is None else "default"
        told = "off" if value is None else str(value)
        table.add_row(*(Text(cell) for cell in (label, told, words or "")))
        before = source
    return table


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values, each section before its keys, without the chip's own name."""
    for key, value in values.items():
        if prefix or key != "name":
            yield f"{prefix}{key}", value
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")


def _levels(found: "ChipStatistics") -> "Table":
    from rich.table import Table

    table = Table(title=f"Drawn: {found.devices:,} devices a level, in {MICROSIEMENS}")
    for column in ("target", "mean error", "sigma", "read noise", "one read", "weight"):
        table.add_column(column, justify="right")
    loop = found.levels[0].mean_pulses is not None
    for column in ("pulses", "failed") if loop else ():
        table.add_column(column, justify="right")
    for level in found.levels:
        table.add_row(*_level(level))
    return table


def _level(level: "LevelStatistics") -> list[str]:
    siemens = (
        level.mean_error_siemens,
        level.sigma_siemens,
        level.read_sigma_siemens,
        level.total_sigma_siemens,
        level.weight_sigma_siemens,
    )
    words = [f"{level.target_siemens * 1e6:.1f}", *(f"{s * 1e6:.3f}" for s in siemens)]
    if level.mean_pulses is not None and level.failed_share is not None:
        words += [f"{level.mean_pulses:.1f}", f"{level.failed_share:.2%}"]
    return words


def _rest(found: "ChipStatistics") -> "Table":
    from rich.table import Table

    table = Table(show_header=False)
    low, median, high = (g * 1e6 for g in found.off_siemens)
    off = f"median {median:.2f} {MICROSIEMENS}, 90 % in {low:.2f}-{high:.2f} {MICROSIEMENS}"
    table.add_row("cells never written", off)
    table.add_row("stuck high, low", f"{found.high_share:.2%}, {found.low_share:.2%}")
    table.add_row("open", f"{found.open_share:.2%}")
    return table
