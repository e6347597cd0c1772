"""Exact IR drop: the transfer matrix Y against badcrossbar and SciPy, as ratios in one run.

    python benchmarks/ir_drop.py [--tiny] [--json FILE] [--cache FOLDER]

The work: arrays of uniformly random 0-150 uS devices at 1 ohm a segment, 256 input vectors; the same
for one vector, where solving for all of Y is more than is asked for; and 100 arrays of 64x64 in one
call. The peer is installed by pip into an environment of its own below the cache folder; what cannot
be installed is reported as such. Everything runs on one thread unless a row says otherwise.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from peers.environments import (
    Environment,
    clean_environment,
    default_cache,
    interpreter_of,
    versions_in,
)
from peers.results import write_json
from scipy.sparse import coo_array
from scipy.sparse.linalg import cg, spsolve

from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.voltages import node_voltages
from imssa.circuit.wires import Wires

Floats: TypeAlias = NDArray[np.float64]
Row: TypeAlias = dict[str, Any]

OHM = 1.0
WIRES = Wires(OHM, OHM)
WINDOW_SIEMENS = 150e-6
PEER = Environment(
    "badcrossbar==1.1.0",
    (("numpy", "scipy", "pathvalidate", "sigfig"), ("--no-deps", "badcrossbar==1.1.0")),
    ("badcrossbar", "numpy", "scipy"),
)

# Runs in the peer's environment: times and outputs of both cases, only output currents asked for.
PEER_SCRIPT = """
import json, logging, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
import badcrossbar
logging.disable(logging.CRITICAL)
work = np.load(sys.argv[1])
found = {}
for name, vectors in (("many", work["drives"].T), ("one", work["drives"][:1].T)):
    times = []
    for _ in range(int(sys.argv[3])):
        start = time.perf_counter()
        solution = badcrossbar.compute(vectors, 1 / work["conductance"], float(sys.argv[4]),
                                       node_voltages=False, all_currents=False)
        times.append(time.perf_counter() - start)
    found[name] = times
    np.save(f"{sys.argv[2]}/{name}.npy", np.asarray(solution.currents.output))
print(json.dumps(found))
"""


def timed(function: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def nodal_system(conductance: Floats, drive: Floats) -> tuple[Any, Floats]:
    """The sparse nodal equations of an array with one-ended lines, two unknowns a cell."""
    rows, columns = conductance.shape
    word = np.arange(conductance.size).reshape(rows, columns)
    bit = word + conductance.size
    wire = np.full(conductance.size, 1 / OHM)
    parts = (
        (word.ravel(), bit.ravel(), conductance.ravel()),
        (word[:, :-1].ravel(), word[:, 1:].ravel(), wire[: rows * (columns - 1)]),
        (bit[:-1].ravel(), bit[1:].ravel(), wire[: (rows - 1) * columns]),
    )
    first, second, value = (np.concatenate([part[field] for part in parts]) for field in range(3))
    ends = np.concatenate([word[:, 0], bit[-1]])
    row = np.concatenate([first, second, first, second, ends])
    column = np.concatenate([first, second, second, first, ends])
    entry = np.concatenate([value, value, -value, -value, np.full(rows + columns, 1 / OHM)])
    right = np.zeros(2 * conductance.size)
    right[word[:, 0]] = drive / OHM
    return coo_array((entry, (row, column))).tocsc(), right


def direct(conductance: Floats, drive: Floats) -> Floats:
    """Bit-line currents by SciPy's sparse direct solver, assembly included."""
    system, right = nodal_system(conductance, drive)
    return np.asarray(spsolve(system, right)[-conductance.shape[1] :] / OHM)


def iterative(conductance: Floats, drive: Floats) -> Floats:
    """Bit-line currents by conjugate gradients with a diagonal preconditioner, to 1e-11 of the right side."""
    system, right = nodal_system(conductance, drive)
    scale = 1 / np.sqrt(system.diagonal())
    scaled = (system.multiply(scale[:, None]).multiply(scale[None, :])).tocsr()
    solution, _ = cg(scaled, scale * right, rtol=1e-11)
    return np.asarray((scale * solution)[-conductance.shape[1] :] / OHM)


def run_peer(python: Path, conductance: Floats, drives: Floats, repeats: int) -> Row:
    """Median seconds of the peer for all drives and for one, and its output currents."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work.npz")
        np.savez(work, conductance=conductance, drives=drives)
        command = [str(python), "-c", PEER_SCRIPT, str(work), folder, str(repeats), str(OHM)]
        done = subprocess.run(  # noqa: S603
            command, env=clean_environment(1), check=True, capture_output=True, text=True
        )
        times = json.loads(done.stdout.splitlines()[-1])
        medians = {name: statistics.median(values) for name, values in times.items()}
        return {**medians, "output": np.load(Path(folder, "many.npy"))}


def one_array(lines: int, vectors: int, repeats: int, peer: Path | None) -> list[Row]:
    """All rows of one square array."""
    rng = np.random.default_rng(lines)
    conductance = rng.uniform(0, WINDOW_SIEMENS, (lines, lines))
    drives = rng.uniform(-0.2, 0.2, (vectors, lines))
    matrix = transfer_matrix(conductance, WIRES)
    ours = timed(lambda: transfer_matrix(conductance, WIRES), repeats)
    product = timed(lambda: drives @ matrix, repeats)
    single = timed(lambda: node_voltages(conductance, WIRES, drives[0]), repeats)
    rows = [
        row(lines, f"Y, then {vectors} products", ours + product, 1.0, 0.0),
        row(
            lines,
            f"{vectors} more products with the same Y",
            product,
            product / (ours + product),
            0.0,
        ),
    ]
    if peer is not None:
        theirs = run_peer(peer, conductance, drives, repeats)
        error = relative(theirs["output"], drives @ matrix)
        ratio = theirs["many"] / (ours + product)
        rows.append(row(lines, f"{PEER.name}, {vectors} vectors", theirs["many"], ratio, error))
    rows.append(row(lines, "Y for one vector", ours, 1.0, 0.0))
    rows.append(row(lines, "node voltages for one vector", single, single / ours, 0.0))
    if peer is not None:
        rows.append(
            row(lines, f"{PEER.name}, one vector", theirs["one"], theirs["one"] / ours, error)
        )
    for name, solver in (("sparse direct", direct), ("conjugate gradients", iterative)):
        seconds = timed(lambda solve=solver: solve(conductance, drives[0]), repeats)  # type: ignore[misc]
        error = relative(solver(conductance, drives[0]), drives[0] @ matrix)
        rows.append(row(lines, f"SciPy {name}, one vector", seconds, seconds / ours, error))
    return rows


def row(lines: int, what: str, seconds: float, ratio: float, error: float) -> Row:
    """One line of the table; ``ratio`` is seconds over those of Y on the same work."""
    return {
        "array": f"{lines}x{lines}",
        "what": what,
        "seconds": seconds,
        "ratio_to_y": ratio,
        "largest_relative_difference": error,
    }


def relative(found: Floats, expected: Floats) -> float:
    """Largest difference relative to the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def many_arrays(instances: int, lines: int, repeats: int) -> list[Row]:
    """Instances in one call, on one thread and on two."""
    rng = np.random.default_rng(1)
    batch = rng.uniform(0, WINDOW_SIEMENS, (instances, lines, lines))
    rows: list[Row] = []
    for workers in (1, 2):
        seconds = timed(lambda w=workers: transfer_matrix(batch, WIRES, workers=w), repeats)  # type: ignore[misc]
        base = rows[0]["seconds"] if rows else seconds
        what = f"{instances} instances of Y, {workers} thread{'s' if workers > 1 else ''}"
        rows.append(row(lines, what, seconds, seconds / base, 0.0))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--tiny", action="store_true", help="8x8 and 12x12 without peers")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    parser.add_argument("--cache", type=Path, default=default_cache())
    options = parser.parse_args(arguments)
    peer = "not asked for (--tiny)" if options.tiny else interpreter_of(PEER, options.cache)
    python = peer if isinstance(peer, Path) else None
    sizes, vectors, repeats = ((8, 12), 4, 1) if options.tiny else ((64, 128), 256, 5)
    rows = [line for lines in sizes for line in one_array(lines, vectors, repeats, python)]
    rows += many_arrays(3, 8, 1) if options.tiny else many_arrays(100, 64, 3)
    found = {
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "peers": {PEER.name: "installed" if python else f"not installed: {peer}"},
        "peer_versions": versions_in(python, PEER.packages) if python else {},
        "rows": rows,
    }
    sys.stdout.write(table(found))
    if options.json is not None:
        write_json(options.json, found)
    return 0


def table(found: Row) -> str:
    """The rows as aligned text."""
    lines = [f"{name}: {state}" for name, state in found["peers"].items()]
    lines.append(f"{'array':9}{'what':42}{'ms':>10}{'x Y':>9}  difference")
    lines += [
        f"{line['array']:9}{line['what']:42}{1e3 * line['seconds']:10.3f}"
        f"{line['ratio_to_y']:9.3g}  {line['largest_relative_difference']:.1e}"
        for line in found["rows"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
