"""Design rules: named functions that refuse a network before anything is mapped, all at once.

Rules of a network and a chip stand in ``RULES``; those that need the kernels' places in
``PLACED_RULES``; those that need calibration data in :mod:`imssa.mapping.rules.calibration`.
"""

from collections.abc import Callable, Iterator

from imssa.errors import DesignRuleError
from imssa.hardware.description import ChipDescription
from imssa.mapping.layout import ONE_SHOT, Layout
from imssa.mapping.packing import pack
from imssa.mapping.rules.calibration import Calibration, calibration_faults
from imssa.mapping.rules.codes import WIDE, sums_fit_their_registers, weights_fit_the_pairs
from imssa.mapping.rules.dynamics import dead_zone_is_small, integer_poles, poles_are_stable
from imssa.mapping.rules.placed import (
    Places,
    latency_can_be_met,
    reads_have_addresses,
    word_lines_can_be_driven,
)
from imssa.mapping.rules.room import (
    arrays_suffice,
    converters_match,
    cuts_fit,
    kernel_fits_an_array,
    layer_shapes,
    linear_maps_match,
    too_small,
)
from imssa.quantization.network import QuantizedNetwork

__all__ = [
    "PLACED_RULES",
    "RULES",
    "WIDE",
    "Calibration",
    "integer_poles",
    "layer_shapes",
    "require",
    "too_small",
]

Rule = Callable[[QuantizedNetwork, ChipDescription], Iterator[str]]
PlacedRule = Callable[[QuantizedNetwork, ChipDescription, Places], Iterator[str]]

RULES: tuple[Rule, ...] = (
    sums_fit_their_registers,
    kernel_fits_an_array,
    converters_match,
    linear_maps_match,
    weights_fit_the_pairs,
    poles_are_stable,
    dead_zone_is_small,
)
PLACED_RULES: tuple[PlacedRule, ...] = (
    word_lines_can_be_driven,
    latency_can_be_met,
    reads_have_addresses,
)


def require(
    network: QuantizedNetwork,
    chip: ChipDescription,
    *,
    layout: Layout = ONE_SHOT,
    calibration: Calibration | None = None,
) -> None:
    """Applies all design rules.

    Args:
        network: The frozen integer network.
        chip: What it is compiled for.
        layout: How kernels share arrays.
        calibration: Sequences on which registers and ADCs are judged; None: they are not.

    Raises:
        DesignRuleError: Naming every violation.
    """
    faults = [fault for rule in RULES for fault in rule(network, chip)]
    if not any(kernel_fits_an_array(network, chip)) and cuts_fit(network, chip):
        small = list(arrays_suffice(network, chip, layout))
        faults += small
        if layout == ONE_SHOT or not small:
            places = pack(layer_shapes(network), chip, layout).places
            faults += [fault for rule in PLACED_RULES for fault in rule(network, chip, places)]
    if calibration is not None:
        faults += calibration_faults(network, calibration)
    if faults:
        raise DesignRuleError(
            given=f"a network for {chip.name}",
            rule="; ".join(faults),
            remedy="Use a smaller network, another layout (phased), or a chip description that fits.",
        )
