"""The command that classifies continuous audio: listen."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imssa.cli.console import Shown
from imssa.cli.main import app
from imssa.cli.options import FILE_PANEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imssa.live import Figures, Listener, Word
    from imssa.live.sources import Audio


@app.command(rich_help_panel=FILE_PANEL)
def listen(  # noqa: PLR0913  # one argument an option
    network: Annotated[
        Path, typer.Argument(metavar="NETWORK", help="A program, a model, or the folder of a run.")
    ],
    *,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="FILE|-|mic",
            help="A WAV, FLAC or OGG file of one channel; - for raw 16-bit little-endian mono "
            "samples on standard input; mic for a microphone (pip install 'imssa[live]').",
        ),
    ],
    rate: Annotated[
        int, typer.Option(min=1000, help="Sampling rate of standard input or microphone in Hz.")
    ] = 16000,
    chip: Annotated[
        str,
        typer.Option(
            help="For a program: ideal, own (its chip with all errors of devices), a preset or file."
        ),
    ] = "ideal",
    seed: Annotated[int, typer.Option(min=0, help="Of the chip instance.")] = 0,
    clear: Annotated[
        Literal["silence", "never"],
        typer.Option(
            help="silence: states begin anew with each word, as with the recordings of the training. "
            "never: they leak from word to word."
        ),
    ] = "silence",
    threshold: Annotated[
        float, typer.Option(min=0.5, help="dB above the noise at which the gate opens.")
    ] = 10.0,
    hysteresis: Annotated[
        float, typer.Option(min=0.0, help="dB below the threshold at which it closes.")
    ] = 4.0,
    hang: Annotated[
        float, typer.Option(min=0.01, help="Seconds below it after which a word has ended.")
    ] = 0.20,
    least_margin: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Words of a smaller margin are not shown.")
    ] = 0.0,
    figures: Annotated[
        bool, typer.Option("--figures", help="Show speed and delay at the end.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, one line a word.")
    ] = False,
) -> None:
    """Classify continuous audio: each word with its times, as soon as it has ended. Ctrl-C ends.

    A gate on the level of each 10 ms frame, relative to a noise floor that it tracks, tells words from
    silence. A word's frames go through the network one step at a time, exactly as a recording of its
    own. Memory does not grow. For instance:

        imssa listen out/digits --input recording.wav

        arecord -t raw -f S16_LE -r 16000 | imssa listen out/words --input - --rate 16000
    """
    from imssa.live import GateConfig, Listener, hearing_of, open_source

    gate = GateConfig(threshold, max(threshold - hysteresis, 0.0), hang_seconds=hang)
    hearing = hearing_of(network, chip, seed)
    with open_source(source, rate) as audio:
        listener = Listener(hearing, audio.rate_hertz, gate, clear)
        for word in _heard(listener, audio):
            if word.margin >= least_margin:
                _show(word, as_json=as_json)
    if figures:
        _show_figures(listener.figures, hang, hearing.name, as_json=as_json)


def _heard(listener: "Listener", audio: "Audio") -> "Iterator[Word]":
    """Words until the audio ends or the user interrupts."""
    try:
        for block in audio.blocks:
            yield from listener.feed(block)
    except KeyboardInterrupt:
        pass
    yield from listener.finish()


def _show(word: "Word", *, as_json: bool) -> None:
    if as_json:
        line = json.dumps({name: _rounded(value) for name, value in vars(word).items()})
    else:
        line = (
            f"{word.start:8.2f} s  to {word.end:8.2f} s  {word.label:<16} margin {word.margin:.2f}"
        )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _show_figures(figures: "Figures", hang: float, name: str, *, as_json: bool) -> None:
    value = {
        **vars(figures),
        "real_time_factor": figures.real_time_factor,
        "frame_seconds": figures.frame_seconds,
        "hang_seconds": hang,
        "runs_on": name,
    }
    if as_json:
        sys.stdout.write(json.dumps({"figures": value}) + "\n")
        return
    Shown(as_json=False, quiet=False).result(
        value,
        f"{figures.words} words in {figures.seconds_heard:.1f} s of audio, on {name}",
        f"{1e6 * figures.frame_seconds:.0f} us a frame ({figures.frames:,} frames), slowest block "
        f"{1e3 * figures.slowest_block_seconds:.1f} ms",
        f"{figures.real_time_factor:.0f} times faster than real time; a word is told "
        f"{1e3 * hang:.0f} ms after its last loud frame",
    )
