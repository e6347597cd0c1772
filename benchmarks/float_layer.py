"""The float S4D layer against the textbook form and the quantized layer, forward and backward, as ratios.

    python benchmarks/float_layer.py [--tiny] [--threads N] [--json FILE]

The work: `d_model` 128, 16 complex modes. `kernel` is the response to an impulse with the gradients of
all its parameters; `layer` the output of a whole layer, with the gradients of its input as well. The
textbook form is that of the S4D paper's minimal code (arXiv 2206.11893), written anew here: a table of
every power of every mode, then an FFT of twice the length. It is given its sequences in the order that
it likes best. `imssa by FFT` is our own kernel with an FFT instead of the compiled recurrence;
`imssa quantized` the layer of quantization-aware training: ternary, leaky, 8-bit converters, on
devices without errors, and `imssa on devices` the same with a chip's programming errors and read noise.

Times are medians of calls; each way is called for 0.6 seconds in turn, the first third not counted; ratios are the other's time over that of our default. The
memory is the peak above the inputs and parameters, in a process of its own for each row. The difference
is the largest one of the output from SciPy's direct recurrence in double precision, relative to the
largest output, over the first sequence and some features. PyTorch gets `--threads` threads; the compiled
recurrence uses all cores that the process may use.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

from imssa.hardware import load_chip
from imssa.kernels.parallel import worker_count
from imssa.kernels.random import Key
from imssa.models import S4D, fft_convolution, kernel
from imssa.quantization.config import QuantizationConfig, TrainingNoise
from imssa.quantization.kernels import PreparedKernels

Row: TypeAlias = dict[str, Any]

FULL = ((16, 256), (16, 1024), (16, 4096), (1, 16384))
TINY = ((2, 40),)
SLOW = 2.0  # seconds of a step beyond which one is enough
TURN = 0.6  # seconds: a new job's threads share a core for a while on some machines
CHECKED = 8  # features that are compared with SciPy


class Work(NamedTuple):
    """A layer, sequences in the order of either side, and gradients of the output."""

    layer: S4D
    quantized: PreparedKernels
    codes: Tensor
    g_codes: Tensor
    u: Tensor
    g: Tensor
    u_textbook: Tensor
    g_textbook: Tensor
    g_kernel: Tensor


def make_work(batch: int, length: int, d_model: int, modes: int) -> Work:
    """Random sequences and a layer at its random start."""
    random = torch.Generator().manual_seed(length)
    layer = S4D(d_model, 2 * modes, generator=random, output="current")
    u, g = (torch.randn(batch, length, d_model, generator=random) for _ in range(2))
    others = (x.mT.contiguous() for x in (u, g))
    g_kernel = torch.randn(d_model, length, generator=random)
    u_textbook, g_textbook = others
    return Work(
        layer,
        quantized_layer(d_model, modes),
        (40 * u).round().clamp(-127, 127).double().requires_grad_(),
        g.double(),
        u.requires_grad_(),
        g,
        u_textbook.requires_grad_(),
        g_textbook,
        g_kernel,
    )


def quantized_layer(d_model: int, modes: int) -> PreparedKernels:
    """Ternary kernels of slow rotations whose states fill a part of their range."""
    rng = np.random.default_rng(modes)
    shape = (d_model, modes)
    turn, signs = np.zeros((*shape, 2)), rng.choice([-1.0, 0.0, 1.0], (2, *shape, 2))
    turn[..., 1] = 1.0
    return PreparedKernels(
        A=turn,
        B=signs[0],
        C=signs[1],
        D=rng.choice([-1.0, 1.0], d_model),
        gain=2.0 ** rng.uniform(-5, -3, shape),
        k=rng.uniform(4, 6, shape),
        output_gain=np.ones(d_model),
        config=QuantizationConfig(
            realization="leaky", noise=TrainingNoise(programming=True, read_noise=True)
        ),
        chip=load_chip("taox-64"),
        current=False,
    )


def run_quantized(work: Work, key: Key | None) -> Tensor:
    """Codes of the quantized layer; with a key on a chip's devices."""
    lengths = np.full(len(work.codes), work.codes.shape[1])
    return work.quantized(work.codes, lengths, key)  # type: ignore[no-any-return]


def textbook_kernel(layer: S4D, length: int) -> Tensor:
    """2 Re sum_n C_n (exp(dt A_n) - 1)/A_n exp(l dt A_n), by a (features, modes, length) table."""
    A = torch.complex(-layer.log_A_real.exp(), layer.A_imag)
    exponent = A * layer.log_dt.exp().unsqueeze(-1)
    weights = torch.view_as_complex(layer.C) * (exponent.exp() - 1) / A
    table = torch.exp(exponent.unsqueeze(-1) * torch.arange(length))
    return 2 * torch.einsum("hn,hnl->hl", weights, table).real


def textbook_layer(layer: S4D, u: Tensor) -> Tensor:
    """The output for u (batch, features, length)."""
    length = u.shape[-1]
    response = torch.fft.rfft(textbook_kernel(layer, length), n=2 * length)
    spectrum = torch.fft.rfft(u, n=2 * length) * response
    convolved: Tensor = torch.fft.irfft(spectrum, n=2 * length)[..., :length]
    return convolved + layer.D.unsqueeze(-1) * u


def our_kernel(work: Work) -> Tensor:
    """The kernel as a float32 layer makes it."""
    system = work.layer.discrete(torch.float64)
    return kernel(system, work.u.shape[1], "current", torch.float32)


def layer_by_fft(work: Work) -> Tensor:
    """Our layer without the compiled recurrence over the sequences."""
    return fft_convolution(work.u, our_kernel(work), work.layer.D)


Way: TypeAlias = tuple[Callable[[Work], Tensor], Callable[[Work], Tensor]]
WAYS: dict[str, dict[str, Way]] = {  # output and its gradient; the first way is the default
    "kernel": {
        "imssa": (our_kernel, lambda work: work.g_kernel),
        "textbook": (
            lambda work: textbook_kernel(work.layer, work.u.shape[1]),
            lambda work: work.g_kernel,
        ),
    },
    "layer": {
        "imssa": (lambda work: work.layer(work.u), lambda work: work.g),
        "imssa by FFT": (layer_by_fft, lambda work: work.g),
        "textbook": (
            lambda work: textbook_layer(work.layer, work.u_textbook),
            lambda work: work.g_textbook,
        ),
        "imssa quantized": (lambda work: run_quantized(work, None), lambda work: work.g_codes),
        "imssa on devices": (
            lambda work: run_quantized(work, Key.root(1)),
            lambda work: work.g_codes,
        ),
    },
}
QUANTIZED = ("imssa quantized", "imssa on devices")


def step(work: Work, way: Way) -> None:
    """One forward and backward pass."""
    parameters = (*work.layer.parameters(), *work.quantized.parameters())
    for tensor in (work.u, work.u_textbook, work.codes, *parameters):
        tensor.grad = None
    forward, gradient = way
    forward(work).backward(gradient(work))  # type: ignore[no-untyped-call]


def times(work: Work, ways: dict[str, Way], repeats: int) -> dict[str, float]:
    """Median seconds of each way, in turns of ``TURN`` seconds; one call where a call is slow."""
    found = {name: call_times(work, way, 0.0) for name, way in ways.items()}  # not counted if fast
    quick = [name for name, values in found.items() if values[0] < SLOW]
    found |= {name: [] for name in quick}
    for _ in range(repeats):
        for name in quick:
            calls = call_times(work, ways[name], TURN)
            found[name] += calls[len(calls) // 3 :]
    return {name: statistics.median(values) for name, values in found.items()}


def call_times(work: Work, way: Way, seconds: float) -> list[float]:
    """Seconds of calls one after the other, for so long at least."""
    found: list[float] = []
    while not found or sum(found) < seconds:
        start = time.perf_counter()
        step(work, way)
        found.append(time.perf_counter() - start)
    return found


def direct(work: Work, what: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The kernel or the first sequence's output by direct recurrence in float64, (features, length)."""
    with torch.no_grad():
        system = work.layer.discrete(torch.float64)
    poles, weights = system.A_bar.numpy(), (2 * system.C * system.B_bar).numpy()
    u = work.u_textbook[0].detach().double().numpy()[:CHECKED]
    if what == "kernel":
        u = np.zeros_like(u)
        u[:, 0] = 1.0
    y = np.zeros_like(u) if what == "kernel" else system.D.numpy()[: len(u), None] * u
    for h, row in enumerate(u):
        for pole, weight in zip(poles[h], weights[h], strict=True):
            y[h] += lfilter([weight], [1.0, -pole], row.astype(complex)).real
    return y


def difference(work: Work, what: str, name: str) -> float:
    """Largest difference from the direct recurrence, relative to the largest value."""
    with torch.no_grad():
        y = WAYS[what][name][0](work)
    if what == "layer":
        y = (y if name == "textbook" else y.mT)[0]
    expected = direct(work, what)
    return float(
        np.abs(y.double().numpy()[: len(expected)] - expected).max() / np.abs(expected).max()
    )


def memory_bytes(field: str) -> int:
    """VmRSS (now) or VmHWM (peak) of this process."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    return 0


def peak(case: Row) -> int:
    """Bytes that a step takes at most above its inputs and parameters; for a process of its own."""
    way = WAYS[case["what"]][case["way"]]
    torch.set_num_threads(case["threads"])
    step(make_work(1, 8, case["d_model"], case["modes"]), way)  # loads what a first step loads
    work = make_work(case["batch"], case["length"], case["d_model"], case["modes"])
    before = memory_bytes("VmRSS")
    step(work, way)
    return memory_bytes("VmHWM") - before


def peak_elsewhere(case: Row) -> int | None:
    """The same, measured in a new process; None where the system does not tell."""
    if not Path("/proc/self/status").is_file():
        return None
    command = [sys.executable, __file__, "--peak", json.dumps(case)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return int(done.stdout)


def measure(
    cases: tuple[tuple[int, int], ...], d_model: int, modes: int, repeats: int
) -> list[Row]:
    """All rows."""
    rows = []
    for batch, length in cases:
        work = make_work(batch, length, d_model, modes)
        for what, ways in WAYS.items():
            seconds = times(work, ways, repeats)
            first = next(iter(seconds.values()))
            for name, value in seconds.items():
                case = {"what": what, "way": name, "batch": batch, "length": length}
                sizes = {"d_model": d_model, "modes": modes, "threads": torch.get_num_threads()}
                rows.append(
                    {
                        **case,
                        "seconds": value,
                        "ratio": value / first,
                        "peak_bytes": peak_elsewhere(case | sizes),
                        "largest_relative_difference": (
                            None if name in QUANTIZED else difference(work, what, name)
                        ),
                    }
                )
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--tiny", action="store_true", help="a few short sequences, one turn")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    parser.add_argument("--peak", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak is not None:
        sys.stdout.write(f"{peak(options.peak)}\n")
        return 0
    torch.set_num_threads(options.threads)
    rows = measure(TINY, 4, 2, 1) if options.tiny else measure(FULL, 128, 16, 3)
    packages = {"numpy": np, "numba": numba, "torch": torch}
    found = {
        "versions": {
            "python": platform.python_version(),
            **{name: package.__version__ for name, package in packages.items()},
        },
        "threads": {"torch": torch.get_num_threads(), "recurrence": worker_count()},
        "rows": rows,
    }
    sys.stdout.write(table(found))
    if options.json is not None:
        partial = options.json.with_name(options.json.name + ".partial")
        partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        partial.replace(options.json)
    return 0


def table(found: Row) -> str:
    """The rows as aligned text."""
    threads = ", ".join(f"{name} {count}" for name, count in found["threads"].items())
    lines = [f"threads: {threads}"]
    lines.append(
        f"{'batch':>5}{'length':>8} {'what':8}{'way':17}{'ms':>9}{'x ours':>8}{'peak MB':>9}  difference"
    )
    for line in found["rows"]:
        peak_mb = "?" if line["peak_bytes"] is None else f"{line['peak_bytes'] / 1e6:.1f}"
        lines.append(
            f"{line['batch']:5}{line['length']:8} {line['what']:8}{line['way']:17}"
            f"{1e3 * line['seconds']:9.2f}{line['ratio']:8.3g}{peak_mb:>9}"
            + ("" if line["way"] in QUANTIZED else f"  {line['largest_relative_difference']:.1e}")
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
