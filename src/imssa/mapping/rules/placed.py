"""Rules of kernels whose places are known: currents of word lines, time and number of reads of a step."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float64

from imssa.hardware.description import ChipDescription
from imssa.kernels.random import MOST_READS
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping.dense import analog_maps, place_tiles
from imssa.mapping.layout import Place, arrays_of, together
from imssa.quantization.network import QuantizedNetwork

Places = tuple[Place, ...]
MICRO = 1e6


def word_lines_can_be_driven(
    network: QuantizedNetwork, chip: ChipDescription, places: Places
) -> Iterator[str]:
    """No word line draws more than its driver gives, all its cells under the largest voltage.

    Asked where the chip names ``word_line_current_max_ampere``.
    """
    limit = chip.word_line_current_max_ampere
    if limit is None:
        return
    current = word_line_currents_ampere(network, chip, places)
    for array, line in np.argwhere(current > limit * (1 + 1e-9)):
        yield (
            f"word line {line} of array {array} can draw {MICRO * current[array, line]:.4g} uA, "
            f"drivers of {chip.name} give {MICRO * limit:.4g} uA"
        )


def word_line_currents_ampere(
    network: QuantizedNetwork, chip: ChipDescription, places: Places
) -> Float64[np.ndarray, "arrays word_lines"]:
    """Largest current of each word line: I = V sum_j G_j over both devices of its written pairs.

    Devices at their targets, lines without resistance, bit lines at virtual ground: errors of writing
    and partners of stuck devices come on top, IR drop takes away.
    """
    shape = (chip.arrays.word_lines, chip.arrays.pairs)
    maps, tiles = analog_maps(network), place_tiles(network, chip, arrays_of(places))
    count = max((tile.array + 1 for tile in tiles), default=arrays_of(places))
    siemens = np.zeros((count, *shape))
    for tile in tiles:
        one = maps[tile.name]
        held = np.abs(tile.weights(one.linear)) * (chip.window_siemens / one.line_max)
        siemens[tile.array][tile.cells] = held + 2 * chip.g_min_siemens
    blocks = [kernel_blocks(held.A, held.B, held.C, held.D) for held in network.layers]
    for group in together(places):
        rows, pairs = (
            np.concatenate([side.used for side in sides])
            for sides in ([p.rows for p in group], [p.columns for p in group])
        )
        siemens[group[0].array][np.ix_(rows, pairs)] = 2 * chip.g_min_siemens
    for place in places:
        layer, used = network.layers[place.layer], place.signs != 0
        line_max = np.append(
            np.full(len(place.columns) - 1, layer.state_line_max), layer.output_line_max
        )
        held = np.abs(blocks[place.layer][place.feature]) * (chip.window_siemens / line_max)
        siemens[place.array][place.cells] += np.where(used, held, 0.0)
    return np.asarray(chip.read_voltage_volt * siemens.sum(axis=2))


def phases_a_step(network: QuantizedNetwork, chip: ChipDescription, places: Places) -> int:
    """Phases of one time step: those of kernels, twice where outputs are read after, and of tiles."""
    reads = 2 if network.widths.output == "current" else 1
    return len(together(places)) * reads + len(place_tiles(network, chip, 0))


def latency_can_be_met(
    network: QuantizedNetwork, chip: ChipDescription, places: Places
) -> Iterator[str]:
    """A step's phases, one after the other, end before the front end makes the next step.

    Asked where the chip names ``phase_seconds`` and the network its front end. Digital operations are
    left out: what fails here fails with the fastest of digital sides.
    """
    budget = seconds_a_step(network.preparation)
    if chip.phase_seconds is None or budget is None:
        return
    phases = phases_a_step(network, chip, places)
    needed = phases * chip.phase_seconds
    if needed > budget * (1 + 1e-9):
        yield (
            f"{phases} phases a time step of {chip.phase_seconds:.4g} s take {needed:.4g} s on "
            f"{chip.name}, a step of the front end lasts {budget:.4g} s"
        )


def seconds_a_step(preparation: dict[str, Any]) -> float | None:
    """Time from one step to the next, as the stored front end makes them; None: not known."""
    front_end = preparation.get("front_end")
    hop = front_end.get("hop_seconds") if isinstance(front_end, dict) else None
    return float(hop) if isinstance(hop, int | float) and hop > 0 else None


def reads_have_addresses(
    network: QuantizedNetwork, chip: ChipDescription, places: Places
) -> Iterator[str]:
    """Each read of a time step needs a number of its own, which read noise is a function of."""
    phases, passes = phases_a_step(network, chip, places), len(chip.converters.passes)
    if phases * passes > MOST_READS:
        yield (
            f"{phases:,} phases of {passes} passes a time step are more reads than the "
            f"{MOST_READS:,} that read noise can tell apart"
        )
