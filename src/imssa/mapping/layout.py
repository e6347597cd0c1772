"""Where each kernel lives: the ``one-shot`` layout, a block of word lines and pairs of its own."""

from dataclasses import dataclass

from imssa.hardware.description import ChipDescription


@dataclass(frozen=True)
class Place:
    """The block of one kernel: ``lines`` word lines from ``word_line`` on, as many pairs.

    Attributes:
        layer: The kernel's layer.
        feature: The kernel's feature.
        array: The array.
        word_line: First word line: the states, then the input.
        pair: First bit-line pair: the states, then the output.
        lines: Size of the block.
    """

    layer: int
    feature: int
    array: int
    word_line: int
    pair: int
    lines: int


def kernels_per_array(lines: int, chip: ChipDescription) -> int:
    """Blocks of ``lines`` word lines and pairs that share neither with another."""
    return min(chip.arrays.word_lines // lines, chip.arrays.pairs // lines)


def one_shot(layers: list[tuple[int, int]], chip: ChipDescription) -> tuple[Place, ...]:
    """Places all kernels, so that all of a layer run in one MVM an array.

    Args:
        layers: Number of kernels and lines of a kernel, for each layer.
        chip: Its arrays; their count is not looked at.
    """
    places: list[Place] = []
    array, row, column = 0, 0, 0
    for layer, (kernels, lines) in enumerate(layers):
        for feature in range(kernels):
            full = row + lines > chip.arrays.word_lines or column + lines > chip.arrays.pairs
            if full:
                array, row, column = array + 1, 0, 0
            places.append(Place(layer, feature, array, row, column, lines))
            row, column = row + lines, column + lines
    return tuple(places)
