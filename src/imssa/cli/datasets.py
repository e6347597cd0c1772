"""Commands that look at data sets: data list and data check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imssa.cli.console import Shown
from imssa.cli.data import data_app
from imssa.cli.options import Json, Set

if TYPE_CHECKING:
    from rich.table import Table

    from imssa.data import DataConfig
    from imssa.data.checking import DataCheck, Spread

SHOWN: Final = 20
"""Rows of a table of oddities; the JSON has them all."""


@data_app.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the formats that a recipe can name, their licences, and where to get the data."""
    from dataclasses import asdict

    from imssa.data import KINDS
    from imssa.data.fetch import SETS

    rows = [
        {
            "kind": found.kind,
            "corpus": found.corpus,
            "front_ends": found.front_ends,
            "splits": found.splits,
            "classes": found.words,
            "licence": found.licence,
            "where": found.where,
        }
        for found in KINDS.values()
    ]
    sets = {name: asdict(found) for name, found in SETS.items()}
    value = {"formats": rows, "sets": sets}
    Shown(as_json=as_json, quiet=False).result(value, _formats(), *_places(), "", _sets())


def _formats() -> "Table":
    from rich.table import Table

    from imssa.data import KINDS

    table = Table(title="Formats of data (data.kind in a recipe)")
    for column in ("kind", "what", "front end", "licence"):
        table.add_column(column, no_wrap=column == "kind", overflow="fold")
    for found in KINDS.values():
        table.add_row(found.kind, found.corpus, ", ".join(found.front_ends), found.licence)
    return table


def _places() -> list[str]:
    """Where to get the data of each format: lines, since a table would break addresses."""
    from imssa.data import KINDS

    width = max(map(len, KINDS))
    return ["Where to get them:", *(f"  {n:<{width}}  {f.where}" for n, f in KINDS.items())]


def _sets() -> "Table":
    from rich.table import Table

    from imssa.data.fetch import SETS

    table = Table(title="Data sets that `imssa data fetch NAME --out DIR` gets")
    for column in ("name", "kind", "what", "licence"):
        table.add_column(column, no_wrap=column == "name", overflow="fold")
    for found in SETS.values():
        table.add_row(found.name, found.kind, found.what, found.licence)
    table.add_row("uea:NAME", "ts", "any set of the UEA/UCR archive", "see the set's page")
    return table


@data_app.command()
def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="DIR|RECIPE", help="A folder or file of data, a recipe, or a shipped recipe."
        ),
    ],
    *,
    kind: Annotated[
        str | None, typer.Option(help="Format of the folder; left out: by the names of its files.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write pictures there: classes, lengths, levels, rates, ranges."
        ),
    ] = None,
    changes: Set = None,
    as_json: Json = False,
) -> None:
    """Look at every item: counts, lengths, rates, duplicates across parts, silence, clipping.

    For instance: imssa data check recordings --kind fsdd

    Exit code 2 if items of different parts are equal, or an item cannot be read.
    """
    from dataclasses import asdict

    from imssa.data.checking import look_at
    from imssa.errors import DataError
    from imssa.experiment.stages import split_key

    config, seed = _asked(what, kind, changes or [])
    looked = look_at(config, split_key(seed).numpy())
    found, files = looked.check, list[str]()
    if pictures is not None:
        from imssa.evaluation.figures.datasets import write_data_pictures

        files = [str(file) for file in write_data_pictures(looked, pictures)]
    value = {**asdict(found), "leaks": found.leaks, "pictures": files}
    Shown(as_json=as_json, quiet=False).result(value, *_tables(found), *files)
    if found.leaks:
        raise DataError(
            given=what,
            rule=f"{found.leaks} items of different parts have the same content",
            remedy="Take one of each pair out, or keep together what belongs together: split = 'hash' never "
            "parts items of one speaker or group.",
        )
    seen = zip(looked.source.items, looked.looks, strict=True)
    bad = [": ".join((item.name, *look.faults[:1])) for item, look in seen if not look.frames]
    if bad:
        raise DataError(
            given=what,
            rule=f"{len(bad)} items are empty or cannot be read, for instance {bad[0]}",
            remedy="Mend them, or move them out.",
        )


def _asked(what: str, kind: str | None, changes: list[str]) -> tuple["DataConfig", int]:
    """The data section that is meant, and the seed of its split."""
    from imssa.data.guessing import guessed_kind, with_speakers
    from imssa.experiment.recipe import data_section, load_recipe
    from imssa.experiment.shipped import recipe_names

    root = Path(what)
    if kind is None and (what in recipe_names() or root.suffix == ".toml"):
        recipe = load_recipe(what, changes)
        return recipe.data, recipe.seed
    config = with_speakers(data_section(kind or guessed_kind(root), root, changes))
    if not any(change.startswith("data.split=") for change in changes):
        config = config.model_copy(update={"split": "official"})  # else the one that is suggested
    return config, 0


def _tables(found: "DataCheck") -> "list[Table | str]":
    tables: list[Table | str] = [_counts(found), _facts(found)]
    if found.twins:
        rows: list[tuple[str, ...]] = [
            (a, b, "different parts" if apart else "one part", "differ" if other else "same")
            for a, b, apart, other in found.twins
        ]
        tables.append(_rows("Equal items", ("item", "item", "parts", "classes"), rows))
    if found.faults:
        tables.append(_rows("Odd items", ("item", "what"), list(found.faults)))
    if found.unread:
        from imssa.data.folder import told_unread

        tables.append(told_unread(found.unread))
    if found.split_fault:
        tables.append(f"No split: {found.split_fault}")
    return tables


def _counts(found: "DataCheck") -> "Table":
    from rich.table import Table

    parts = sorted({part for counts in found.counts.values() for part in counts}, key=_order)
    table = Table(title=f"{found.items} items of {len(found.counts)} classes ({found.kind})")
    table.add_column("class")
    for part in (*parts, "sum"):
        table.add_column(part, justify="right")
    for label, counts in found.counts.items():
        table.add_row(label, *(str(counts.get(p, 0)) for p in parts), str(sum(counts.values())))
    table.add_section()
    sums = [sum(counts.get(part, 0) for counts in found.counts.values()) for part in parts]
    table.add_row("sum", *map(str, sums), str(found.items))
    if any(found.groups.values()):
        table.add_row("speakers or groups", *(str(found.groups.get(p, 0)) for p in parts), "")
    return table


def _order(part: str) -> int:
    known = ("train", "validation", "test")
    return known.index(part) if part in known else len(known)


def _facts(found: "DataCheck") -> "Table":
    from rich.table import Table

    table = Table(title="Lengths: smallest, median, largest", show_header=False)
    keys = ", ".join(f"{k} = {v}" for k, v in found.split_keys.items() if k != "split")
    table.add_row("split", "none" if found.split_fault else f"{found.split} ({keys})")
    unit = "spikes" if found.kind in {"shd", "ssc", "spikes"} else "frames or samples"
    table.add_row(unit, _spread(found.frames))
    table.add_row("seconds", _spread(found.seconds))
    for name, spread in found.measures.items():
        table.add_row(name, _spread(spread))
    table.add_row("sampling rates (Hz)", ", ".join(map(str, found.rates_hertz)) or "-")
    known = any(found.groups.values())
    shared = ", ".join(found.shared_groups[:SHOWN]) or ("none" if known else "groups not known")
    table.add_row("groups both tested and trained on", shared)
    table.add_row("equal items", f"{len(found.twins)}, {found.leaks} across parts")
    return table


def _spread(spread: "Spread | None") -> str:
    if spread is None:
        return "-"
    return f"{spread.smallest:g}, {spread.median:g}, {spread.largest:g}"


def _rows(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> "Table":
    from rich.table import Table

    more = f", the first {SHOWN} of {len(rows)}" if len(rows) > SHOWN else ""
    table = Table(title=title + more)
    for column in columns:
        table.add_column(column)
    for row in rows[:SHOWN]:
        table.add_row(*row)
    return table
