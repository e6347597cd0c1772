"""What a chip's defects still cost after compiling: weights that are not held, and kernels' errors."""

from dataclasses import dataclass

from imssa.errors import DesignRuleError

LARGEST_ERROR = 0.5
"""A kernel whose predicted error exceeds half its own answer is not served; one that answers nothing has
an error of 1."""

SHOWN = 8


@dataclass(frozen=True)
class LostWeight:
    """One weight that its pair does not hold.

    Attributes:
        row: Of the block: a state, or (last) the input.
        column: A state, or (last) the output.
        wanted: Weight code of the network.
        held: What the pair holds instead, in codes.
    """

    row: int
    column: int
    wanted: int
    held: float


@dataclass(frozen=True)
class KernelLoss:
    """What is left of one kernel's trouble.

    Attributes:
        layer: The kernel's layer.
        feature: Its feature.
        array: The array it stands on.
        error: Predicted relative error of its impulse response, 2-norm; 0.1 is a tenth.
        lost: Weights of its own that are not held, or are held otherwise on purpose.
        switched_off: Modes that are neither driven nor heard any more.
    """

    layer: int
    feature: int
    array: int
    error: float
    lost: tuple[LostWeight, ...]
    switched_off: tuple[int, ...]


@dataclass(frozen=True)
class MapLoss:
    """What is left of the trouble of one tile of a linear map.

    Attributes:
        name: Of the map: ``encoder``, ``mixing.0``, ``decoder``.
        inputs: First of the tile's inputs.
        outputs: First of its outputs.
        array: The array the tile stands on.
        error: Relative error of the tile's weights, 2-norm.
        lost: Weights that are not held.
    """

    name: str
    inputs: int
    outputs: int
    array: int
    error: float
    lost: int


@dataclass(frozen=True)
class Losses:
    """What is left on one chip, kernel by kernel; those that are whole are left out.

    Attributes:
        kernels: Kernels with lost weights or a predicted error.
        compiled: How many kernels there are in all.
        maps: Tiles of linear maps with lost weights.
    """

    kernels: tuple[KernelLoss, ...]
    compiled: int
    maps: tuple[MapLoss, ...] = ()

    @property
    def worst(self) -> float:
        """Largest predicted error of a kernel, or error of a linear map's tile."""
        errors = [*(one.error for one in self.kernels), *(one.error for one in self.maps)]
        return max(errors, default=0.0)

    @property
    def mean_square(self) -> float:
        """Mean over all kernels of the squared relative error."""
        return sum(kernel.error**2 for kernel in self.kernels) / max(self.compiled, 1)

    @property
    def lost_weights(self) -> int:
        """How many weights are not held, of kernels and linear maps."""
        of_maps = sum(tile.lost for tile in self.maps)
        return sum(len(kernel.lost) for kernel in self.kernels) + of_maps

    def lines(self) -> list[str]:
        """A table as text, worst kernel first."""
        rows = [f"{'layer':>5} {'kernel':>6} {'array':>5} {'error':>8}  lost weights"]
        for one in sorted(self.kernels, key=lambda kernel: -kernel.error):
            cells = [f"[{w.row},{w.column}] {w.wanted} -> {w.held:g}" for w in one.lost]
            cells += [f"mode {mode} off" for mode in one.switched_off]
            more = [f"and {len(cells) - SHOWN} more"] if len(cells) > SHOWN else []
            words = ", ".join([*cells[:SHOWN], *more]) or "none of its own"
            rows.append(
                f"{one.layer:>5} {one.feature:>6} {one.array:>5} {one.error:>8.1%}  {words}"
            )
        rows += [
            f"{tile.name:>12} {tile.array:>5} {tile.error:>8.1%}  {tile.lost} weights"
            for tile in sorted(self.maps, key=lambda tile: -tile.error)
        ]
        return rows


def require_served(losses: Losses, name: str, largest_error: float = LARGEST_ERROR) -> None:
    """Refuses a chip with more defects than could be served.

    Args:
        losses: What is left.
        name: Of the chip.
        largest_error: Largest predicted relative error of a kernel that is let through.

    Raises:
        DesignRuleError: Naming the kernels and the weights that are lost.
    """
    failed = [kernel for kernel in losses.kernels if kernel.error > largest_error]
    tiles = [tile for tile in losses.maps if tile.error > largest_error]
    if not failed and not tiles:
        return
    failed.sort(key=lambda kernel: -kernel.error)
    named = [
        f"kernel {one.feature} of layer {one.layer} on array {one.array} loses {len(one.lost)} "
        f"weights, predicted error {one.error:.0%}"
        for one in failed[:SHOWN]
    ]
    more = [f"and {len(failed) - SHOWN} kernels more"] if len(failed) > SHOWN else []
    more += [
        f"{tile.name} on array {tile.array} loses {tile.lost} weights, error {tile.error:.0%}"
        for tile in tiles
    ]
    raise DesignRuleError(
        given=f"the defects of this {name}",
        rule="they are more than the compiler can serve: " + "; ".join([*named, *more]),
        remedy="Use another layout or chip, larger arrays, fewer kernels an array, or allow a larger "
        "error (largest_error).",
    )
