"""The command that downloads public data sets: data fetch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.data import data_app
from imssa.cli.options import DryRun, Json, Quiet

if TYPE_CHECKING:
    from imssa.data.fetch import Fetched, PublishedSet


@data_app.command()
def fetch(  # one argument an option
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A set of `imssa data list`, or uea:NAME."),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for its files; made when missing.")],
    mirror: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A folder on another server that holds the same files."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch again, also into a folder with other things.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Download and unpack a public data set, its checksum compared; run it again to go on.

    Where no checksum is published, that of the first fetch is kept in DIR/fetched.json and a later fetch
    must agree with it.
    """
    from imssa.data.fetch import fetch as fetch_set
    from imssa.data.fetch import plan_fetch, published

    wanted = published(name)
    shown = Shown(as_json=as_json, quiet=quiet)
    if not quiet:
        for line in _notice(wanted):
            typer.echo(line, err=True)
    plan = {"name": wanted.name, "kind": wanted.kind, "licence": wanted.licence}
    plan |= {"cite": wanted.cite, "root": str(out / wanted.root)}
    if dry_run:
        urls = list(plan_fetch(wanted, out, mirror=mirror, force=force).urls.values())
        lines = [f"would fetch {url}" for url in urls] or ["everything is there already"]
        shown.result({**plan, "urls": urls, "dry_run": True}, *lines)
        return
    with shown.progress():
        found = fetch_set(wanted, out, shown.stage, mirror=mirror, force=force)
    shown.result({**plan, "files": _told(found)}, *_lines(wanted, found, out))


def _notice(wanted: "PublishedSet") -> list[str]:
    """What a user must know before anything is downloaded."""
    sizes = [said.size for said in wanted.files]
    known = sum(size for size in sizes if size is not None)
    unknown = "" if all(sizes) else "size not published"
    size = f"{known / 1e6:,.1f} MB to download" if known else unknown
    return [
        f"{wanted.what} ({size})",
        f"Licence: {wanted.licence}",
        f"To be cited: {wanted.cite}",
    ]


def _told(found: "Fetched") -> dict[str, dict[str, object]]:
    return {
        name: {
            "url": one.url,
            "sha256": one.sha256,
            "checksum_published": one.published,
            "bytes": one.size,
            "unpacked": len(one.names),
        }
        for name, one in found.files.items()
    }


def _lines(wanted: "PublishedSet", found: "Fetched", out: Path) -> list[str]:
    lines = [
        f"{name}: {one.size:,} bytes, {len(one.names):,} files, SHA-256 {one.sha256[:16]}..."
        + ("" if one.published else " (none is published: trusted, and kept for later)")
        for name, one in found.files.items()
    ]
    return [*lines, f'In a recipe: data.kind = "{wanted.kind}", data.root = "{out / wanted.root}"']
