"""Quantized recurrence, forward and backward: ours against the PyTorch loop, as ratios in one run.

    python benchmarks/quantized_recurrence.py [--tiny] [--json FILE] [--length N] [--skip PEER]

The work: leaky realization, delayed output, ternary weights, 8-bit converters, exact devices, a loss
on every output code. The peers are the same recurrence as fake quantization with straight-through
gradients in float32, a Python loop over time: ``eager``, and ``compiled`` by torch.compile in chunks
of 16 steps (needs a C++ compiler). Each way runs in a process of its own, whose highest resident
memory is measured; "more" is what the run adds to a process with PyTorch loaded and its inputs made.
Two threads each.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from imssa.kernels.passes import passes_of
from imssa.kernels.scan import LEAKY, Scales, no_noise
from imssa.quantization.quantizers import quantized_scan

Row: TypeAlias = dict[str, Any]

CASES = ((16, 256), (16, 1024), (16, 4096), (1, 16384))
TINY = ((2, 20), (1, 33))
WAYS = ("ours", "eager", "compiled")
CHUNK = 16
GUARD, DAC_MAX, ADC_MAX, REGISTER_MAX = 8, 127, 127, 2**19 - 1
THREADS = 2
SECONDS = 2.0
"""Calls are repeated for so long at least: a new process needs some tenths to come up to speed."""


class Work:
    """Weights, scales and inputs of one case, from a seed."""

    def __init__(self, batch: int, length: int, features: int, modes: int) -> None:
        rng = np.random.default_rng(length)
        shape = (features, modes)
        self.turn = rng.integers(0, 2, shape).astype(float)
        self.B, self.C = (rng.integers(-1, 2, (*shape, 2)).astype(float) for _ in range(2))
        self.D = rng.integers(-1, 2, features).astype(float)
        self.k = rng.integers(3, 8, shape)
        self.shift = self.k - GUARD + 2
        self.gain = 2.0**-self.shift
        self.step = np.concatenate(
            [np.full((features, 2 * modes), 2.0), np.full((features, 1), 8.0)], 1
        )
        self.u = rng.integers(-DAC_MAX, DAC_MAX + 1, (batch, length, features)).astype(float)
        self.g = rng.normal(size=self.u.shape)

    def rotation(self) -> np.ndarray:
        """A as blocks: rotation alone."""
        zero = np.zeros_like(self.turn)
        rows = [np.stack([zero, -self.turn], -1), np.stack([self.turn, zero], -1)]
        return np.stack(rows, -2)


def ours(work: Work) -> Callable[[], tuple[Tensor, list[Tensor]]]:
    """Our scan."""
    batch, length, _ = work.u.shape
    leaves = [work.u, work.rotation(), work.B, work.C, work.D, work.gain, work.k.astype(float)]
    u, *weights, gain, k = (torch.from_numpy(x).requires_grad_() for x in leaves)
    scales = Scales(
        adc=work.step,
        multiplier=np.ones_like(work.k),
        shift=work.shift,
        k=work.k,
        passes=passes_of(8, bit_serial=False, two_pass=False),
        drive_shift=GUARD,
        dac_max=DAC_MAX,
        adc_max=ADC_MAX,
        register_max=REGISTER_MAX,
        realization=LEAKY,
        current=False,
    )
    g, lengths = torch.from_numpy(work.g), np.full(batch, length)

    def run() -> tuple[Tensor, list[Tensor]]:
        y = quantized_scan(
            u, tuple(weights), gain=gain, k=k, lengths=lengths, scales=scales, noise=no_noise()
        )
        return y.detach(), list(torch.autograd.grad(y, [u, *weights, gain, k], g))

    return run


def held(x: Tensor, largest: float) -> Tensor:
    """Clipped and rounded, with the gradient of the clipped value."""
    inside = x.clamp(-largest, largest)
    return inside + (inside.round() - inside).detach()


def steps(x: Tensor, y: Tensor, u: Tensor, w: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """The fake-quantized recurrence over the steps of ``u`` (batch, steps, features)."""
    turn, b0, b1, c0, c1, direct, gain, keep = w
    outputs = []
    for t in range(u.shape[1]):
        v = u[:, t, :, None]
        d, e = held(x * 2.0**-GUARD, DAC_MAX), held(y * 2.0**-GUARD, DAC_MAX)
        outputs.append(held(((c0 * d + c1 * e).sum(-1) + direct * u[:, t]) / 8.0, ADC_MAX))
        a = held((b0 * v - turn * e) / 2.0, ADC_MAX)
        b = held((b1 * v + turn * d) / 2.0, ADC_MAX)
        x = (x - held(x * keep, REGISTER_MAX) + held(a * gain, REGISTER_MAX)).clamp(
            -REGISTER_MAX, REGISTER_MAX
        )
        y = (y - held(y * keep, REGISTER_MAX) + held(b * gain, REGISTER_MAX)).clamp(
            -REGISTER_MAX, REGISTER_MAX
        )
    return x, y, torch.stack(outputs, 1)


def loop(work: Work, chunk: int, block: Any) -> Callable[[], tuple[Tensor, list[Tensor]]]:
    """The PyTorch loop, in chunks that are each run by ``block``."""
    values = (work.turn, work.B[..., 0], work.B[..., 1], work.C[..., 0], work.C[..., 1], work.D)
    values = (*values, work.gain, 2.0**-work.k)
    w = tuple(torch.from_numpy(x).float().requires_grad_() for x in values)
    u, g = torch.from_numpy(work.u).float().requires_grad_(), torch.from_numpy(work.g).float()
    zero = torch.zeros(len(u), *work.turn.shape)

    def run() -> tuple[Tensor, list[Tensor]]:
        x, y, found = zero, zero, []
        for part in u.split(chunk, 1):
            x, y, out = block(x, y, part, w)
            found.append(out)
        y_all = torch.cat(found, 1)
        return y_all.detach(), list(torch.autograd.grad(y_all, [u, *w], g))

    return run


def ready(way: str, work: Work) -> Callable[[], tuple[Tensor, list[Tensor]]]:
    """One way to do the work."""
    if way == "ours":
        return ours(work)
    if way == "eager":
        return loop(work, work.u.shape[1], steps)
    return loop(work, CHUNK, torch.compile(steps, fullgraph=True))


def resident_bytes() -> int:
    """Memory that this process holds now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def measure(way: str, batch: int, length: int, features: int, modes: int, repeats: int) -> Row:
    """Times one way in this process."""
    torch.set_num_threads(THREADS)
    start = time.perf_counter()
    ready(way, Work(batch, CHUNK, features, modes))()  # compiles, loads what is loaded once
    first = time.perf_counter() - start
    run = ready(way, Work(batch, length, features, modes))
    before = resident_bytes()
    y, _ = run()
    times: list[float] = []
    while len(times) < repeats or (repeats > 1 and sum(times) < SECONDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": statistics.median(times[len(times) // 3 :]),
        "first_call_seconds": first,
        "peak_bytes": peak,
        "more_bytes": max(peak - before, 0),
        "mean_size_of_codes": float(y.abs().mean()),
        "codes": y[0, :: max(1, length // 64), 0].int().tolist(),
    }


def in_process(way: str, *numbers: int) -> Row:
    """The same in a process of its own; why not, where it fails."""
    command = [sys.executable, __file__, "--measure", way, *map(str, numbers)]
    limits = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(  # noqa: S603
        command, env=limits, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return {"failed": last[0]}
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def one_case(batch: int, length: int, sizes: tuple[int, int], repeats: int, ways: list[str]) -> Row:
    """All ways for one batch and length, and ratios to ours."""
    row: Row = {"batch": batch, "length": length}
    for way in ways:
        few = 1 if way == "eager" else repeats
        row[way] = in_process(way, batch, length, *sizes, few)
        sys.stderr.write(f"batch {batch} length {length} {way}: done\n")
    for way in ways[1:]:
        if "failed" not in row[way]:
            both = list(zip(row["ours"]["codes"], row[way]["codes"], strict=True))
            row[f"{way}_over_ours"] = {
                "time": row[way]["seconds"] / row["ours"]["seconds"],
                "peak_memory": row[way]["peak_bytes"] / row["ours"]["peak_bytes"],
                "more_memory": row[way]["more_bytes"] / max(row["ours"]["more_bytes"], 1),
                "share_of_equal_codes": sum(a == b for a, b in both) / len(both),
            }
    for way in ways:
        row[way].pop("codes", None)
    return row


def table(found: Row) -> str:
    """The rows as aligned text."""
    lines = [
        f"{'batch':>5} {'length':>6} {'way':9}{'ms':>10}{'x ours':>8}{'MB more':>9}{'x ours':>8}"
    ]
    for row in found["rows"]:
        for way in (w for w in WAYS if w in row):
            one, ratio = row[way], row.get(f"{way}_over_ours", {})
            head = f"{row['batch']:5} {row['length']:6} {way:9}"
            if "failed" in one:
                lines.append(f"{head} failed: {one['failed']}")
                continue
            lines.append(
                f"{head}{1e3 * one['seconds']:10.1f}{ratio.get('time', 1):8.1f}"
                f"{one['more_bytes'] / 1e6:9.0f}{ratio.get('more_memory', 1):8.1f}"
            )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--tiny", action="store_true", help="a few steps, without torch.compile")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    parser.add_argument("--length", action="append", type=int, help="only this length (repeatable)")
    parser.add_argument("--skip", action="append", default=[], choices=WAYS[1:])
    parser.add_argument("--measure", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        way, *numbers = options.measure
        sys.stdout.write(json.dumps(measure(way, *map(int, numbers))) + "\n")
        return 0
    skipped = [*options.skip, *(["compiled"] if options.tiny else [])]
    ways = [way for way in WAYS if way not in skipped]
    cases, sizes, repeats = (TINY, (5, 3), 1) if options.tiny else (CASES, (128, 16), 9)
    cases = tuple(c for c in cases if options.length is None or c[1] in options.length)
    rows = [one_case(*case, sizes, repeats, ways) for case in cases]
    found = {
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "features": sizes[0],
        "modes": sizes[1],
        "threads": THREADS,
        "rows": rows,
    }
    sys.stdout.write(table(found))
    if options.json is not None:
        partial = options.json.with_name(options.json.name + ".partial")
        partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        partial.replace(options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
