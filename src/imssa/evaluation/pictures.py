"""The arrays behind a page's pictures."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float64, Int8, Int64


@dataclass(frozen=True)
class KernelTrace:
    """States and output of one kernel while it hears one recording: two runs in the same units.

    Attributes:
        kernel: Which kernel, in words: "kernel 3 of layer 0".
        sequence: Which recording.
        chip: Which chip, in words: "TaOx, chip 0 of 50, leaky".
        unit: Of states and output: "DAC steps".
        steps: Time steps.
        float_states: Of the float computation.
        chip_states: Of the chip.
        float_output: Of the float computation.
        chip_output: Of the chip.
        float_label: Name of the first run in the legend.
        chip_label: Name of the second.
    """

    kernel: str
    sequence: str
    chip: str
    unit: str
    steps: Int64[np.ndarray, " steps"]
    float_states: Float64[np.ndarray, "steps states"]
    chip_states: Float64[np.ndarray, "steps states"]
    float_output: Float64[np.ndarray, " steps"]
    chip_output: Float64[np.ndarray, " steps"]
    float_label: str = "float"
    chip_label: str = "chip"


@dataclass(frozen=True)
class ConductanceMap:
    """Target and actual conductances of one array on one chip.

    Attributes:
        array: Number of the array.
        chip: Which chip, in words.
        target_siemens: What was asked for; NaN marks cells never written.
        actual_siemens: What the devices have.
        defects: +1 stuck high, -1 stuck low, -2 open (conducts nothing), 0 sound.
        g_max_siemens: Top of the window.
    """

    array: int
    chip: str
    target_siemens: Float64[np.ndarray, "word_lines bit_lines"]
    actual_siemens: Float64[np.ndarray, "word_lines bit_lines"]
    defects: Int8[np.ndarray, "word_lines bit_lines"]
    g_max_siemens: float


@dataclass(frozen=True)
class Poles:
    """Discrete poles of all modes, before and after quantization.

    Attributes:
        realization: Whose integer codes they are.
        float_poles: Of the float network.
        quantized_poles: Of the integer recurrence.
        chip_poles: As one written chip holds them; None: not looked at.
        chip: Which chip, in words.
    """

    realization: str
    float_poles: Complex128[np.ndarray, " modes"]
    quantized_poles: Complex128[np.ndarray, " kept_modes"]
    chip_poles: Complex128[np.ndarray, " held_modes"] | None = None
    chip: str = ""


@dataclass(frozen=True)
class ImpulseResponses:
    """What one kernel answers to an impulse: in floats, in integers, on a chip.

    Attributes:
        kernel: Which kernel, in words: "kernel 3 of layer 0".
        chip: Which chip, in words.
        rank: Its place among the kernels by relative error on the chip; 1 is held best.
        kernels: How many these are.
        steps: Time steps after the impulse.
        software: Of the float network.
        quantized: Of the integer network, times the factor that gives it the norm and sign of ``software``.
        on_chip: Of the weights that the chip holds, times the same factor.
    """

    kernel: str
    chip: str
    rank: int
    kernels: int
    steps: Int64[np.ndarray, " steps"]
    software: Float64[np.ndarray, " steps"]
    quantized: Float64[np.ndarray, " steps"]
    on_chip: Float64[np.ndarray, " steps"]

    @property
    def chip_error(self) -> float:
        """Relative error of the chip's response against the integer network's, 2-norm."""
        norm = float(np.linalg.norm(self.quantized))
        return float(np.linalg.norm(self.on_chip - self.quantized)) / (norm or 1.0)

    @property
    def likeness(self) -> float:
        """Cosine of the angle between float and integer response: 1 for the same shape."""
        norms = float(np.linalg.norm(self.software) * np.linalg.norm(self.quantized))
        return float(self.software @ self.quantized) / (norms or 1.0)


@dataclass(frozen=True)
class ConverterUse:
    """Codes of the DACs that a register drives, or of the ADCs that are read into it.

    Attributes:
        converter: "DAC" or "ADC".
        register: Of the program.
        words: What it holds, in words.
        bits: Width of the codes.
        conversions: How many codes were looked at.
        zero: Share of codes that are 0.
        at_the_end: Share of codes at either end of the range, where larger values are clipped.
        shares: Share of codes in each bin of |code| / largest code, from 0 to 1.
    """

    converter: str
    register: str
    words: str
    bits: int
    conversions: int
    zero: float
    at_the_end: float
    shares: Float64[np.ndarray, " bins"]


@dataclass(frozen=True)
class WritingLaw:
    """What the chip description says that writing leaves, drift included, for certain targets.

    Attributes:
        words: The law in words: "gaussian law, folded at zero".
        sampled: Devices drawn from the law; 0: all numbers are closed forms.
        mean_siemens: Mean of actual minus target over the targets.
        sigma_siemens: Its standard deviation over the targets.
        level_siemens: Targets across the window.
        level_mean_siemens: Mean of actual minus target at each level.
        level_sigma_siemens: Its standard deviation.
        edge_siemens: Edges of the bins of actual minus target.
        density_per_siemens: Density over the targets, mean in each bin.
    """

    words: str
    sampled: int
    mean_siemens: float
    sigma_siemens: float
    level_siemens: Float64[np.ndarray, " levels"]
    level_mean_siemens: Float64[np.ndarray, " levels"]
    level_sigma_siemens: Float64[np.ndarray, " levels"]
    edge_siemens: Float64[np.ndarray, " edges"]
    density_per_siemens: Float64[np.ndarray, " bins"]


@dataclass(frozen=True)
class IrDrop:
    """Voltages and currents of one array with wires under one drive.

    Attributes:
        array: Number of the array.
        chip: Which chip, in words.
        wires: Its wires, in words.
        drive: What drives it, in words: "phase 0 of the program, step 17, its largest drive".
        drive_volt: Of each word line.
        word_line_volt: At the word-line side of each device.
        bit_line_volt: At its bit-line side; 0 V with ideal wires.
        device_ampere: Through each device.
        output_ampere: Read from each bit line; 0 where the phase reads none.
        ideal_ampere: The same with ideal wires.
    """

    array: int
    chip: str
    wires: str
    drive: str
    drive_volt: Float64[np.ndarray, " word_lines"]
    word_line_volt: Float64[np.ndarray, "word_lines bit_lines"]
    bit_line_volt: Float64[np.ndarray, "word_lines bit_lines"]
    device_ampere: Float64[np.ndarray, "word_lines bit_lines"]
    output_ampere: Float64[np.ndarray, " bit_lines"]
    ideal_ampere: Float64[np.ndarray, " bit_lines"]

    @property
    def loss(self) -> Float64[np.ndarray, " bit_lines"]:
        """Share of each bit line's ideal current that does not arrive; NaN where none would."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 1.0 - self.output_ampere / self.ideal_ampere
        return np.where(self.ideal_ampere == 0.0, np.nan, share)


@dataclass(frozen=True)
class ReadSpread:
    """Repeated reads of devices and of pairs, beside the law that they are drawn from.

    Attributes:
        array: Number of the array.
        chip: Which chip, in words.
        law: The law in words.
        reads: Reads of each device.
        conductance_siemens: Of each device.
        sigma_siemens: Standard deviation of its reads.
        own_sigma_siemens: The same by the law, for this very device.
        level_siemens: Conductances across what is shown.
        level_sigma_siemens: By the law, for a typical device of each level.
        weight_codes: What each pair holds, in codes.
        pair_sigma_codes: Standard deviation of its reads.
        own_pair_sigma_codes: The same by the law.
    """

    array: int
    chip: str
    law: str
    reads: int
    conductance_siemens: Float64[np.ndarray, " devices"]
    sigma_siemens: Float64[np.ndarray, " devices"]
    own_sigma_siemens: Float64[np.ndarray, " devices"]
    level_siemens: Float64[np.ndarray, " levels"]
    level_sigma_siemens: Float64[np.ndarray, " levels"]
    weight_codes: Float64[np.ndarray, " pairs"]
    pair_sigma_codes: Float64[np.ndarray, " pairs"]
    own_pair_sigma_codes: Float64[np.ndarray, " pairs"]


@dataclass(frozen=True)
class Skipped:
    """A picture that is not drawn, and why.

    Attributes:
        picture: Which picture, in words.
        reason: A clause: "its wires are ideal".
    """

    picture: str
    reason: str


@dataclass(frozen=True)
class Pictures:
    """What a page draws beside the numbers of its report; None: not drawn, as ``skipped`` says."""

    traces: tuple[KernelTrace, ...] = ()
    conductances: tuple[ConductanceMap, ...] = ()
    poles: Poles | None = None
    writing: WritingLaw | None = None
    ir_drop: IrDrop | None = None
    reads: ReadSpread | None = None
    skipped: tuple[Skipped, ...] = ()
    responses: tuple[ImpulseResponses, ...] = ()
    converters: tuple[ConverterUse, ...] = ()
