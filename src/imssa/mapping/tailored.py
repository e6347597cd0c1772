"""Compiling for one chip whose defects are known, so that they cost as little as possible."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64

from imssa.errors import DesignRuleError
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.description import ChipDescription
from imssa.kernels.random import Key
from imssa.mapping.arrangement import Arrangement, arrange, cell_costs, seen_kinds
from imssa.mapping.compiler import assemble, network_blocks
from imssa.mapping.contents import line_maxima
from imssa.mapping.correction import Correction
from imssa.mapping.dense import Tile, analog_maps, place_tiles
from imssa.mapping.dense_arrangement import arranged_tile, tile_loss
from imssa.mapping.differential import Kinds, held_intervals, pair_kinds
from imssa.mapping.impulse import Wanted, layer_dynamics, squared_errors, wanted_kernels
from imssa.mapping.layout import ONE_SHOT, Layout, Place, Side, arrays_of, sharing, together
from imssa.mapping.losses import KernelLoss, Losses, LostWeight, MapLoss
from imssa.mapping.packing import pack
from imssa.mapping.repair import Bounds, Repaired, repair
from imssa.mapping.rules import layer_shapes, require
from imssa.mapping.sensitivity import crossing_costs, group_costs, own_costs
from imssa.program.program import Program
from imssa.quantization.network import QuantizedNetwork

NEGLIGIBLE: Final = 1e-9
"""Squared relative errors below this are rounding."""


@dataclass(frozen=True)
class Measures:
    """What is done against defects, besides setting the partner of each stuck device.

    Attributes:
        arrange: Rows and columns of the kernels are moved and negated.
        repair: Kernels that are still wrong get other weights; modes may be switched off.
        correct: Most cells of a chip that are corrected digitally, those that cost most first; each
            takes a multiplication and an addition a time step.
    """

    arrange: bool = True
    repair: bool = True
    correct: int = 0


EVERYTHING: Final = Measures()


@dataclass(frozen=True, eq=False)
class Tailored:
    """A program for one chip, and what its defects still cost.

    Attributes:
        program: The program.
        losses: Weights that are not held, and the errors they make.
        places: Where each kernel stands.
        defects: The chip's.
        blocks: Weights in codes that each kernel is to hold there, those of stuck devices included.
        corrections: Cells that are corrected digitally.
        shares: Share of its weights that each pair of each array holds, where targets were made for
            wires (`imssa.mapping.wire_targets`); empty: all of them.
    """

    program: Program
    losses: Losses
    places: tuple[Place, ...]
    defects: DefectMap
    blocks: tuple[Float64[np.ndarray, "rows columns"], ...]
    corrections: tuple[Correction, ...] = ()
    shares: tuple[Float64[np.ndarray, " pairs"], ...] = ()


class TailoredCompiler:
    """Compiles a network for any number of chips of one description, each with its own defects.

    What depends on the network alone (what each wrong weight would do) is computed once.

    Args:
        network: The frozen integer network; not changed.
        chip: Description of the chips.
        layout: How kernels share arrays.

    Raises:
        DesignRuleError: The chip cannot hold the network even without defects.
    """

    def __init__(
        self, network: QuantizedNetwork, chip: ChipDescription, layout: Layout = ONE_SHOT
    ) -> None:
        require(network, chip, layout=layout)
        self.network, self.chip = network, chip
        self.places = pack(layer_shapes(network), chip, layout).places
        self.tiles = place_tiles(network, chip, arrays_of(self.places))
        self.intervals = held_intervals(chip)
        self.line_max = [line_maxima(layer) for layer in network.layers]
        self.wanted: list[Wanted] = []
        for layer, blocks in zip(network.layers, network_blocks(network), strict=True):
            dynamics = layer_dynamics(layer, network.widths, network.max_length)
            self.wanted.append(wanted_kernels(blocks, dynamics))
        self.own = [
            own_costs(wanted, line_max, self.intervals)
            for wanted, line_max in zip(self.wanted, self.line_max, strict=True)
        ]

    def compile(
        self, defects: DefectMap, provenance: dict[str, Any], measures: Measures = EVERYTHING
    ) -> Tailored:
        """Compiles for one chip.

        Args:
            defects: Of the chip.
            provenance: Kept in the program.
            measures: What is done.

        Raises:
            DesignRuleError: The map is not one of such a chip.
        """
        _require_map(defects, self.chip)
        kinds = [pair_kinds(matrix[:, : 2 * self.chip.arrays.pairs]) for matrix in defects.arrays]
        places = self._arranged(kinds) if measures.arrange else self.places
        bounds = [self._bounds(place, kinds[place.array]) for place in places]
        corrections = self._corrections(places, bounds, kinds, measures.correct)
        bounds = self._corrected(places, bounds, corrections)
        served = [
            self._served(place, bound, measures)
            for place, bound in zip(places, bounds, strict=True)
        ]
        corrections = _without_idle(corrections, places, served)
        places = tuple(_without_modes(p, s) for p, s in zip(places, served, strict=True))
        crossing, blocks = self._crossing(places, kinds), network_blocks(self.network)
        lost = []
        for place, one in zip(places, served, strict=True):
            blocks[place.layer][place.feature] = self._codes(place, one, measures)
            loss = self._loss(place, one, crossing[place.layer, place.feature])
            if loss.error > 0 or loss.lost:
                lost.append(loss)
        tiles = self._arranged_tiles(kinds) if measures.arrange else self.tiles
        placed = places, tiles
        program = assemble(
            self.network, self.chip, provenance, placed, blocks, defects, corrections
        )
        losses = Losses(tuple(lost), len(places), self._map_losses(tiles, kinds))
        held = tuple(one.block for one in served)
        return Tailored(program, losses, places, defects, held, corrections)

    def _arranged(self, kinds: list[Kinds]) -> tuple[Place, ...]:
        """All places, arranged; lines that several phases need stay with the kernels that have them.

        A group whose lines are its own is arranged as a whole, over all lines that are free: a later
        group of an array takes what is left.
        """
        groups, found = together(self.places), list[Place]()
        shared = sharing(groups)
        taken = {place.array: (set[int](), set[int]()) for place in self.places}
        for group, shares in zip(groups, shared, strict=True):
            if shares:
                _take(taken, group)
        for group, shares in zip(groups, shared, strict=True):
            array = group[0].array
            if shares:
                found += [self._arranged_alone(place, kinds[array]) for place in group]
                continue
            free = [
                np.setdiff1d(np.arange(count), list(used))
                for count, used in zip(kinds[array].shape, taken[array], strict=True)
            ]
            arranged = self._arranged_group(group, kinds[array], free[0], free[1])
            _take(taken, arranged)
            found += arranged
        order = {(p.layer, p.feature): number for number, p in enumerate(self.places)}
        return tuple(sorted(found, key=lambda p: order[p.layer, p.feature]))

    def _arranged_alone(self, place: Place, kinds: Kinds) -> Place:
        """A kernel arranged on its own lines; every phase has a routing of its own."""
        straight = Side.straight(0, len(place.rows))
        start = Arrangement(straight, straight, np.inf)
        key = Key.root(0).child("arrangement", place.array, place.layer, place.feature)
        costs, block = self.own[place.layer][place.feature], kinds[place.cells]
        best = arrange(np.asarray(costs), block, start, key)
        rows, columns = (
            Side(own.line[side.line], side.sign)
            for own, side in ((place.rows, best.rows), (place.columns, best.columns))
        )
        return replace(place, rows=rows, columns=columns)

    def _arranged_group(
        self,
        group: list[Place],
        kinds: Kinds,
        rows: Int64[np.ndarray, " free_rows"],
        pairs: Int64[np.ndarray, " free_pairs"],
    ) -> list[Place]:
        costs, lines = self._group_costs(group), len(group[0].rows)
        size = len(group) * lines
        start = Arrangement(
            _start([p.rows for p in group], rows), _start([p.columns for p in group], pairs), np.inf
        )
        key = Key.root(0).child("arrangement", group[0].array, group[0].layer)
        best = arrange(costs, kinds[np.ix_(rows, pairs)], start, key)
        cut = [slice(first, first + lines) for first in range(0, size, lines)]
        return [
            replace(
                place,
                rows=Side(rows[best.rows.line[part]], best.rows.sign[part]),
                columns=Side(pairs[best.columns.line[part]], best.columns.sign[part]),
            )
            for place, part in zip(group, cut, strict=True)
        ]

    def _group_costs(self, group: list[Place]) -> Float64[np.ndarray, "rows columns kinds"]:
        layer, features = group[0].layer, [p.feature for p in group]
        return group_costs(
            self.own[layer][features],
            self.wanted[layer].of(features),
            self.line_max[layer],
            self.intervals,
        )

    def _map_losses(self, tiles: tuple[Tile, ...], kinds: list[Kinds]) -> tuple[MapLoss, ...]:
        maps = analog_maps(self.network)
        found = (
            tile_loss(tile, maps[tile.name], kinds[tile.array], self.intervals) for tile in tiles
        )
        return tuple(loss for loss in found if loss is not None)

    def _arranged_tiles(self, kinds: list[Kinds]) -> tuple[Tile, ...]:
        """All tiles of linear maps, arranged; a later one of an array takes what is left."""
        maps, tiles = analog_maps(self.network), list(self.tiles)
        for number, tile in enumerate(tiles):
            others = [t for t in tiles if t.array == tile.array and t is not tile]
            held = maps[tile.name], kinds[tile.array]
            tiles[number] = arranged_tile(tile, *held, others, self.intervals)
        return tuple(tiles)

    def _crossing(
        self, places: tuple[Place, ...], kinds: list[Kinds]
    ) -> dict[tuple[int, int], float]:
        """Squared error that the other kernels of its phases bring to each kernel."""
        found = {}
        for group in together(places):
            lines = len(group[0].rows)
            rows, columns = (
                _joined(sides) for sides in ([p.rows for p in group], [p.columns for p in group])
            )
            wanted = self.wanted[group[0].layer].of([p.feature for p in group])
            table = crossing_costs(wanted, self.line_max[group[0].layer], self.intervals)
            costs = cell_costs(table, kinds[group[0].array], rows, columns)
            costs *= (rows.sign != 0)[:, None] & (columns.sign != 0)
            for number, place in enumerate(group):
                own = slice(number * lines, (number + 1) * lines)
                found[place.layer, place.feature] = float(costs[:, own].sum())
        return found

    def _corrections(
        self, places: tuple[Place, ...], bounds: list[Bounds], kinds: list[Kinds], most: int
    ) -> tuple[Correction, ...]:
        """The cells to correct, and what their pairs lack."""
        found = []
        for place, bound in zip(places, bounds, strict=True) if most else ():
            wanted = self.wanted[place.layer].blocks[place.feature]
            missing = wanted - bound.nearest(wanted)
            seen = seen_kinds(kinds[place.array], place.rows, place.columns)
            for row, column in np.argwhere(missing != 0).tolist():
                own = self.own[place.layer][place.feature, row, column, seen[row, column]]
                cell = (place.layer, place.feature, row, column, float(missing[row, column]))
                found.append((float(own), Correction(*cell)))
        found.sort(key=lambda one: -one[0])
        return tuple(cell for _, cell in found[:most])

    def _corrected(
        self, places: tuple[Place, ...], bounds: list[Bounds], corrections: tuple[Correction, ...]
    ) -> list[Bounds]:
        """What cells hold together with their corrections."""
        number = {(place.layer, place.feature): n for n, place in enumerate(places)}
        found = [Bounds(bound.low.copy(), bound.high.copy()) for bound in bounds]
        for one in corrections:
            bound = found[number[one.layer, one.feature]]
            cell = one.row, one.column
            wanted = self.wanted[one.layer].blocks[one.feature][cell]
            bound.low[cell] = bound.high[cell] = wanted
        return found

    def _served(self, place: Place, bounds: Bounds, measures: Measures) -> Repaired:
        """What a kernel holds, and the error of its own weights."""
        wanted = self.wanted[place.layer].of(place.feature)
        held = bounds.nearest(wanted.blocks)
        if np.array_equal(held, wanted.blocks):
            return Repaired(held, 0.0)
        if measures.repair:
            return repair(bounds, wanted)
        return Repaired(held, float(squared_errors(held, wanted)))

    def _codes(
        self, place: Place, served: Repaired, measures: Measures
    ) -> Int64[np.ndarray, "rows columns"]:
        """Codes to write; without repair those of the network, as near to them as the pairs come."""
        wanted = self.wanted[place.layer].blocks[place.feature]
        return np.asarray(np.rint(served.block if measures.repair else wanted), np.int64)

    def _loss(self, place: Place, served: Repaired, crossing: float) -> KernelLoss:
        wanted = self.wanted[place.layer].blocks[place.feature]
        lost = tuple(
            LostWeight(int(i), int(j), int(wanted[i, j]), float(served.block[i, j]))
            for i, j in np.argwhere(served.block != wanted)
        )
        total = served.error + crossing
        error = float(np.sqrt(total)) if total > NEGLIGIBLE else 0.0
        return KernelLoss(place.layer, place.feature, place.array, error, lost, served.off)

    def _bounds(self, place: Place, kinds: Kinds) -> Bounds:
        """What the pairs under a kernel hold, in codes, its signs included."""
        seen = seen_kinds(kinds, place.rows, place.columns)
        held = self.intervals[seen] * self.line_max[place.layer][None, :, None]
        return Bounds(held[..., 0], held[..., 1])


def _without_modes(place: Place, served: Repaired) -> Place:
    """The place with the lines of switched-off modes out of use."""
    return replace(
        place,
        rows=place.rows.without(served.lines),
        columns=place.columns.without(served.lines),
    )


def _without_idle(
    corrections: tuple[Correction, ...], places: tuple[Place, ...], served: list[Repaired]
) -> tuple[Correction, ...]:
    """Those of lines in use: a mode that is switched off is left alone."""
    off = {
        (place.layer, place.feature): set(one.lines.tolist())
        for place, one in zip(places, served, strict=True)
    }
    return tuple(c for c in corrections if not {c.row, c.column} & off[c.layer, c.feature])


def _take(taken: dict[int, tuple[set[int], set[int]]], places: list[Place]) -> None:
    for place in places:
        taken[place.array][0].update(place.rows.line.tolist())
        taken[place.array][1].update(place.columns.line.tolist())


def _require_map(defects: DefectMap, chip: ChipDescription) -> None:
    """The map must be one of such a chip."""
    shape, count = (chip.arrays.word_lines, chip.arrays.bit_lines), chip.arrays.count
    found = [matrix.shape for matrix in defects.arrays]
    if found != [shape] * count:
        raise DesignRuleError(
            given=f"a defect map of {len(found)} arrays of shape {sorted(set(found))}",
            rule=f"{chip.name} has {count} arrays of shape {shape}",
            remedy="Scan the chip that the program is for, or name its own map.",
        )


def _joined(sides: list[Side]) -> Side:
    return Side(np.concatenate([s.line for s in sides]), np.concatenate([s.sign for s in sides]))


def _start(sides: list[Side], free: Int64[np.ndarray, " free"]) -> Side:
    """Where blocks stood, as indices into the free lines; on the first of these if some are taken."""
    whole = _joined(sides)
    if not np.isin(whole.line, free).all():
        return Side.straight(0, len(whole))
    return Side(np.searchsorted(free, whole.line), whole.sign)
