"""Draws the inner ear: filters, rate against level, and the spikes of a spoken word.

Usage: python scripts/draw_inner_ear.py

Writes docs/pictures/inner-ear.svg from the code and a bundled recording; it is the same at every run.
"""

from pathlib import Path

import numpy as np
import scipy.signal
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imssa.data import DataConfig, Recording, read_recordings
from imssa.ear import (
    EarConfig,
    EncodingConfig,
    Events,
    centre_frequencies,
    encode_recording,
    filtered,
    hear,
)
from imssa.evaluation.figures.svg import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    RASTER_BLUE,
    WIDTH_PIXELS,
    Caption,
    draw,
)
from imssa.program.files import write_atomically

TARGET = Path(__file__).parents[1] / "docs" / "pictures" / "inner-ear.svg"
RATE_HERTZ = 16_000
LENGTH = 16_384
SHOWN = 8
TONE_HERTZ = 1000.0
LEVELS = np.arange(-75.0, 0.1, 2.5)
ONSET_SECONDS = 0.02
TONE_SECONDS = 0.5
WORD = "0_george_1"
WORD_EAR = EarConfig(highest_hertz=3500.0)
"""The bundled recordings are sampled at 8 kHz."""
TICKS = (100, 200, 500, 1000, 2000, 5000)


def responses() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre frequencies, and gains in decibels of some channels: ours, and those of SciPy's filters."""
    bank = EarConfig(channels=SHOWN)
    impulse = np.zeros(LENGTH, np.float32)
    impulse[0] = 1.0
    mine = filtered(impulse, RATE_HERTZ, bank).T.astype(np.float64)
    hertz = np.geomspace(30.0, 7900.0, 400)
    ours, theirs = [], []
    for frequency, taps in zip(centre_frequencies(bank), mine, strict=True):
        ours.append(gain_decibel(taps, 1.0, hertz))
        their = scipy.signal.gammatone(frequency, "iir", fs=RATE_HERTZ)
        theirs.append(gain_decibel(*their, hertz))
    return hertz, np.array(ours), np.array(theirs)


def gain_decibel(b: np.ndarray, a: np.ndarray | float, hertz: np.ndarray) -> np.ndarray:
    """Gain of a filter with coefficients b and a."""
    return 20 * np.log10(np.abs(scipy.signal.freqz(b, a, hertz, fs=RATE_HERTZ)[1]))


def rates() -> tuple[np.ndarray, np.ndarray]:
    """Spikes a second of the channel at a tone's frequency, at its onset and afterwards, by level."""
    one = EarConfig(channels=1, lowest_hertz=TONE_HERTZ, highest_hertz=TONE_HERTZ)
    t = np.arange(round(TONE_SECONDS * RATE_HERTZ)) / RATE_HERTZ
    onset, later = [], []
    for level in LEVELS:
        tone = 10 ** (level / 20) * np.sin(2 * np.pi * TONE_HERTZ * t)
        seconds = hear(tone.astype(np.float32), RATE_HERTZ, one).times_seconds()
        early = int((seconds < ONSET_SECONDS).sum())
        onset.append(early / ONSET_SECONDS)
        later.append((len(seconds) - early) / (TONE_SECONDS - ONSET_SECONDS))
    return np.array(onset), np.array(later)


def word() -> tuple[Recording, Events]:
    """A spoken word and its events."""
    recording = next(r for r in read_recordings(DataConfig()) if r.name == WORD)
    config = EncodingConfig(ear=WORD_EAR)
    return recording, encode_recording(recording.samples, recording.rate_hertz, config)


def paint_filters(axes: Axes) -> None:
    """Gains of some channels over frequency."""
    hertz, ours, theirs = responses()
    for n, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        axes.plot(hertz, other, color=ORANGE, lw=2.6, label=None if n else "SciPy")
        axes.plot(hertz, mine, color=BLUE, lw=1.0, label=None if n else "imssa")
    axes.set(xscale="log", xlim=(30, 8000), ylim=(-42, 3), ylabel="gain in dB")
    axes.set_xticks(TICKS, [str(t) for t in TICKS])
    axes.minorticks_off()
    axes.set_xlabel("frequency in Hz")
    axes.set_title(f"Filters of {SHOWN} channels", loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderpad=0)


def paint_rates(axes: Axes) -> None:
    """Rate against level."""
    onset, later = rates()
    axes.plot(LEVELS, onset, "o-", ms=2.5, color=ORANGE, label="first 20 ms")
    axes.plot(LEVELS, later, "o-", ms=2.5, color=BLUE, label="afterwards")
    axes.set(xlabel="level in dB of full scale", ylabel="spikes a second", ylim=(0, None))
    axes.set_title("A tone of 1 kHz in the channel at 1 kHz", loc="left")
    axes.legend(loc="upper left")


def paint_word(wave: Axes, raster: Axes, recording: Recording, events: Events) -> None:
    """Waveform and spikes of a word over the same time."""
    seconds = np.arange(len(recording.samples)) / recording.rate_hertz
    wave.plot(seconds, recording.samples, color=INK, lw=0.4)
    wave.set_title(f'"{recording.label}": {len(events.units):,} spikes', loc="left")
    wave.set_yticks([])
    wave.tick_params(labelbottom=False)
    wave.spines["left"].set_visible(False)
    raster.plot(
        events.times_seconds(), events.units, ",", color=RASTER_BLUE, rasterized=True, alpha=0.9
    )
    frequencies = centre_frequencies(WORD_EAR)
    shown = [t for t in TICKS if t < frequencies[-1]]
    raster.set_yticks(np.searchsorted(frequencies, shown), [str(t) for t in shown])
    raster.set(xlabel="time in s", ylabel="channel's frequency in Hz", ylim=(-5, len(frequencies)))
    raster.set_xlim(0, seconds[-1])
    wave.set_xlim(0, seconds[-1])
    raster.grid(visible=True, axis="y", color=GREY)


def main() -> None:
    """Draws and writes."""
    recording, events = word()

    def paint(figure: Figure) -> None:
        filters, rate, wave, raster = figure.subplots(4, 1, height_ratios=(3, 3, 1.2, 5))
        paint_filters(filters)
        paint_rates(rate)
        paint_word(wave, raster, recording, events)

    about = (
        f"Gains of {SHOWN} gammatone channels against SciPy's; spikes a second of the channel at 1 kHz over "
        f"the level of a tone, at its onset and later; waveform of {recording.label} and its "
        f"{len(events.units):,} spikes in {WORD_EAR.channels} channels."
    )
    drawing = draw(Caption("inner-ear", "The inner ear", about), 9.2, paint)
    write_atomically(TARGET, drawing.standalone(WIDTH_PIXELS).encode())


if __name__ == "__main__":
    main()
