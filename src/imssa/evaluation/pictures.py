"""The arrays behind a page's pictures, and their file."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Complex128, Float64, Int8, Int64

from imssa.errors import FileFormatError
from imssa.program.files import Arrays, read_arrays, write_arrays

KIND: Final = "imssa.pictures"
SCHEMA: Final = "imssa.pictures/1"


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
        defects: +1 stuck high, -1 stuck low, 0 sound.
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
class Pictures:
    """What a page draws beside the numbers of its report."""

    traces: tuple[KernelTrace, ...] = ()
    conductances: tuple[ConductanceMap, ...] = ()
    poles: Poles | None = None


def save_pictures(pictures: Pictures, path: Path) -> None:
    """Writes the arrays, so that a page can be made again without running anything.

    Raises:
        OutputError: The place cannot be written.
    """
    arrays: Arrays = {}
    poles = () if pictures.poles is None else (pictures.poles,)
    groups: dict[str, tuple[Any, ...]] = {
        "traces": pictures.traces,
        "conductances": pictures.conductances,
        "poles": poles,
    }
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
        poles = _parts(Poles, "poles", header, arrays)
        return Pictures(
            traces=_parts(KernelTrace, "traces", header, arrays),
            conductances=_parts(ConductanceMap, "conductances", header, arrays),
            poles=poles[0] if poles else None,
        )
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
