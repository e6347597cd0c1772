"""The arrays behind a page's pictures, and their file."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Complex128, Float64, Int8, Int64

from imssa.errors import FileFormatError
from imssa.program.files import Arrays, read_arrays, write_arrays

KIND: Final = "imssa.pictures"
SCHEMA: Final = "imssa.pictures/3"


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
    """

    realization: str
    float_poles: Complex128[np.ndarray, " modes"]
    quantized_poles: Complex128[np.ndarray, " kept_modes"]


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


GROUPS: Final[dict[str, type[Any]]] = {
    "traces": KernelTrace,
    "conductances": ConductanceMap,
    "poles": Poles,
    "writing": WritingLaw,
    "ir_drop": IrDrop,
    "reads": ReadSpread,
    "skipped": Skipped,
}
"""Fields of ``Pictures`` and what they hold: several in a tuple, or one or None."""
SEVERAL: Final = ("traces", "conductances", "skipped")


def save_pictures(pictures: Pictures, path: Path) -> None:
    """Writes the arrays, so that a page can be made again without running anything.

    Raises:
        OutputError: The place cannot be written.
    """
    arrays: Arrays = {}
    groups = {name: getattr(pictures, name) for name in GROUPS}
    groups = {n: g if n in SEVERAL else () if g is None else (g,) for n, g in groups.items()}
    header = {
        group: [_flatten(part, f"{group}.{n}", arrays) for n, part in enumerate(parts)]
        for group, parts in groups.items()
    }
    write_arrays(path, KIND, {"schema": SCHEMA, **header}, arrays)


def _flatten(part: Any, prefix: str, arrays: Arrays) -> dict[str, Any]:
    plain = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            pairs = value.view(np.float64).reshape(-1, 2) if value.dtype == complex else value
            arrays[f"{prefix}.{field.name}"] = pairs
        else:
            plain[field.name] = value
    return plain


def load_pictures(path: Path) -> Pictures:
    """Reads what ``save_pictures`` wrote.

    Raises:
        FileFormatError: Missing, damaged, or of another kind or version.
    """
    header, arrays, _ = read_arrays(path, KIND)
    if header.get("schema") != SCHEMA:
        raise FileFormatError(
            given=f"{path} of schema {header.get('schema')!r}",
            rule=f"this version of imssa reads {SCHEMA}",
            remedy="Run the simulation again.",
        )
    try:
        found: dict[str, Any] = {}
        for name, kind in GROUPS.items():
            parts = _parts(kind, name, header, arrays)
            found[name] = parts if name in SEVERAL else parts[0] if parts else None
        return Pictures(**found)
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            given=str(path),
            rule=f"a part is missing ({error})",
            remedy="Run the simulation again.",
        ) from error


def _parts(kind: Any, group: str, header: dict[str, Any], arrays: Arrays) -> tuple[Any, ...]:
    parts = []
    for number, plain in enumerate(header[group]):
        values = dict(plain)
        for field in fields(kind):
            name = f"{group}.{number}.{field.name}"
            if name in arrays:
                complex_ = field.name.endswith("_poles")
                values[field.name] = _complex(arrays[name]) if complex_ else arrays[name]
        parts.append(kind(**values))
    return tuple(parts)


def _complex(pairs: Float64[np.ndarray, "n 2"]) -> Complex128[np.ndarray, " n"]:
    return np.asarray(pairs[:, 0] + 1j * pairs[:, 1])
