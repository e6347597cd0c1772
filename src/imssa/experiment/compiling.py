"""Compiles a saved network for any chip, and tailors the program where the chip's defects are known."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

from imssa.data import KINDS
from imssa.errors import OutputError, RecipeError
from imssa.experiment.checks import trained_chip
from imssa.experiment.evaluate import Asked, network_data
from imssa.experiment.own_map import map_digest, own_map
from imssa.experiment.provenance import provenance
from imssa.hardware import ChipDescription, DefectMap, load_chip
from imssa.mapping import Losses, TailoredCompiler, compile_network, require_served
from imssa.mapping.layout import ONE_SHOT, Layout, LayoutName
from imssa.mapping.losses import LARGEST_ERROR
from imssa.mapping.rules import Calibration, require
from imssa.mapping.wire_targets import for_wires
from imssa.program import Program, save_program
from imssa.program.files import file_in, read_arrays
from imssa.quantization.convert import KIND as QUANTIZED
from imssa.quantization.convert import load_network
from imssa.quantization.network import QuantizedNetwork


@dataclass(frozen=True)
class Wanted:
    """For what a network is to be compiled.

    Attributes:
        chip: A preset or a file; None: the chip that the network was trained for.
        layout: How kernels share arrays: a name, or a number as text; None: as the recipe says.
        defects: Defect map of the one chip that is meant; None: as the description says.
        largest_error: Largest predicted relative error of a kernel that is let through; None:
            `imssa.mapping.losses.LARGEST_ERROR`.
        for_wires: Whether conductances are chosen so that the array with its wires holds the weights.
        kind: Format of calibration recordings; None: registers and ADCs are not judged.
        root: Folder of these; None: bundled.
    """

    chip: str | None = None
    layout: str | None = None
    defects: Path | None = None
    largest_error: float | None = None
    for_wires: bool = False
    kind: str | None = None
    root: Path | None = None


@dataclass(frozen=True, eq=False)
class Compiled:
    """A program, and what the known defects of its chip still cost; None: none are known."""

    program: Program
    losses: Losses | None


def compile_file(
    source: Path, out: Path, wanted: Wanted, command: str, *, force: bool = False
) -> Compiled:
    """Compiles a network file and writes the program.

    Args:
        source: A quantized network, or a folder that holds ``quantized.safetensors``.
        out: The program file.
        wanted: For what.
        command: What the user typed; kept in the program.
        force: Whether an existing file is overwritten.

    Raises:
        DesignRuleError: The chip cannot hold the network, or has more defects than can be served.
        FileFormatError: A network or a defect map that cannot be used.
        RecipeError: No such chip, or one that cannot be meant.
        OutputError: The program cannot be written there.
    """
    path = file_in(source, "quantized.safetensors")
    _require_out(out, force=force)
    network = load_network(path)
    header, _, identity = read_arrays(path, QUANTIZED)
    chip, defects = _chip(path, wanted)
    layout = _layout(header, wanted)
    require(network, chip, layout=layout, calibration=_calibration(path, network, wanted))
    kept = {
        **header.get("provenance", {}),
        "compiled": {**provenance(0), "command": command, "network_sha256": identity},
    }
    if defects is None:
        compiled = Compiled(compile_network(network, chip, kept, layout), None)
    else:
        compiler = TailoredCompiler(network, chip, layout)
        compiled = _tailored(compiler, defects, kept, wanted)
    if wanted.for_wires:
        compiled = replace(compiled, program=for_wires(compiled.program, defects).program)
    save_program(compiled.program, out)
    return compiled


def compile_for(
    network: QuantizedNetwork, chip: ChipDescription, kept: dict[str, Any], layout: Layout
) -> Program:
    """The program of a run: tailored where the description names the chip's own defect map.

    Raises:
        DesignRuleError: The chip cannot hold the network, or has more defects than can be served.
    """
    defects = own_map(chip)
    if defects is None:
        return compile_network(network, chip, kept, layout)
    kept = {**kept, "compiled": {"defects_sha256": map_digest(defects)}}
    tailored = TailoredCompiler(network, chip, layout).compile(defects, kept)
    require_served(tailored.losses, chip.name)
    return tailored.program


def _layout(header: dict[str, Any], wanted: Wanted) -> Layout:
    """The layout that is asked for, or that of the network's recipe."""
    if wanted.layout is None:
        held: Layout = header.get("provenance", {}).get("recipe", {}).get("layout", ONE_SHOT)
        return held
    names = get_args(LayoutName)
    if wanted.layout in names:
        return cast("LayoutName", wanted.layout)
    if not wanted.layout.isdecimal() or int(wanted.layout) < 1:
        raise RecipeError(
            given=f"--layout {wanted.layout}",
            rule="there is no such layout",
            remedy=f"Use {', '.join(names)}, or the most phases of a time step.",
        )
    return int(wanted.layout)


def _tailored(
    compiler: TailoredCompiler, defects: DefectMap, kept: dict[str, Any], wanted: Wanted
) -> Compiled:
    """The program for a chip of known defects; refused if they are more than can be served."""
    kept["compiled"]["defects_sha256"] = map_digest(defects)
    tailored = compiler.compile(defects, kept)
    limit = LARGEST_ERROR if wanted.largest_error is None else wanted.largest_error
    require_served(tailored.losses, compiler.chip.name, limit)
    return Compiled(tailored.program, tailored.losses)


def _chip(path: Path, wanted: Wanted) -> tuple[ChipDescription, DefectMap | None]:
    """The chip that is meant, and its defects where they are known.

    A map in place of the description's drawn devices makes the description one of this chip alone.
    """
    chip = trained_chip(path) if wanted.chip is None else load_chip(wanted.chip)
    if wanted.defects is not None:
        stuck = chip.stuck and chip.stuck.model_copy(update={"high_rate": 0.0, "low_rate": 0.0})
        chip = chip.model_copy(update={"stuck": stuck, "defect_map": str(wanted.defects.resolve())})
    if chip.defect_map is None and wanted.largest_error is not None:
        raise RecipeError(
            given=f"--largest-error {wanted.largest_error:g}",
            rule="no defects of the chip are known, so no error can be predicted",
            remedy="Name the chip's defect map by --defects.",
        )
    return chip, own_map(chip)


def _calibration(path: Path, network: QuantizedNetwork, wanted: Wanted) -> Calibration | None:
    if wanted.kind is None:
        if wanted.root is not None:
            raise RecipeError(
                given=f"--root {wanted.root} without --data",
                rule="recordings have a format",
                remedy="Name it, for instance --data fsdd.",
            )
        return None
    if wanted.kind not in KINDS:
        raise RecipeError(
            given=f"--data {wanted.kind}",
            rule="there is no such format of recordings",
            remedy=f"Use {', '.join(KINDS)}.",
        )
    recipe = read_arrays(path, QUANTIZED)[0].get("provenance", {}).get("recipe", {})
    own = recipe.get("data", {}).get("kind") == wanted.kind
    asked = Asked(wanted.kind, wanted.root, part="train" if own else "all")
    data = network_data(path, asked)
    return Calibration.of(network, data.features, data.lengths)


def _require_out(out: Path, *, force: bool) -> None:
    if out.is_dir():
        raise OutputError(
            given=str(out),
            rule="it is a folder, and the program is one file",
            remedy=f"Name a file, for instance {out / 'program.safetensors'}.",
        )
    if out.exists() and not force:
        raise OutputError(given=str(out), rule="it exists", remedy="Use another name, or --force.")
