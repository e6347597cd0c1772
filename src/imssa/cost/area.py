"""Area and standing power of a chip and of its digital counterpart."""

import math
from dataclasses import dataclass
from typing import Final

from imssa.cost.digital import array_weight_bits, kernel_weights, map_weights_on_arrays
from imssa.cost.prices import Prices
from imssa.cost.ranges import Parts, Range
from imssa.cost.settings import Settings
from imssa.cost.work import weight_bits
from imssa.program.operations import Leak, MatMul, MeanByLength, Requantize, Table
from imssa.program.program import Program

DEVICES: Final = "devices"
CONVERTERS: Final = "ADC"
DRIVERS: Final = "drivers"
AMPLIFIERS: Final = "amplifiers"
LANES: Final = "arithmetic"
MEMORY: Final = "registers and memory"


@dataclass(frozen=True)
class Store:
    """Bytes that a chip's digital side holds.

    Attributes:
        registers: Of all registers.
        parameters: Weights of digital maps, biases, tables, multipliers and shifts.
        int8: The same parameters where weights take a byte, those on arrays among them.
        packed: The same with weights as wide as the program's own.
    """

    registers: int
    parameters: int
    int8: int
    packed: int


def store_of(program: Program) -> Store:
    """What has to be held, bits packed."""
    bits = sum(r.size * r.bits for r in program.registers)
    packed = wide = others = 0
    for operation in (*program.start, *program.step, *program.end):
        if isinstance(operation, MatMul):
            packed += weight_bits(operation.weights) * operation.weights.size
            wide += 8 * operation.weights.size
            others += 32 * operation.bias.size
        elif isinstance(operation, Table):
            others += program.register(operation.target).bits * operation.values.size
        elif isinstance(operation, Requantize | MeanByLength):
            others += 16 * operation.multiplier.size + 8 * operation.shift.size
        elif isinstance(operation, Leak):
            others += 8 * operation.k.size
    on_arrays = kernel_weights(program) + map_weights_on_arrays(program)
    own = array_weight_bits(program) * on_arrays
    return Store(
        registers=-(-bits // 8),
        parameters=-(-(packed + others) // 8),
        int8=-(-(wide + others + 8 * on_arrays) // 8),
        packed=-(-(packed + others + own) // 8),
    )


def adcs_of(program: Program, settings: Settings) -> int:
    """Converters of all arrays in use."""
    return len(program.arrays) * math.ceil(program.chip.arrays.pairs / settings.pairs_per_adc)


def chip_area(program: Program, prices: Prices, settings: Settings) -> Parts:
    """Area of the arrays in use with their periphery, and of the digital side, in square metres."""
    c, technology = prices.constants, prices.technology
    arrays, shape = len(program.arrays), program.chip.arrays
    analog = technology.analog_area
    square = (technology.node_nm * 1e-9) ** 2
    store = store_of(program)
    return {
        DEVICES: c.cell_area.range * (arrays * shape.word_lines * shape.bit_lines * square),
        CONVERTERS: c.adc_area.range * analog * adcs_of(program, settings),
        DRIVERS: c.driver_area.range * analog * (arrays * shape.word_lines),
        AMPLIFIERS: c.amplifier_area.range * analog * (arrays * shape.pairs),
        **_logic_area(store.registers + store.parameters, prices, settings),
    }


def digital_area(memory_bytes: int, prices: Prices, settings: Settings) -> Parts:
    """Area of a digital chip with as many lanes, all weights in its memory."""
    return _logic_area(memory_bytes, prices, settings)


def _logic_area(memory_bytes: int, prices: Prices, settings: Settings) -> Parts:
    c, scale = prices.constants, prices.technology.area
    return {
        LANES: c.lane_area.range * (scale * settings.lanes),
        MEMORY: c.memory_area.range * (scale * memory_bytes),
    }


def chip_idle_watt(program: Program, prices: Prices, settings: Settings) -> Range:
    """Power that the chip takes while it waits; arrays take none, and forget nothing."""
    store = store_of(program)
    converters = prices.constants.adc_leakage.range * adcs_of(program, settings)
    return converters + digital_idle_watt(store.registers + store.parameters, prices, settings)


def digital_idle_watt(memory_bytes: int, prices: Prices, settings: Settings) -> Range:
    """Power of a digital side that waits: its memory must keep its content."""
    c = prices.constants
    return c.memory_leakage.range * memory_bytes + c.logic_leakage.range * settings.lanes
