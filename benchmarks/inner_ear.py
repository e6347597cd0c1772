"""The inner ear's speed as a multiple of real time, on one core, and its spikes beside the published ones.

    python benchmarks/inner_ear.py [--tiny] [--folder DIR [--highest HZ]] [--json FILE]

Speed: spoken words that come with the package, brought to 16 kHz and -26 dB and put end to end. The ways:

- `whole`: one call; ratios are to this;
- `pieces`: calls of 10 ms, as a live signal comes;
- `filters`: our filter bank alone, its outputs kept;
- `scipy`: the filter bank alone by `scipy.signal.gammatone` and `lfilter`, channel after channel in float64
  (timed on part of the channels and scaled; `whole` does far more for each).

Times are medians of rounds in which all take turns. `core` is the processor's time, which other work on the
machine hardly disturbs; `wall` is the clock's. Before anything is timed, pieces must give the events of the
whole, and the filters let as much white noise through as SciPy's, to `POWER_DECIBEL`.

Spikes: every recording of a folder (or the bundled words) is encoded; the spikes of an item, the time of the
last one, and the share of items within the range of the Spiking Heidelberg Digits. Public training scripts for
that data set have `MOST_SPIKES` as the most spikes of an item and `LAST_SECONDS` as the time of the latest
one; its recordings are said to last 0.24 to 1.17 s.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy
import scipy.signal

from imssa import __version__
from imssa.data import DataConfig, read_recordings
from imssa.ear import (
    EarConfig,
    EarStream,
    EncodingConfig,
    centre_frequencies,
    encode_recording,
    filtered,
    find_recordings,
    hear,
    read_recording,
)
from imssa.errors import CheckFailedError

Row = dict[str, Any]
Samples = np.ndarray

RATE_HERTZ = 16_000
LEVEL_DECIBEL = -26.0
PIECE = 160
SCIPY_CHANNELS = 35
POWER_DECIBEL = 0.2
MOST_SPIKES = 14_917
LAST_SECONDS = 1.369


def words(seconds: float) -> Samples:
    """Bundled words at 16 kHz, end to end."""
    parts, total = [], 0
    for recording in read_recordings(DataConfig()):
        plain = recording.samples - recording.samples.mean()
        sound = scipy.signal.resample_poly(plain, 2, 1)
        parts.append(sound * (10 ** (LEVEL_DECIBEL / 20) / np.sqrt(np.mean(sound**2))))
        total += len(sound)
        if total >= seconds * RATE_HERTZ:
            break
    return np.concatenate(parts).astype(np.float32)[: round(seconds * RATE_HERTZ)]


def in_pieces(sound: Samples, config: EarConfig) -> Samples:
    """Channels of all events, 10 ms a call."""
    stream = EarStream(config, RATE_HERTZ)
    parts = [stream.push(sound[i : i + PIECE]).units for i in range(0, len(sound), PIECE)]
    return np.concatenate(parts)


def by_scipy(sound: Samples, frequencies: Samples) -> Samples:
    """Outputs of SciPy's recursive gammatone filters, (channels, samples)."""
    x = sound.astype(np.float64)
    parts = []
    for frequency in frequencies:
        b, a = scipy.signal.gammatone(frequency, "iir", fs=RATE_HERTZ)
        parts.append(scipy.signal.lfilter(b, a, x))
    return np.stack(parts)


def require(condition: bool, fault: str) -> None:
    """Ends the benchmark on a fault of our own."""
    if not condition:
        raise CheckFailedError(
            given="the benchmark", rule=fault, remedy="Report it with the output of imssa doctor."
        )


def check(sound: Samples, config: EarConfig, some: Samples) -> float:
    """Runs all ways; gives the largest difference from SciPy's powers in decibels."""
    whole = hear(sound, RATE_HERTZ, config).units
    require(np.array_equal(in_pieces(sound, config), whole), "pieces differ from the whole")
    noise = np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    ours = filtered(noise, RATE_HERTZ, config).T[some].astype(np.float64)
    theirs = by_scipy(noise, centre_frequencies(config)[some])
    apart = 10 * np.log10(np.mean(ours**2, axis=1) / np.mean(theirs**2, axis=1))
    largest = float(np.abs(apart).max())
    require(largest < POWER_DECIBEL, f"filters differ from SciPy's by {largest:.2f} dB")
    return largest


def speeds(sound: Samples, config: EarConfig, rounds: int) -> list[Row]:
    """Every way's time, taking turns."""
    some = np.arange(0, config.channels, max(1, config.channels // SCIPY_CHANNELS))
    difference = check(sound, config, some)
    part, scale = centre_frequencies(config)[some], config.channels / len(some)
    ways: dict[str, tuple[Callable[[], object], float]] = {
        "whole": (lambda: hear(sound, RATE_HERTZ, config), 1.0),
        "pieces": (lambda: in_pieces(sound, config), 1.0),
        "filters": (lambda: filtered(sound, RATE_HERTZ, config), 1.0),
        "scipy": (lambda: by_scipy(sound, part), scale),
    }
    core: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, factor) in ways.items():
            starts = time.thread_time(), time.perf_counter()
            way()
            core[name].append(factor * (time.thread_time() - starts[0]))
            wall[name].append(factor * (time.perf_counter() - starts[1]))
    seconds, base = len(sound) / RATE_HERTZ, statistics.median(core["whole"])
    return [
        {
            "channels": config.channels,
            "way": name,
            "core_seconds": statistics.median(core[name]),
            "wall_seconds": statistics.median(wall[name]),
            "times_real_time_core": seconds / statistics.median(core[name]),
            "times_real_time_wall": seconds / statistics.median(wall[name]),
            "ratio": statistics.median(core[name]) / base,
            "scipy_power_difference_decibel": difference,
        }
        for name in ways
    ]


def sounds(folder: Path | None, most: int) -> Iterable[tuple[Samples, int]]:
    """Recordings of a folder, or the bundled ones."""
    if folder is None:
        for recording in read_recordings(DataConfig())[:most]:
            yield recording.samples, recording.rate_hertz
        return
    for source in find_recordings(folder)[0][:most]:
        yield read_recording(source)


def spikes(folder: Path | None, highest_hertz: float, most: int) -> Row:
    """Spikes of the items, their last times, and how many lie in the published range."""
    config = EncodingConfig(ear=EarConfig(highest_hertz=highest_hertz))
    counts, lasts, seconds = [], [], []
    for samples, rate_hertz in sounds(folder, most):
        events = encode_recording(samples, rate_hertz, config)
        counts.append(len(events.units))
        lasts.append(float(events.times_seconds()[-1]) if counts[-1] else 0.0)
        seconds.append(len(samples) / rate_hertz)
    quantiles = np.quantile(counts, [0, 0.05, 0.5, 0.95, 1]).round().astype(int).tolist()
    inside = (np.array(counts) <= MOST_SPIKES) & (np.array(lasts) <= LAST_SECONDS)
    return {
        "recordings": "bundled zero and one" if folder is None else folder.name,
        "items": len(counts),
        "highest_hertz": highest_hertz,
        "mean_spikes": float(np.mean(counts)),
        "spike_quantiles_0_5_50_95_100": quantiles,
        "spikes_a_second": float(np.sum(counts) / np.sum(seconds)),
        "duration_seconds": [min(seconds), float(np.mean(seconds)), max(seconds)],
        "last_spike_seconds": max(lasts),
        "published_most_spikes": MOST_SPIKES,
        "published_last_seconds": LAST_SECONDS,
        "share_within_published": float(inside.mean()),
    }


def table(found: Row) -> str:
    """The results as aligned text."""
    lines = [f"{'channels':>8}  {'way':10}{'x real time, core':>18}{'wall':>8}{'time x ours':>13}"]
    lines += [
        f"{row['channels']:8d}  {row['way']:10}{row['times_real_time_core']:18.1f}"
        f"{row['times_real_time_wall']:8.1f}{row['ratio']:13.2f}"
        for row in found["speed"]
    ]
    s = found["spikes"]
    least, _, median, _, most = s["spike_quantiles_0_5_50_95_100"]
    lines.append(
        f"{s['recordings']}: {s['items']} items of {s['duration_seconds'][0]:.2f} to "
        f"{s['duration_seconds'][2]:.2f} s, spikes {least} to {most}, median {median}, mean "
        f"{s['mean_spikes']:.0f}; {s['share_within_published']:.1%} within the published range "
        f"(at most {MOST_SPIKES} spikes, {LAST_SECONDS} s)"
    )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--tiny", action="store_true", help="one second, one round, ten items")
    parser.add_argument("--folder", type=Path, help="recordings to count spikes of")
    parser.add_argument("--highest", type=float, default=3500.0, help="their highest channel in Hz")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    seconds, rounds, most = (1.0, 1, 10) if options.tiny else (4.0, 15, 10**9)
    sound = words(seconds)
    packages = {"numpy": np, "numba": numba, "scipy": scipy}
    versions = {name: package.__version__ for name, package in packages.items()}
    banks = [EarConfig(channels=n) for n in (700, 64)]
    found = {
        "versions": {"imssa": __version__, "python": platform.python_version(), **versions},
        "rate_hertz": RATE_HERTZ,
        "seconds": seconds,
        "speed": [row for bank in banks for row in speeds(sound, bank, rounds)],
        "spikes": spikes(options.folder, options.highest, most),
    }
    sys.stdout.write(table(found))
    if options.json is not None:
        partial = options.json.with_name(options.json.name + ".partial")
        partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        partial.replace(options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
