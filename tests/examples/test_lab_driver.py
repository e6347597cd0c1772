"""A third party's driver, written from the page on the format: code for code like our executor."""

import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.crossbar import SimulatedChip, execute, load_driver, write_program
from imssa.errors import ImssaError
from imssa.hardware.devices import RelativeReadNoise
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.program import Program, load_program, save_program
from tests.examples import lab
from tests.program.samples import a_program, small_chip
from tests.reference.networks import Sketch, chip_with, random_inputs, random_network

NOISE = RelativeReadNoise(sigma_siemens=3e-6)


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example's package, as if it were installed."""
    monkeypatch.syspath_prepend(str(lab.SOURCES))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "lab_driver"]:
        del sys.modules[name]


def module(name: str) -> Any:
    return importlib.import_module(f"lab_driver.{name}")


def executed(program: Program, seed: int, inputs: Any, lengths: Any) -> Any:
    """What our executor leaves on the chip that the controller holds."""
    chip = SimulatedChip(program.chip, Key.root(seed), 1)
    write_program(program, chip)
    return execute(program, chip, inputs, lengths)


def run_by_the_driver(
    program: Program, folder: Path, inputs: Any, lengths: Any, seed: int
) -> list[dict[str, Any]]:
    """Lines that the driver's command prints, run as a process beside the controller's."""
    save_program(program, folder / "program.safetensors")
    lab.write_inputs(folder / "inputs.json", inputs, lengths)
    files = [str(folder / name) for name in ("program.safetensors", "inputs.json")]
    with lab.controller(program.chip, folder, seed, 1) as (_, address):
        driver = lab.start("lab_driver", *files, address, "--registers")
        out, errors = driver.communicate(timeout=300)
    assert driver.returncode == 0, errors
    return [json.loads(line) for line in out.splitlines()]


def assert_alike(lines: list[dict[str, Any]], trace: Any, program: Program) -> None:
    assert [line["sequence"] for line in lines] == list(range(len(trace.answers)))
    assert [line["answer"] for line in lines] == trace.answers.tolist()
    for number, line in enumerate(lines):
        assert line["class"] == program.class_names[line["answer"]]
        found = {name: codes[number].tolist() for name, codes in trace.final.items()}
        assert line["registers"] == found


def test_a_program_of_every_operation(tmp_path: Path) -> None:
    """In all passes that a conversion can have, on a noisy chip, with sequences of any length."""
    chip = small_chip(read_noise=NOISE)
    changes = {"drive": "bit-serial", "polarity": "two-pass"}
    converters = chip.converters.model_copy(update=changes)
    program = wide_enough(a_program(chip=chip.model_copy(update={"converters": converters})))
    rng = np.random.default_rng(5)
    inputs, lengths = rng.integers(-7, 8, (6, 3, 2)), np.array([3, 1, 2, 3, 3, 2])
    lines = run_by_the_driver(program, tmp_path, inputs, lengths, 4)
    trace = executed(program, 4, inputs, lengths)
    assert_alike(lines, trace, program)
    assert len({json.dumps(line["registers"]) for line in lines}) == 6


def wide_enough(program: Program) -> Program:
    """The same with registers that hold what the converters give."""
    wide = program.chip.converters.conversion_bits
    names = {"adc", "turned", "readout"}
    registers = tuple(
        replace(r, bits=max(r.bits, wide)) if r.name in names else r for r in program.registers
    )
    values = np.clip(np.arange(1 - 2 ** (wide - 1), 2 ** (wide - 1)) // 2, -15, 15)
    step = tuple(replace(o, values=values) if hasattr(o, "values") else o for o in program.step)
    return replace(program, registers=registers, step=step)


def a_network_on_a_noisy_chip() -> tuple[Program, Any, Any]:
    chip = chip_with(size=(24, 36))
    network = random_network(3, Sketch(kernels=4, modes=2), chip)
    inputs, lengths = random_inputs(network, 7, 2, 6)
    return compile_network(network, chip, {"seed": 3}), inputs, lengths


def test_a_compiled_network_on_a_noisy_chip(tmp_path: Path) -> None:
    program, inputs, lengths = a_network_on_a_noisy_chip()
    assert program.chip.read_noise is not None
    lines = run_by_the_driver(program, tmp_path, inputs, lengths, 2)
    assert_alike(lines, executed(program, 2, inputs, lengths), program)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts beside the sources what pip writes of their entry points."""
    project = tomllib.loads((lab.FOLDER / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / "imssa_lab_driver-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["imssa.chips"]
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[imssa.chips]\n{lines}\n")
    monkeypatch.syspath_prepend(str(folder))


def test_the_entry_point_is_a_chip_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded by name, written, read back and run by our executor, across the line."""
    install(tmp_path, monkeypatch)
    program = a_program(chip=small_chip(read_noise=NOISE))
    inputs, lengths = np.full((2, 3, 2), 5), np.array([2, 3])
    direct = SimulatedChip(program.chip, Key.root(9), 1)
    write_program(program, direct)
    with lab.controller(program.chip, tmp_path, 9, 1) as (process, address):
        chip = load_driver("lab")(address)
        write_program(program, chip)
        assert np.array_equal(chip.read(1), direct.read(1))
        found, expected = (execute(program, c, inputs, lengths) for c in (chip, direct))
        for name, codes in expected.final.items():
            assert np.array_equal(found.final[name], codes)
        for one in (chip, direct):
            one.rewrite(1, program.arrays[1], np.eye(*program.arrays[1].codes.shape) > 0)
        assert np.array_equal(chip.read(1), direct.read(1))
        with pytest.raises(ImssaError, match=r"refuses: ShapeError: array 7 .*Start the contr"):
            chip.write(7, program.arrays[0])
        process.kill()
        process.wait()
        with pytest.raises(ImssaError, match=r"request \d+ \(mvm on array 0\)"):
            execute(program, chip, inputs, lengths)
        chip.link.close()  # type: ignore[attr-defined]
    with pytest.raises(ImssaError, match=r"controller at 'nowhere': it cannot be reached"):
        load_driver("lab")("nowhere")


def test_a_controller_that_dies_in_mid_run(tmp_path: Path) -> None:
    program = a_program()
    save_program(program, tmp_path / "program")
    lab.write_inputs(tmp_path / "inputs", np.ones((20_000, 3, 2), int), np.full(20_000, 3))
    with lab.controller(program.chip, tmp_path) as (controller, address):
        driver = lab.start(
            "lab_driver", str(tmp_path / "program"), str(tmp_path / "inputs"), address
        )
        assert driver.stdout is not None
        first = json.loads(driver.stdout.readline())
        controller.kill()
        rest, errors = driver.communicate(timeout=300)
    assert first["sequence"] == 0
    assert driver.returncode == 2
    assert len(rest.splitlines()) < 19_000
    assert errors.startswith(f"error: controller at {address}, request ")
    assert "(mvm on array 0): " in errors
    assert "Start the controller again, write the program, and repeat the sequence." in errors
    assert "Traceback" not in errors


def test_reader_and_sequencer_need_nothing_of_ours() -> None:
    """What a third party wrote from the page alone: numpy and the standard library."""
    script = (
        "import lab_driver.__main__, sys\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=lab.environment(),
    )
    found = {name for name in run.stdout.split() if not name.startswith("_")}
    assert {"lab_driver", "numpy"} <= found
    assert not found & {"imssa", "safetensors", "torch", "numba", "pydantic", "jsonschema"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_program(a_program(), tmp_path / "program")
    return tmp_path / "program"


def test_the_reader_reads_what_ours_reads(path: Path) -> None:
    found, ours = module("program_file").read_program(path), load_program(path)
    assert found.identity == save_program(ours, path)
    common = ours.arrays[1].common_mode
    assert common is not None
    assert np.array_equal(found.contents()[1]["common_mode"], common)
    assert "common_mode" not in found.contents()[0]
    assert len(found.records("step")) == len(ours.step)


def test_the_reader_refuses_damage(path: Path) -> None:
    reader, data = module("program_file"), path.read_bytes()
    rng = np.random.default_rng(0)
    cuts = [data[: int(n)] for n in rng.integers(0, len(data), 100)]
    flips = [
        data[: int(n)] + bytes([data[int(n)] ^ 1]) + data[int(n) + 1 :]
        for n in rng.integers(8, len(data), 100)
    ]
    for bad in (*cuts, *flips, b"", data + b"\0"):
        path.write_bytes(bad)
        with pytest.raises(reader.ProgramFileError):
            reader.read_program(path)


def test_the_sequencer_refuses_inputs(path: Path) -> None:
    sequencer = module("sequencer").Sequencer(module("program_file").read_program(path), None)
    for inputs in (np.zeros((0, 2), int), np.zeros((4, 2), int), np.full((1, 2), 8), np.ones(2)):
        with pytest.raises(ValueError, match="1 to 3 steps of 2 input codes from -7 to 7"):
            sequencer.run(inputs)
