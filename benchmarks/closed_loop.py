"""Closed-loop chip simulation against public simulators, as ratios in one run on the same work.

    python benchmarks/closed_loop.py [--tiny] [--json FILE] [--cache FOLDER] [--cross-sim FOLDER]

The work: one 64x64 array of differential pairs, 8-bit DAC and ADC, 2 % programming error and 1 % read
noise a device (standard deviations as shares of the window), 1,000 steps in which the outputs are the
next inputs; then 100 chips of it at once; then single calls. Arrays are written before the clock
starts, ours and the others'. Peers are installed by pip into environments of their own below the cache
folder; what cannot be installed is reported as such.

Before anything is timed, each answers the same inputs without errors: the table says how many of its
codes equal ours, and how its read noise compares. Each is asked in several ways, on one thread and on
all, and its fastest counts. Ratios are of medians over rounds in which all take turns; those of least
seconds stand beside them, for on a busy machine our two threads wait more often than a peer's one: a
contestant that got fewer cores than it has threads was disturbed.
badcrossbar has no converters, noise or loop: it takes part in ir_drop.py alone.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from peers.contest import FOLDER, ContestantError, Entry, Process, compete, fastest
from peers.environments import clean_environment, default_cache, interpreter_of, versions_in
from peers.results import table, write_json
from peers.simulators import (
    AIHWKIT,
    AIHWKIT_INSIDE,
    AIHWKIT_TORCH,
    CROSS_SIM,
    LIGHTNING,
    OURS,
    PRODUCT,
    Peer,
)
from peers.work import make_work

from imssa import __version__
from imssa.kernels.parallel import worker_count

Row = dict[str, Any]

FASTEST = "fastest peer"


@dataclass(frozen=True)
class Case:
    """One kind of work.

    Attributes:
        name: What the table calls it.
        job: What contestants are asked.
        ours: Our ways of being asked.
        targets: Least ratio of a contestant's seconds to ours.
        sample: Chips that peers run, their seconds being scaled to all; 0: all.
    """

    name: str
    job: dict[str, Any]
    ours: tuple[str, ...] = ("fused",)
    targets: dict[str, float] = field(default_factory=dict)
    sample: int = 0


def cases(*, tiny: bool) -> tuple[Case, ...]:
    """All work, or a little of each kind."""
    steps, batches, chips, once = (20, (1, 4), 3, 16) if tiny else (1000, (1, 32, 256), 100, 1024)
    documented = (AIHWKIT.name, AIHWKIT_TORCH.name)
    targets = {
        1: dict.fromkeys(documented, 100.0),
        32: dict.fromkeys(documented, 20.0),
        256: {**dict.fromkeys(documented, 15.0), FASTEST: 6.0, PRODUCT.name: 1 / 3},
    }
    loops = (
        Case(
            f"closed loop, {steps} steps, batch {b}",
            {"job": "loop", "batch": b, "steps": steps},
            targets=targets.get(b, {}),
        )
        for b in batches
    )
    batch = batches[1]
    many = Case(
        f"{chips} chips, {steps} steps, batch {batch}",
        {"job": "chips", "batch": batch, "steps": steps, "chips": chips},
        targets=dict.fromkeys(documented, 25.0),
        sample=3,
    )
    single = Case(
        f"one call, batch {once}",
        {"job": "once", "batch": once},
        ("fused", "step by step"),
        {FASTEST: 2.0},
    )
    return (*loops, many, single)


def start(peer: Peer, python: Path, arguments: list[str], threads: tuple[int, ...]) -> Any:
    """A peer's processes, one for each number of threads; or why there are none."""
    found = []
    for count in threads:
        variables = clean_environment(count)
        if peer.environment is None and "PYTHONPATH" in os.environ:
            variables["PYTHONPATH"] = os.environ["PYTHONPATH"]  # our own packages
        command = [str(python), str(FOLDER / peer.script), *arguments]
        try:
            found.append(Process(command, variables, count))
        except ContestantError as error:
            return str(error)
    return found


def assemble(work: str, options: argparse.Namespace) -> tuple[dict[Peer, list[Process]], Row]:
    """Processes of all contestants, and what is to be said of each."""
    chosen = (
        [OURS, PRODUCT]
        if options.tiny
        else [OURS, AIHWKIT, AIHWKIT_TORCH, AIHWKIT_INSIDE, LIGHTNING, PRODUCT]
    )
    state: Row = {} if options.cross_sim else {CROSS_SIM.name: {"state": "no folder was named"}}
    if options.cross_sim:
        chosen.append(CROSS_SIM)
    running: dict[Peer, list[Process]] = {}
    for peer in chosen:
        python: Path | str = Path(sys.executable)
        if peer.environment is not None:
            python = interpreter_of(peer.environment, options.cache)
        if isinstance(python, str):
            state[peer.name] = {"state": f"not installed: {python}"}
            continue
        arguments = [work, str(options.cross_sim)] if peer is CROSS_SIM else [work]
        # our loops share out items over all cores themselves; BLAS stays on one thread
        threads = (1,) if peer is OURS else tuple(sorted({1, worker_count()}))
        found = start(peer, python, arguments, threads)
        if isinstance(found, str):
            state[peer.name] = {"state": f"does not run: {found}"}
            continue
        running[peer] = found
        state[peer.name] = {"state": "installed", "settings": found[0].settings}
        if peer.environment is not None:
            state[peer.name]["versions"] = versions_in(python, peer.environment.packages)
    return running, state


def check(running: dict[Peer, list[Process]], state: Row) -> None:
    """Adds to the contestants' states how their codes and their noise compare with ours."""
    own = running[OURS][0].ask({"job": "check", "variant": "step by step"})
    for peer, processes in running.items():
        if peer is PRODUCT:
            continue
        for variant in peer.variants:
            try:
                found = processes[0].ask({"job": "check", "variant": variant})
            except ContestantError as error:
                state[peer.name].setdefault("checks", {})[variant] = {"failed": str(error)}
                continue
            off = np.abs(np.array(found["codes"]) - np.array(own["codes"]))
            state[peer.name].setdefault("checks", {})[variant] = {
                "codes_equal": float((off == 0).mean()),
                "largest_difference_codes": int(off.max()),
                "read_noise_to_ours": found["noise"] / own["noise"],
            }


def entries_of(case: Case, running: dict[Peer, list[Process]]) -> list[Entry]:
    """Every way of asking every contestant for a case."""
    entries = []
    for peer, processes in running.items():
        job, scale = dict(case.job), 1.0
        if peer is not OURS and case.sample:
            scale *= case.job["chips"] / case.sample
            job["chips"] = case.sample
        if peer.steps is not None and job.get("steps", 0) > peer.steps:
            scale *= job["steps"] / peer.steps
            job["steps"] = peer.steps
        variants = case.ours if peer is OURS else peer.variants
        entries += [
            Entry(peer.name, variant, process, job, scale)
            for process in processes
            for variant in variants
        ]
    return entries


def rows_of(case: Case, entries: list[Entry]) -> list[Row]:
    """The best of each contestant, ours first, and how often its seconds are of ours."""
    best = {name: fastest(entries, name) for name in dict.fromkeys(e.name for e in entries)}
    ours, least = best[OURS.name].median, min(best[OURS.name].seconds)
    rows = []
    for name, entry in best.items():
        row = {
            "case": case.name,
            "name": name,
            "variant": entry.variant,
            "threads": entry.last.get("threads", entry.process.threads),
            "seconds": entry.median,
            "least_seconds": min(entry.seconds),
            "rounds": len(entry.seconds),
            "cores_got": statistics.median(entry.shares) if entry.shares else None,
            "ratio": entry.median / ours,
            "ratio_of_least": min(entry.seconds) / least,
            "scaled_by": entry.scale,
            "all_ways": {
                f"{e.variant}, {e.process.threads} threads": e.median
                for e in entries
                if e.name == name
            },
        }
        extra = ("writing", "codes", "spread")
        rows.append({**row, **{k: entry.last[k] for k in extra if k in entry.last}})
    simulators = [row for row in rows if row["name"] not in (OURS.name, PRODUCT.name)]
    leader = min(simulators, key=lambda row: row["seconds"], default=None)
    for row in rows:
        wanted = {
            key: least
            for key, least in case.targets.items()
            if key == row["name"] or (key == FASTEST and row is leader)
        }
        if wanted:
            row["target"] = max(wanted.values())
            row["reached"] = row["ratio"] >= row["target"]
    return rows


def _load() -> float | None:
    """Processes that wanted a core in the last minute, those of other people included."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def measure(work: str, options: argparse.Namespace) -> Row:
    """All rows, with what they were measured on."""
    load = _load()
    running, state = assemble(work, options)
    if OURS not in running:
        raise SystemExit(state[OURS.name]["state"])
    try:
        check(running, state)
        rows, failed = [], {}
        for case in cases(tiny=options.tiny):
            if options.only not in case.name:
                continue
            found, faults = compete(
                entries_of(case, running), 1 if options.tiny else options.rounds
            )
            rows += rows_of(case, found)
            failed |= {f"{case.name}: {key}": value for key, value in faults.items()}
        batches = [case.job["batch"] for case in cases(tiny=options.tiny)]
        parts = running[OURS][0].ask({"job": "parts", "once": batches[-1], "loops": batches[:3]})
    finally:
        for process in (p for processes in running.values() for p in processes):
            process.close()
    versions = {"imssa": __version__, "python": platform.python_version(), "numpy": np.__version__}
    return {
        "versions": versions,
        "cores": worker_count(),
        "load_before_and_after": [load, _load()],
        "contestants": state,
        "rows": rows,
        "failed": failed,
        "parts": parts,
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--tiny", action="store_true", help="an 8x8 array without peers")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument("--cross-sim", type=Path, help="folder with CrossSim's sources")
    parser.add_argument("--rounds", type=int, default=7, help="answers that medians are taken of")
    parser.add_argument("--only", default="", help="work whose name holds this text")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work.npz")
        make_work(work, *((8, 16) if options.tiny else (64, 1024)))
        found = measure(str(work), options)
    sys.stdout.write(table(found))
    if options.json is not None:
        write_json(options.json, found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
