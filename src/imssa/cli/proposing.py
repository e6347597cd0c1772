"""The command that writes a recipe for data of one's own: new."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import RUN_PANEL, DryRun, Json

if TYPE_CHECKING:
    from rich.table import Table

    from imssa.proposal import Facts, Proposal


OBVIOUS: Final = {"root", "activation", "output", "learning_rate", "state_space_learning_rate"}
"""Keys that the table leaves out; the file has them all."""


@app.command(rich_help_panel=RUN_PANEL)
def new(
    *,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="A folder or file of data; nothing is changed."),
    ],
    chip: Annotated[
        str, typer.Option(help="A preset (`imssa chip list`) or a TOML file.")
    ] = "taox-64",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="RECIPE", help="The TOML file to write; left out: DIR.toml."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Format of the data; left out: by the names of the files.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=1.0, help="How long everything may take on two cores.")
    ] = 10.0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Propose a recipe for your data and a chip: look at every item, choose, say why, check, write.

    For instance, from a folder with a sub-folder of recordings for each word to the accuracy of chips:

        imssa new --data words --chip taox-64 --out words.toml

        imssa run words.toml --out out/words
    """
    from imssa.proposal import Wish, propose

    place = out or Path(f"{data.resolve().stem}.toml")
    if not dry_run:
        _require_free(place)
    proposal = propose(Wish(data, chip, kind, minutes, place.stem))
    shown = Shown(as_json=as_json, quiet=False)
    following = f"imssa run {place} --out out/{place.stem}"
    if dry_run:
        shown.result(_plain(proposal, place, following), proposal.text.rstrip())
        return
    _write(place, proposal.text)
    warned = (f"Note: {warning}" for warning in proposal.warnings)
    shown.result(
        _plain(proposal, place, following),
        *_tables(proposal),
        *warned,
        f"Wrote {place}. About {max(1, round(proposal.minutes))} min on two cores:",
        f"  {following}",
    )


def _refused(place: Path, reason: str | None) -> Exception:
    from imssa.errors import OutputError

    return OutputError(
        given=f"--out {place}",
        rule=f"it cannot be written ({reason})",
        remedy="Name another file; a recipe is never written over.",
    )


def _require_free(place: Path) -> None:
    if place.exists():
        raise _refused(place, "it exists")


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise _refused(place, error.strerror) from error


def _plain(proposal: "Proposal", place: Path, following: str) -> dict[str, Any]:
    return {
        "file": str(place),
        "facts": proposal.facts.plain(),
        "choices": {c.key: {"value": c.value, "reason": c.reason} for c in proposal.choices},
        "warnings": proposal.warnings,
        "minutes": proposal.minutes,
        "next": following,
        "text": proposal.text,
    }


def _tables(proposal: "Proposal") -> "list[Table]":
    from rich.table import Table

    seen = Table(title=f"Seen in {proposal.facts.config.root}", show_header=False)
    for row in _seen(proposal.facts):
        seen.add_row(*row)
    proposed = Table(title="Proposed")
    for column in ("section", "key", "value", "why"):
        proposed.add_column(column, no_wrap=column == "section", overflow="fold")
    section = ""
    for choice in proposal.choices:
        if choice.reason and choice.name not in OBVIOUS:
            new_section = section != choice.section
            if new_section:
                proposed.add_section()
            section = choice.section
            shown = section.rpartition(".")[2] if new_section else ""
            proposed.add_row(shown, choice.name, str(choice.value), choice.reason)
    return [seen, proposed]


def _seen(facts: "Facts") -> list[tuple[str, str]]:
    """What was measured, in words."""
    sizes = facts.counts.values()
    names = ", ".join(list(facts.counts)[:12]) + (", ..." if facts.n_classes > 12 else "")
    rows = [
        ("format", facts.kind),
        ("items", f"{facts.items:,}"),
        (f"{facts.n_classes} classes", names),
        ("items a class", f"{min(sizes):,} to {max(sizes):,}"),
        ("speakers or groups", str(facts.speakers or "not known")),
    ]
    if facts.seconds is None:
        rows.append(("steps (5, 50, 95 %)", _three(facts.spread(facts.frames))))
    else:
        rows.append(("seconds (5, 50, 95 %)", _three(facts.spread(facts.seconds))))
    if facts.rates_hertz:
        rates = sorted(facts.rates_hertz.items())
        rows.append(("sampling rates", ", ".join(f"{r:,} Hz ({n:,})" for r, n in rates)))
        rows.append(("channels", "1"))
    if facts.n_features is not None:
        rows.append(("features or channels", str(facts.n_features)))
    rows += [(fault, f"{n:,} items") for fault, n in facts.faults.items()]
    return rows


def _three(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
