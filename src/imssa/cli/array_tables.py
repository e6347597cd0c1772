"""What `imssa inspect` and `imssa compile` print of arrays, and of what defects still cost."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.table import Table

from imssa.evaluation.occupancy import Occupancy, occupancies
from imssa.program.program import Program

if TYPE_CHECKING:
    from imssa.experiment.checks import Rest
    from imssa.experiment.compiling import Compiled
    from imssa.mapping import Losses
    from imssa.mapping.losses import KernelLoss

SHOWN: Final = 6
"""Weights of a kernel, or modes of a program, that are named; the rest is counted."""


def plain_arrays(program: Program) -> list[dict[str, Any]]:
    """For JSON: what each array holds."""
    return [
        {
            "written_cells": int(contents.written.sum()),
            "nonzero_weights": int(np.count_nonzero(contents.codes)),
            "cells": contents.codes.size,
            "kernels": one.kernels,
            "parts": list(one.parts),
            "inhabitants": [i.words for i in one.inhabitants],
            "word_lines_used": one.word_lines_used,
            "pairs_used": one.pairs_used,
            "inhabited_cells": one.inhabited_cells,
            "utilization": one.utilization,
        }
        for contents, one in zip(program.arrays, occupancies(program), strict=True)
    ]


def array_table(program: Program, title: str) -> Table:
    """One row an array: who lives there, and how full it is."""
    table = Table(title=title)
    table.add_column("array")
    table.add_column("holds", overflow="fold")
    for column in ("word lines", "pairs", "written cells", "nonzero", "used"):
        table.add_column(column, justify="right", no_wrap=True)
    for contents, one in zip(program.arrays, occupancies(program), strict=True):
        lines, pairs = one.owner.shape
        table.add_row(
            str(one.array),
            _holds(one),
            f"{one.word_lines_used} of {lines}",
            f"{one.pairs_used} of {pairs}",
            f"{int(contents.written.sum()):,}",
            f"{np.count_nonzero(contents.codes):,}",
            f"{one.utilization:.1%}",
        )
    return table


def _holds(one: Occupancy) -> str:
    """Kernels, by layer where there are later ones, and dense parts: "3 kernels, encoder"."""
    by_layer = Counter(i.layer for i in one.inhabitants if i.is_kernel)
    words = [f"{count} kernel{'' if count == 1 else 's'}" for count in by_layer.values()]
    if set(by_layer) - {0}:
        words = [f"{w} of layer {layer}" for w, layer in zip(words, by_layer, strict=True)]
    return ", ".join([*words, *one.parts]) or "nothing"


def compiled_tables(compiled: "Compiled") -> list[Table | str]:
    """The arrays of a new program, and what its chip's defects still cost."""
    program = compiled.program
    title = f"Compiled for {program.chip.name}: {len(program.phases)} phases a time step"
    tables: list[Table | str] = [array_table(program, title)]
    if compiled.losses is None:
        return tables
    losses = compiled.losses
    if losses.kernels or losses.maps:
        tables.append(_loss_table(losses))
    return [*tables, _loss_words(losses)]


def _loss_words(losses: "Losses") -> str:
    if not losses.kernels and not losses.maps:
        return (
            f"The defects cost nothing: all {losses.compiled} kernels, and linear maps on arrays, hold "
            "every weight."
        )
    off = sum(len(kernel.switched_off) for kernel in losses.kernels)
    modes = f", {off} modes switched off" if off else ""
    return (
        f"{losses.compiled - len(losses.kernels)} of {losses.compiled} kernels are whole"
        f"{_map_words(losses)}; {losses.lost_weights} weights not held{modes}; worst predicted error "
        f"{losses.worst:.2%}. A kernel's is that of its impulse response, 2-norm, relative to what it "
        "should be; with no weight lost it comes from neighbours' stuck devices on its lines."
    )


def _map_words(losses: "Losses") -> str:
    count = len(losses.maps)
    tiles = (
        "a tile of a linear map is not" if count == 1 else f"{count} tiles of linear maps are not"
    )
    return f", {tiles}" if count else ""


def _loss_table(losses: "Losses") -> Table:
    table = Table(title="What the defects still cost, worst kernel first")
    for column in ("layer", "kernel", "array", "predicted error", "weights not held"):
        table.add_column(column, justify="left" if column.startswith("weights") else "right")
    for one in sorted(losses.kernels, key=lambda kernel: -kernel.error):
        place = (one.layer, one.feature, one.array)
        table.add_row(*map(str, place), f"{one.error:.2%}", _lost(one))
    for tile in sorted(losses.maps, key=lambda tile: -tile.error):
        where = f"{tile.lost} weights of {tile.name}, inputs from {tile.inputs}, outputs from {tile.outputs}"
        table.add_row("", "map", str(tile.array), f"{tile.error:.2%}", where)
    return table


def _lost(one: "KernelLoss") -> str:
    words = [f"[{w.row},{w.column}] {w.wanted} -> {w.held:g}" for w in one.lost]
    more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    off = [f"mode {mode} off" for mode in one.switched_off]
    return ", ".join([*off, *words[:SHOWN], *more]) or "none of its own"


def plain_compiled(compiled: "Compiled", out: Path) -> dict[str, Any]:
    """For JSON."""
    program, losses = compiled.program, compiled.losses
    found: dict[str, Any] = {
        "file": str(out),
        "chip": program.chip.name,
        "phases_per_step": len(program.phases),
        "arrays": plain_arrays(program),
        "defects": None,
    }
    if losses is not None:
        found["defects"] = {
            "kernels": losses.compiled,
            "lost_weights": losses.lost_weights,
            "worst_error": losses.worst,
            "left": [_plain_loss(kernel) for kernel in losses.kernels],
            "maps": [vars(tile) for tile in losses.maps],
        }
    return found


def _plain_loss(kernel: "KernelLoss") -> dict[str, Any]:
    lost = [vars(weight) for weight in kernel.lost]
    return {**vars(kernel), "lost": lost, "switched_off": list(kernel.switched_off)}


def rest_table(rests: "list[Rest]") -> Table:
    """One row a program and kind of chip: how many modes never come to rest?"""
    table = Table(title="Silence after a full-scale burst: more than 2 DAC steps left?")
    table.add_column("chip")
    for column in ("steps given", "registers", "largest left", "modes restless"):
        table.add_column(column, justify="right", no_wrap=True)
    for rest in rests:
        left = f"{rest.largest:.1f} DAC steps"
        numbers = (f"{rest.steps:,}", f"{rest.registers:,}", left, f"{len(rest.restless):,}")
        table.add_row(_tried(rest), *numbers)
    return table


def restless_lines(rests: "list[Rest]") -> list[str]:
    """Modes that never come to rest, those of most chips first."""
    return [f"Restless, {_tried(rest)}: {_restless(rest)}." for rest in rests if rest.restless]


def _tried(rest: "Rest") -> str:
    return rest.name if rest.chips == 1 else f"{rest.name}, {rest.chips} chips"


def _restless(rest: "Rest") -> str:
    shown = list(rest.restless.items())[:SHOWN]
    many = rest.chips > 1
    words = [f"{name} (on {count})" if many else name for name, count in shown]
    more = len(rest.restless) - len(shown)
    return ", ".join([*words, *([f"and {more} more"] if more else [])])
