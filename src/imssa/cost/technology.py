"""Another process than the one the constants are for: how energies and areas move with it."""

from dataclasses import dataclass
from typing import Final

from imssa.cost.ranges import Number, Range
from imssa.errors import RecipeError

REFERENCE_NODE_NM: Final = 45.0
REFERENCE_VOLT: Final = 0.9

GATE_ENERGY: Final = {
    130.0: (7.171, -6.709, 2.904),
    90.0: (4.762, -4.781, 2.092),
    65.0: (3.755, -4.398, 1.975),
    45.0: (1.103, -0.362, 0.2767),
    32.0: (0.9559, -0.7823, 0.471),
    20.0: (0.373, -0.1582, 0.04104),
    16.0: (0.2958, -0.1241, 0.03024),
    14.0: (0.2363, -0.09675, 0.02239),
    10.0: (0.2068, -0.09311, 0.02375),
    7.0: (0.1776, -0.09097, 0.02447),
}
"""a, b, c of the relative energy a V^2 + b V + c of a gate at a node in nm (Stillmaker and Baas,
Integration 58, 2017, as in Accelergy-Project/hwcomponents, scaling/techscaling.py)."""

NOMINAL_VOLT: Final = {
    180.0: 1.8,
    130.0: 1.3,
    90.0: 1.1,
    65.0: 1.1,
    45.0: 0.9,
    32.0: 0.9,
    20.0: 0.9,
    16.0: 0.8,
    14.0: 0.8,
    10.0: 0.75,
    7.0: 0.7,
}
"""Supplies where none is given; usual values, assumed."""


@dataclass(frozen=True)
class Technology:
    """The process of a chip's converters and digital side.

    Attributes:
        node_nm: Feature size; 45 as the constants are. Above 130 nm the energy of a gate is taken
            to rise with the feature size, an assumption.
        supply_volt: Supply; None: what is usual at the node.
    """

    node_nm: Number = REFERENCE_NODE_NM
    supply_volt: Number | None = None

    def __post_init__(self) -> None:
        volt_is_wrong = self.supply_volt is not None and not 0.4 <= self.supply_volt <= 3.3
        if not min(GATE_ENERGY) <= self.node_nm <= 250.0 or volt_is_wrong:
            raise RecipeError(
                given=f"a process of {self.node_nm:g} nm at {self.supply_volt} V",
                rule="energies are known from 7 to 250 nm, and from 0.4 to 3.3 V",
                remedy="Give a node and a supply within, or leave the supply away.",
            )

    @property
    def volt(self) -> Number:
        """The supply."""
        if self.supply_volt is not None:
            return self.supply_volt
        nearest = min(NOMINAL_VOLT, key=lambda node: abs(node - self.node_nm))
        return NOMINAL_VOLT[nearest]

    @property
    def gates(self) -> float:
        """Energy of a gate relative to 45 nm at 0.9 V."""
        return _gate(self.node_nm, self.volt) / _gate(REFERENCE_NODE_NM, REFERENCE_VOLT)

    @property
    def converters(self) -> Range:
        """The same of analog circuits: between not at all and as gates do, typically the root."""
        return Range.spanned([1.0, self.gates], self.gates**0.5)

    @property
    def area(self) -> float:
        """Area of logic relative to 45 nm."""
        return (self.node_nm / REFERENCE_NODE_NM) ** 2

    @property
    def analog_area(self) -> Range:
        """The same of analog circuits, in the manner of ``converters``."""
        return Range.spanned([1.0, self.area], self.area**0.5)


def _gate(node_nm: Number, volt: Number) -> float:
    """Relative energy of a gate, linear between the nodes of the table."""
    nodes = sorted(GATE_ENERGY)
    if node_nm >= nodes[-1]:
        return _at(nodes[-1], volt) * node_nm / nodes[-1]
    above = next(node for node in nodes if node >= node_nm)
    below = max(node for node in nodes if node <= node_nm)
    share = 0.0 if above == below else (node_nm - below) / (above - below)
    return (1 - share) * _at(below, volt) + share * _at(above, volt)


def _at(node: float, volt: Number) -> float:
    a, b, c = GATE_ENERGY[node]
    return a * volt**2 + b * volt + c
