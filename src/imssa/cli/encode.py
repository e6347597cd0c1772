"""The command that turns recordings into spikes: data encode."""

from pathlib import Path
from typing import Annotated

import typer

from imssa.cli.console import Shown
from imssa.cli.copying import require_new
from imssa.cli.data import data_app
from imssa.cli.options import DryRun, Json, Quiet

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="One sub-folder a class, or spoken digits.")
]
Spikes = Annotated[Path, typer.Option("--out", help="The HDF5 file to write.")]
Channels = Annotated[int, typer.Option(help="Channels of the ear.")]
Lowest = Annotated[float, typer.Option(help="Centre of the first channel in Hz.")]
Highest = Annotated[
    float,
    typer.Option(help="Centre of the last in Hz; recordings have more than twice that rate."),
]
Level = Annotated[
    float, typer.Option(help="Level each recording is brought to, in dB of full scale.")
]
AsRecorded = Annotated[
    bool, typer.Option("--as-recorded", help="Leave recordings at the level they have.")
]
LongTimes = Annotated[
    bool, typer.Option("--float32", help="Times of 32 bits instead of the published 16.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Skip = Annotated[
    bool, typer.Option("--skip-unusable", help="Leave out recordings that cannot be used.")
]
Workers = Annotated[int, typer.Option(min=0, help="Threads; 0 takes all cores.")]


@data_app.command()
def encode(  # noqa: PLR0913  # one argument an option
    folder: Folder,
    *,
    out: Spikes,
    channels: Channels = 700,
    lowest: Lowest = 60.0,
    highest: Highest = 7000.0,
    level: Level = -26.0,
    as_recorded: AsRecorded = False,
    float32: LongTimes = False,
    skip: Skip = False,
    workers: Workers = 0,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn recordings into spikes by an inner ear, in the format of the Spiking Heidelberg Digits.

    Reads WAV, FLAC and OGG files from one sub-folder a class, or the folder of the Free Spoken Digit
    Dataset, whose recordings at 8 kHz need --highest 3500.
    """
    from imssa.ear import EarConfig, EncodingConfig, encode_folder, survey

    config = EncodingConfig(
        ear=EarConfig(channels=channels, lowest_hertz=lowest, highest_hertz=highest),
        level_decibel=None if as_recorded else level,
        time_type="float32" if float32 else "float16",
        skip_unusable=skip,
    )
    shown = Shown(as_json=as_json, quiet=quiet)
    require_new(out, force=force)
    if dry_run:
        found = survey(folder, config)
        value = {"recordings": len(found.sources), "seconds": sum(found.seconds)}
        line = f"would encode {len(found.sources)} recordings of {sum(found.seconds):.1f} s"
        shown.result(
            {**value, "classes": found.classes, "skipped": found.skipped, "dry_run": True},
            f"{line} into {out}",
            *found.skipped,
        )
        return
    with shown.progress():
        made = encode_folder(folder, out, config, shown.stage("encode"), workers)
    shown.result(
        {"file": str(out), **vars(made)},
        f"{out}: {made.recordings} recordings of {made.seconds:.1f} s, {len(made.classes)} classes, "
        f"{made.speakers or 'no known'} speakers, {sum(made.spikes) / made.recordings:,.0f} spikes a recording",
        *(f"left out: {reason}" for reason in made.skipped),
    )
