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

    from imssa.live import Figures, GateConfig, Hearing, Listener, Word
    from imssa.live.sources import Audio


NetworkFile = Annotated[
    Path, typer.Argument(metavar="NETWORK", help="A program, a model, or the folder of a run.")
]
Input = Annotated[
    str,
    typer.Option(
        "--input",
        metavar="FILE|-|mic",
        help="A WAV, FLAC or OGG file of one channel; - for raw 16-bit little-endian mono "
        "samples on standard input; mic for a microphone (pip install 'imssa[live]').",
    ),
]
Rate = Annotated[
    int | None,
    typer.Option(
        min=1000,
        help="Sampling rate of standard input or microphone in Hz; left out: that of the network's training.",
    ),
]
RunsOn = Annotated[
    str | None,
    typer.Option(
        help="For a program: ideal (as if left out), own (its chip with all errors of devices), a preset "
        "or file."
    ),
]
ChipSeed = Annotated[int, typer.Option(min=0, help="Of the chip instance.")]
Cleared = Annotated[
    Literal["silence", "never"],
    typer.Option(
        help="silence: states begin anew with each word, as with the recordings of the training. "
        "never: they leak from word to word."
    ),
]
Threshold = Annotated[
    float, typer.Option(min=0.5, help="dB above the noise at which the gate opens.")
]
Hysteresis = Annotated[
    float, typer.Option(min=0.0, help="dB below the threshold at which it closes.")
]
Hang = Annotated[
    float, typer.Option(min=0.01, help="Seconds below it after which a word has ended.")
]
Shortest = Annotated[
    float, typer.Option(min=0.01, help="Seconds; what is loud for less is no word.")
]
Longest = Annotated[
    float, typer.Option(min=0.1, help="Seconds; what is loud for longer is cut there, and marked.")
]
Margin = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Words of a smaller margin are not shown, 0.75 if left out: that removes doubtful answers, "
        "but of words that the network never heard only one in seven. To tell those, train with a "
        "class of other words.",
    ),
]
Figured = Annotated[bool, typer.Option("--figures", help="Show speed and delay at the end.")]
Lines = Annotated[bool, typer.Option("--json", help="One JSON object a line, one line a word.")]


@app.command(rich_help_panel=FILE_PANEL)
def listen(  # noqa: PLR0913  # one argument an option
    network: NetworkFile,
    *,
    source: Input,
    rate: Rate = None,
    chip: RunsOn = None,
    seed: ChipSeed = 0,
    clear: Cleared = "silence",
    threshold: Threshold = 10.0,
    hysteresis: Hysteresis = 4.0,
    hang: Hang = 0.20,
    shortest: Shortest = 0.06,
    longest: Longest = 2.0,
    margin: Margin = None,
    figures: Figured = False,
    as_json: Lines = False,
) -> None:
    """Classify continuous audio: each word with its times, as soon as it has ended. Ctrl-C ends.

    A gate on the level of each 10 ms frame, relative to a noise floor that it tracks, tells words from
    silence. A word's frames go through the network one step at a time, exactly as a recording of its
    own. Memory does not grow. For instance:

        imssa listen out/digits --input recording.wav

        arecord -t raw -f S16_LE -r 16000 | imssa listen out/words --input - --rate 16000
    """
    from imssa.live import GateConfig, Listener, hearing_of, open_source

    _require_closing(threshold, hysteresis)
    gate = GateConfig(
        threshold,
        threshold - hysteresis,
        hang_seconds=hang,
        shortest_seconds=shortest,
        longest_seconds=longest,
    )
    hearing = hearing_of(network, chip, seed)
    least = _least_margin(hearing, network, margin)
    turned_down = 0
    with open_source(source, rate or hearing.rate_hertz, _tell_lost) as audio:
        _tell_narrow(audio.rate_hertz, hearing)
        listener = Listener(hearing, audio.rate_hertz, gate, clear, audio.ahead)
        for word in _heard(listener, audio):
            if word.margin is None or word.margin >= least:
                _show(word, as_json=as_json)
            else:
                turned_down += 1
    _tell_silence(listener.figures, gate)
    _tell_turned_down(turned_down, listener.figures.words, least)
    _tell_cut(listener.figures.words_cut)
    if figures:
        _show_figures(listener.figures, turned_down, (hang, hearing.name), as_json=as_json)


def _require_closing(threshold: float, hysteresis: float) -> None:
    """The rule of the gate, in the words of the options."""
    from imssa.errors import RecipeError

    if hysteresis >= threshold:
        raise RecipeError(
            given=f"--threshold {threshold:g} with --hysteresis {hysteresis:g}",
            rule="the gate closes so many dB below the threshold, which must still be above the noise",
            remedy="Name a smaller --hysteresis.",
        )


def _tell_narrow(rate_hertz: int, hearing: "Hearing") -> None:
    """Says where the input has less of the spectrum than what the network was trained on."""
    if rate_hertz < hearing.rate_hertz:
        typer.echo(
            f"Warning: sound at {rate_hertz} Hz has nothing above {rate_hertz // 2} Hz; the network was "
            f"trained on recordings at {hearing.rate_hertz} Hz, and may hear other words in it.",
            err=True,
        )


def _least_margin(hearing: "Hearing", file: Path, asked: float | None) -> float:
    """The margin of words that are shown."""
    from imssa.errors import FileFormatError
    from imssa.live import LEAST_MARGIN

    if asked and hearing.network.logit_step is None:
        raise FileFormatError(
            given=f"--margin {asked:g} with {file}",
            rule="it was written before programs kept the unit of their scores",
            remedy="Quantize and compile the network again, or leave --margin out.",
        )
    return LEAST_MARGIN if asked is None else asked


def _tell_lost(seconds: float) -> None:
    typer.echo(
        f"Warning: {seconds:.2f} s of sound were dropped, since this computer is too slow; times after "
        "them are too early by as much.",
        err=True,
    )


def _tell_silence(figures: "Figures", gate: "GateConfig") -> None:
    """Says why there is no word, where there is none."""
    if figures.words:
        return
    loudest = figures.loudest_decibel
    if loudest is None:
        why = "the input held no sound"
    elif loudest <= gate.quiet_decibel + gate.open_decibel:
        why = (
            f"all {figures.seconds_heard:.1f} s were silent, the loudest frame at {loudest:.0f} dB of "
            "full scale. Check the microphone or its level"
        )
    else:
        why = (
            f"nothing was {gate.open_decibel:g} dB above the noise for {gate.shortest_seconds:g} s; the "
            f"loudest frame had {loudest:.0f} dB of full scale. Lower --threshold or --shortest"
        )
    typer.echo(f"No word was heard: {why}.", err=True)


def _tell_turned_down(turned_down: int, words: int, least: float) -> None:
    """Says how many words were heard and not shown."""
    if turned_down:
        typer.echo(
            f"{turned_down} of {words} words are not shown: their margin is below {least:g}. --margin 0 shows "
            "every word.",
            err=True,
        )


def _tell_cut(cut: int) -> None:
    """Says how many words were too long to be one."""
    if cut:
        typer.echo(
            f"{cut} words are pieces of sound that went on for longer than a word may: words that are said "
            "without a pause are heard as one. A shorter --hang or a higher --threshold may part them.",
            err=True,
        )


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
        margin = "" if word.margin is None else f" margin {word.margin:.2f}"
        cut = " cut" if word.cut else ""
        line = f"{word.start:8.2f} s  to {word.end:8.2f} s  {word.label:<16}{margin}{cut}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _show_figures(
    figures: "Figures", turned_down: int, delay_and_name: tuple[float, str], *, as_json: bool
) -> None:
    hang, name = delay_and_name
    value = {
        **vars(figures),
        "words_below_margin": turned_down,
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
        f"{figures.words} words in {figures.seconds_heard:.1f} s of audio, on {name}; "
        f"{turned_down} of them below the margin and not shown",
        f"{1e6 * figures.frame_seconds:.0f} us a frame ({figures.frames:,} frames), slowest block "
        f"{1e3 * figures.slowest_block_seconds:.1f} ms",
        f"{figures.real_time_factor:.0f} times faster than real time; a word is told "
        f"{1e3 * hang:.0f} ms after its last loud frame",
    )
