"""Rules of widths: codes fit their pairs, sums fit their registers."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.quantization.network import MEAN_BITS, QuantizedNetwork

WIDE: Final = 32
"""Bits of the registers that hold exact sums."""


def weights_fit_the_pairs(network: QuantizedNetwork, _chip: ChipDescription) -> Iterator[str]:
    """Codes lie inside the range of their bit-line pair."""
    for number, layer in enumerate(network.layers):
        for names, line_max in (("AB", layer.state_line_max), ("CD", layer.output_line_max)):
            for name in names:
                if np.abs(getattr(layer, name)).max() > line_max:
                    yield f"layer {number} has {name} codes beyond {line_max}"
    if code_max(network.widths.register_bits) < 2**network.widths.guard_bits:
        yield "register_bits must exceed guard_bits"


def sums_fit_their_registers(network: QuantizedNetwork, _chip: ChipDescription) -> Iterator[str]:
    """Exact sums are kept in registers of 32 bits, which must never saturate."""
    dac, activation = (
        code_max(bits) for bits in (network.widths.dac_bits, network.widths.activation_bits)
    )
    maps = [("encoder", network.encoder, dac), ("decoder", network.decoder, code_max(MEAN_BITS))]
    maps += [
        (f"mixing of layer {n}", layer.mixing, activation) for n, layer in enumerate(network.layers)
    ]
    for name, linear, largest in maps:
        if linear.largest_sum(largest).max() > code_max(WIDE):
            yield f"sums of the {name} can need more than {WIDE} bits"
    a_step = network.decoder.largest_sum(dac).max() if network.decodes_steps else dac
    if network.max_length * a_step > code_max(WIDE):
        yield f"sums over {network.max_length} steps can need more than {WIDE} bits"
