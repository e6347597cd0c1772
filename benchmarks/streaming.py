"""One time step of a whole network, as for a live signal: its time, its memory, ratios in one run.

    python benchmarks/streaming.py [--tiny] [--steps N] [--json FILE]

The networks: as large as that of the recipe `zero-one`, at its random start and quantized on random
features (what a step costs does not depend on the weights), on an ideal chip (the integer network), on
a chip with all errors, and in floats; and a float network of 128 kernels with 16 complex modes. All on
one core. The ways:

- `step`: our stream, one call a step; ratios are to this;
- `push`: our stream, blocks of steps in one call;
- `whole`: whole sequences, one a call (`ProgrammedChips.run`, or the float network's forward);
- `eager`: the float network's step in plain PyTorch operations, one call a step, without gradients.

Times are medians of rounds in which all take turns. `x real time` is the recipe's time from one frame
to the next over the time of a step; the front end is not in it. Before anything is timed, all ways get
the same steps: their codes must be equal, their logits equal to float accuracy.

Then each network of the recipe's size gets `--steps` steps twice, one a call and in blocks, and must end
with the same codes. Memory must not grow by more than `ALLOWED_BYTES` after the first hundredth:
resident memory, and Python's own by tracemalloc, which looks on while blocks are pushed.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from imssa import __version__
from imssa.crossbar import ProgrammedChips, Stream
from imssa.errors import CheckFailedError
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.models import ModelConfig, ModelStream, S4DClassifier, step
from imssa.quantization.convert import convert
from imssa.quantization.network import QuantizedNetwork
from imssa.quantization.prepare import prepare

Row = dict[str, Any]
Block = NDArray[Any]
AnyStream = Stream | ModelStream

BLOCK = 1000
LENGTH = 4000
ALLOWED_BYTES = 1 << 20
FLOAT_ACCURACY = 1e-4
"""Largest difference of logits, relative to the largest: most of it is float32 sums over LENGTH steps."""

CLASSES = ("zero", "one")


@dataclass(frozen=True)
class Case:
    """A network and its ways through ``LENGTH`` steps.

    Attributes:
        name: What the table calls it.
        new: Makes a stream.
        block: Inputs of ``BLOCK`` steps, repeated.
        others: Ways that are no streams; they give the logits.
        accuracy: Largest relative difference of their logits from the stream's; 0: equal.
    """

    name: str
    new: Callable[[int | None], AnyStream]
    block: Block
    others: dict[str, Callable[[], Block]]
    accuracy: float


def float_network(recipe: Recipe, **changes: Any) -> S4DClassifier:
    """The float network of a recipe at its random start."""
    settings = recipe.model.model_copy(update=changes)
    n_features = recipe.data.front_end.n_mels
    config = ModelConfig(**settings.model_dump(), n_features=n_features, n_classes=len(CLASSES))
    return S4DClassifier(config, Key.root(recipe.seed).child("start").torch()).eval()


def random_features(recipe: Recipe, *shape: int) -> torch.Tensor:
    """Features as after normalization."""
    generator = Key.root(recipe.seed).child("features").torch()
    return torch.randn(*shape, recipe.data.front_end.n_mels, generator=generator)


def integer_network(recipe: Recipe) -> QuantizedNetwork:
    """The same in codes, for sequences of ``LENGTH`` steps."""
    features = random_features(recipe, 16, recipe.data.front_end.max_frames)
    lengths = torch.full((len(features),), features.shape[1])
    given = (float_network(recipe), recipe.quantization, recipe.chip, features, lengths)
    network = convert(prepare(*given, class_names=CLASSES, preparation={}))
    return replace(network, max_length=LENGTH)


def chip_case(name: str, recipe: Recipe, network: QuantizedNetwork, *, ideal: bool) -> Case:
    """A program on one chip."""
    program = compile_network(network, recipe.chip, {})
    chip = recipe.chip.only() if ideal else recipe.chip
    chips = ProgrammedChips(program, chip, Key.root(recipe.seed).child("chip"), np.zeros(1, int))
    block = network.input_codes(random_features(recipe, BLOCK).numpy())
    sequence, lengths = np.tile(block, (LENGTH // BLOCK, 1))[None], np.array([LENGTH])

    def whole() -> Block:
        found: Block = chips.run(sequence, lengths).final["logits"][0, 0]
        return found

    return Case(name, lambda window: Stream(chips, window=window), block, {"whole": whole}, 0.0)


class EagerStep:
    """The float network's step by PyTorch's own operations."""

    def __init__(self, model: S4DClassifier) -> None:
        self.model = model
        with torch.no_grad():
            self.systems = [block.s4d.discrete(torch.float32) for block in model.blocks]

    def run(self, rows: list[torch.Tensor], repeats: int) -> Block:
        """Logits after all rows, some times over."""
        model = self.model
        states = [system.A_bar.new_zeros(1, *system.A_bar.shape) for system in self.systems]
        total = torch.zeros(1, model.config.d_model)
        for _ in range(repeats):
            for row in rows:
                x = model.encoder(row)
                for n, (block, system) in enumerate(zip(model.blocks, self.systems, strict=True)):
                    states[n], y = step(system, states[n], x, model.config.output)
                    x = x + block.mixing(block.activation(y))
                total += x
        logits: Block = model.decoder(total / (repeats * len(rows)))[0].numpy()
        return logits


def float_case(name: str, recipe: Recipe, **changes: Any) -> Case:
    """The float network."""
    model = float_network(recipe, **changes)
    features = random_features(recipe, BLOCK)
    eager, rows = EagerStep(model), list(features[:, None])
    sequence, lengths = features.repeat(LENGTH // BLOCK, 1)[None], torch.tensor([LENGTH])

    @torch.inference_mode()
    def stepped() -> Block:
        return eager.run(rows, LENGTH // BLOCK)

    @torch.inference_mode()
    def whole() -> Block:
        found: Block = model(sequence, lengths)[0].numpy()
        return found

    ways = {"whole": whole, "eager": stepped}
    block = features.double().numpy()
    return Case(name, lambda window: ModelStream(model, window=window), block, ways, FLOAT_ACCURACY)


def fed(stream: AnyStream, rows: list[Block], repeats: int) -> None:
    """Gives a stream a block's steps, one a call."""
    for _ in range(repeats):
        for row in rows:
            stream.step(row)


def pushed(stream: AnyStream, block: Block, repeats: int) -> None:
    """The same in one call a block."""
    for _ in range(repeats):
        stream.push(block)


def logits_of(stream: AnyStream) -> Block:
    """Logits of the steps so far."""
    return np.array(stream.scores() if isinstance(stream, Stream) else stream.logits())


def check(case: Case) -> float:
    """Runs all ways; gives the largest relative difference of their logits from the stream's.

    Raises:
        CheckFailedError: It is larger than it may be.
    """
    one, two = case.new(None), case.new(None)
    fed(one, list(case.block), LENGTH // BLOCK)
    pushed(two, case.block, LENGTH // BLOCK)
    expected = logits_of(one)
    require(np.array_equal(logits_of(two), expected), f"{case.name}: push differs from step")
    largest = max(
        float(np.abs(way() - expected).max() / np.abs(expected).max())
        for way in case.others.values()
    )
    require(largest <= case.accuracy, f"{case.name}: another way differs by {largest:.1e}")
    return largest


def require(condition: bool, fault: str) -> None:
    """Ends the benchmark on a fault of our own."""
    if not condition:
        raise CheckFailedError(
            given="the benchmark", rule=fault, remedy="Report it with the output of imssa doctor."
        )


def times(case: Case, rounds: int) -> dict[str, float]:
    """Median seconds a step of each way, taking turns, after ``check`` ran them once."""
    stream, rows, repeats = case.new(None), list(case.block), LENGTH // BLOCK

    def anew(run: Callable[[], None]) -> Callable[[], object]:
        def way() -> None:
            stream.restart()
            run()

        return way

    ways: dict[str, Callable[[], object]] = {
        "step": anew(lambda: fed(stream, rows, repeats)),
        "push": anew(lambda: pushed(stream, case.block, repeats)),
        **case.others,
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            found[name].append((time.perf_counter() - start) / LENGTH)
    return {name: statistics.median(values) for name, values in found.items()}


def resident_bytes() -> int | None:
    """Resident memory of this process; None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    line = next(x for x in status.read_text("utf-8").splitlines() if x.startswith("VmRSS:"))
    return 1024 * int(line.split()[1])


def measured(run: Callable[[int], None], blocks: int) -> Row:
    """Seconds a step and growth of resident memory while blocks run, after the first hundredth."""
    first = max(1, blocks // 100)
    run(first)
    before, start = resident_bytes(), time.perf_counter()
    run(blocks - first)
    seconds = (time.perf_counter() - start) / ((blocks - first) * BLOCK)
    after = resident_bytes()
    grown = None if before is None or after is None else after - before
    require((grown or 0) <= ALLOWED_BYTES, f"resident memory grew by {grown} bytes")
    return {"seconds": seconds, "resident_growth_bytes": grown}


def endure(case: Case, steps: int, window: int) -> Row:
    """A long stream, one step a call and in blocks."""
    one, two, rows = case.new(window), case.new(window), list(case.block)
    single = measured(lambda repeats: fed(one, rows, repeats), steps // BLOCK)
    pushed(two, case.block, 1)
    tracemalloc.start()
    in_blocks = measured(lambda repeats: pushed(two, case.block, repeats), steps // BLOCK - 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    require(peak <= ALLOWED_BYTES, f"{case.name}: Python took {peak} bytes while streaming")
    require(one.steps == two.steps == steps, f"{case.name}: {one.steps} steps were run")
    same = np.array_equal(logits_of(one), logits_of(two))
    require(same, f"{case.name}: blocks end otherwise than single steps")
    return {
        "case": case.name,
        "steps": steps,
        "window": window,
        "step": single,
        "push": {**in_blocks, "traced_peak_bytes": peak},
    }


def one_core() -> None:
    """Keeps this process on one core, so that no way has more than another."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(recipe: Recipe, steps: int, rounds: int) -> Row:
    """All rows."""
    network, hop = integer_network(recipe), recipe.data.front_end.hop_seconds
    cases = (
        chip_case("integer network", recipe, network, ideal=True),
        chip_case("chip, all errors", recipe, network, ideal=False),
        float_case("float network", recipe),
    )
    large = float_case("float, 128 kernels", recipe, d_model=128, d_state=32)
    rows = []
    for case in (*cases, large):
        difference = check(case)
        seconds = times(case, rounds)
        rows += [
            {
                "case": case.name,
                "way": way,
                "seconds": value,
                "ratio": value / seconds["step"],
                "times_real_time": hop / value,
                "largest_relative_difference": difference,
            }
            for way, value in seconds.items()
        ]
    window = recipe.data.front_end.max_frames
    return {
        "recipe": recipe.name,
        "trained": False,
        "frame_period_seconds": hop,
        "rows": rows,
        "long": [endure(case, steps, window) for case in cases],
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--tiny", action="store_true", help="one round, 20,000 steps")
    parser.add_argument("--steps", type=int, default=10_000_000, help="a multiple of 1,000")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args(arguments)
    if options.steps < 10 * BLOCK or options.steps % BLOCK:
        parser.error(f"--steps {options.steps}: a multiple of {BLOCK}, at least {10 * BLOCK}")
    one_core()
    steps, rounds = (20 * BLOCK, 1) if options.tiny else (options.steps, 15)
    packages = {"numpy": np, "numba": numba, "torch": torch}
    versions = {name: package.__version__ for name, package in packages.items()}
    found = {
        "versions": {"imssa": __version__, "python": platform.python_version(), **versions},
        **measure(load_recipe("zero-one"), steps, rounds),
    }
    sys.stdout.write(table(found))
    if options.json is not None:
        partial = options.json.with_name(options.json.name + ".partial")
        partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        partial.replace(options.json)
    return 0


def table(found: Row) -> str:
    """The results as aligned text."""
    lines = [
        f"a frame every {1e3 * found['frame_period_seconds']:g} ms; networks are not trained",
        f"{'network':20}{'way':8}{'us a step':>10}{'x ours':>8}{'x real time':>13}",
    ]
    lines += [
        f"{row['case']:20}{row['way']:8}{1e6 * row['seconds']:10.3f}{row['ratio']:8.3g}"
        f"{row['times_real_time']:13,.0f}"
        for row in found["rows"]
    ]
    for row in found["long"]:
        grown = ", ".join(f"{way} {row[way]['resident_growth_bytes']}" for way in ("step", "push"))
        lines.append(
            f"{row['case']}: {row['steps']:,} steps, resident memory grew by {grown} bytes, "
            f"Python took {row['push']['traced_peak_bytes']} at most"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
