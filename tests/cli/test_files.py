"""Commands that look at files: inspect, evaluate, check, import, doctor."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from imssa.experiment import doctor
from imssa.models import S4D, kernel, load_layers
from imssa.program import load_program
from imssa.quantization.convert import load_network, save_network
from tests.cli.calls import call, done, refusal

DATA = ("--data", "bundled-zero-one")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("model", ("2 classes", "zero, one", "config.d_model", "blocks.0.s4d.A_imag")),
        ("quantized", ("layers.0.A", "imssa.quantized")),
        ("program", ("program for taox-64", "written cells", "MVM on array 0", "each time step")),
        ("simulation", ("labels", "programming_error")),
        ("pictures", ("imssa.pictures",)),
    ],
)
def test_inspect_of_each_kind(name: str, says: tuple[str, ...], finished: Path) -> None:
    out = done("inspect", finished / f"{name}.safetensors").out
    assert [word for word in says if word not in out] == []


def test_inspect_of_a_run_shows_its_program(finished: Path, tmp_path: Path) -> None:
    outcome = done("inspect", finished)
    assert "program for taox-64" in outcome.out
    words = ("2 classes", "zero, one", "log-mel", "longest sequence")
    assert [word for word in words if word not in outcome.out] == []
    assert done("inspect", finished, "--json").value["front_end"]["kind"] == "log-mel"
    assert "holds no program.safetensors or quantized.safetensors or model" in refusal(
        "inspect", tmp_path
    )


def test_inspect_program_counts(finished: Path) -> None:
    value = done("inspect", finished / "program.safetensors", "--json").value
    assert value["chip"] == "taox-64"
    assert value["class_names"] == ["zero", "one"]
    assert value["phases_per_step"] == 1
    (array,) = value["arrays"]
    assert array["cells"] == 64 * 32
    assert array["written_cells"] == (3 * 5) ** 2, (
        "three kernels of 4 states and an input, and the cells between"
    )
    assert value["provenance"]["recipe"]["name"] == "zero-one"


def test_evaluate_repeats_the_report(finished: Path) -> None:
    """The same recordings, split and answers as in the run."""
    report = json.loads((finished / "report.json").read_text())["accuracy"]
    model = done("evaluate", finished / "model.safetensors", *DATA, "--json").value
    assert model == {"items": 60, "float": report["float"]}
    quantized = done("evaluate", finished / "quantized.safetensors", *DATA, "--json").value
    assert quantized == {"items": 60, "quantized": report["quantized"]}
    words = ("evaluate", finished / "program.safetensors", *DATA, "--instances", "3", "--json")
    program = done(*words).value
    assert program["ideal_chip"] == report["ideal_chip"]
    assert program["chip"] == report["chip"]
    assert done(*words, "--seed", "1").value["items"] == 60


def test_evaluate_knows_the_parts_of_the_run(finished: Path) -> None:
    items = {
        part: done(
            "evaluate", finished / "model.safetensors", *DATA, "--part", part, "--json"
        ).value["items"]
        for part in ("train", "validation", "test", "all")
    }
    assert items["all"] == 600
    assert items["train"] + items["validation"] + items["test"] == 600
    assert items["test"] == 60


def test_evaluate_on_a_chip_of_other_errors(finished: Path, tmp_path: Path) -> None:
    chip = tmp_path / "chip.toml"
    text = (Path(doctor.__file__).parents[1] / "hardware" / "presets" / "taox-64.toml").read_text()
    chip.write_text(text.split("[programming]")[0].replace('"taox-64"', '"without errors"'))
    out = done("evaluate", finished / "program.safetensors", *DATA, "--chip", chip, "--json").value
    assert out["chip_name"] == "without errors"
    assert out["chip"]["min"] == out["chip"]["max"] == out["ideal_chip"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--data", "bundled"), "--data bundled: "),
        (("--data", "fsdd"), "root"),
        ((*DATA, "--part", "tests"), "there is no such part. Use train, validation, test, all"),
        (("--data", "fsdd", "--root", ".", "--part", "train"), "the folder holds no wav file"),
        ((*DATA, "--chip", "taox-65"), "it is neither a file nor a preset"),
    ],
)
def test_evaluate_refuses(words: tuple[str, ...], says: str, finished: Path) -> None:
    assert says in refusal("evaluate", finished / "program.safetensors", *words)


def test_evaluate_needs_something_that_answers(finished: Path) -> None:
    message = refusal("evaluate", finished / "pictures.safetensors", *DATA)
    assert "it holds no model, quantized network or program" in message


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "model",
            (
                "layer 0: convolution = scan, float64",
                "layer 0: steps of the real form = scan, float32",
            ),
        ),
        ("quantized", ("training forward = network", "network = its program on an ideal chip")),
        ("program", ("executor = fused simulation, noisy chip",)),
    ],
)
def test_check_of_each_kind(name: str, says: tuple[str, ...], finished: Path) -> None:
    checks = done("check", finished / f"{name}.safetensors", "--json").value["checks"]
    assert set(says) <= {check["name"] for check in checks}
    assert all(check["passed"] and check["compared"] > 1000 for check in checks)


def test_check_of_a_run(finished: Path) -> None:
    out = done("check", finished).out
    assert "network file = program file" in out
    assert "direct: " in out
    assert "FAILED" not in out


def test_check_that_fails_is_ours(folder: Path) -> None:
    """Network and program of different realizations do not belong together."""
    other = folder / "realizations" / "direct" / "program.safetensors"
    shutil.copy(other, folder / "program.safetensors")
    outcome = call("check", folder)
    assert outcome.code == 1
    assert "FAILED" in outcome.out
    assert "these do not agree: network file = program file on an ideal chip" in outcome.err


def test_check_of_a_network_that_names_no_chip(finished: Path, tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    save_network(load_network(finished / "quantized.safetensors"), path, {})
    assert "it does not say for which chip it was trained" in refusal("check", path)


def public_layer(features: int = 4, modes: int = 3) -> dict[str, torch.Tensor]:
    """Parameters of a layer as the public S4D code has them."""
    generator = torch.Generator().manual_seed(0)
    return {
        "log_dt": torch.rand(features, generator=generator) * 2 - 6,
        "log_A_real": torch.log(0.5 * torch.ones(features, modes)),
        "A_imag": torch.pi * torch.arange(modes).repeat(features, 1).float(),
        "C": torch.randn(features, modes, 2, generator=generator),
    }


def save_public(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    """Writes a checkpoint of the kind that the name says."""
    match path.suffix:
        case ".pt":
            torch.save({"state_dict": tensors, "epoch": 3}, path)
        case ".npz":
            arrays: dict[str, Any] = {name: value.numpy() for name, value in tensors.items()}
            np.savez(path, **arrays)
        case _:
            save_tensors(tensors, path)
    return path


@pytest.mark.parametrize("ending", [".pt", ".npz", ".safetensors"])
@pytest.mark.parametrize("output", ["current", "delayed"])
def test_import_gives_the_public_kernel(ending: str, output: str, tmp_path: Path) -> None:
    layer = public_layer()
    names = {f"layers.{n}.kernel.{name}": v.clone() for n in (0, 1) for name, v in layer.items()}
    source = save_public(tmp_path / f"public{ending}", names)
    out = tmp_path / "layers.safetensors"
    outcome = done("import", source, "--out", out, "--output", output)
    assert "kernel = public formula" in outcome.out
    assert f"Wrote {out}" in outcome.out
    layers = load_layers(out)
    assert [name for name, _ in layers] == ["layers.0", "layers.1"]
    assert all(found.output == output for _, found in layers)
    parameters: dict[str, Any] = {**layer, "D": torch.zeros(4)}
    expected = kernel(S4D.from_parameters(**parameters).discrete(), 50, "current")
    assert torch.equal(kernel(layers[1][1].discrete(), 50, "current"), expected)
    assert "layers.1: convolution = scan, float64" in done("check", out).out
    assert "imssa.layers" in done("inspect", out).out


def test_import_refuses(tmp_path: Path) -> None:
    good = save_public(tmp_path / "good.pt", public_layer())
    out = tmp_path / "layers.safetensors"
    assert "an output is read current or delayed" in refusal(
        "import", good, "--out", out, "--output", "now"
    )
    (tmp_path / "text.txt").write_text("no checkpoint")
    assert "ending in .pt" in refusal("import", tmp_path / "text.txt", "--out", out)
    save_file({"w": np.zeros(3)}, tmp_path / "other.safetensors")
    assert "no S4D layer" in refusal("import", tmp_path / "other.safetensors", "--out", out)
    good.write_bytes(good.read_bytes()[:200])
    assert "must be whole" in refusal("import", good, "--out", out)
    incomplete = {k: v for k, v in public_layer().items() if k != "C"}
    save_public(tmp_path / "incomplete.npz", incomplete)
    assert "C missing" in refusal("import", tmp_path / "incomplete.npz", "--out", out)
    assert not out.exists()


def test_import_overwrites_only_when_told(tmp_path: Path) -> None:
    source = save_public(tmp_path / "good.npz", public_layer())
    out = tmp_path / "layers.safetensors"
    done("import", source, "--out", out)
    assert "it exists. Use another name, or --force" in refusal("import", source, "--out", out)
    done("import", source, "--out", out, "--force")


def test_doctor_of_a_sound_installation() -> None:
    findings = {f["name"]: f for f in done("doctor", "--json").value["findings"]}
    assert findings["compiled kernels"]["state"] == "ok"
    assert findings["torch"]["detail"] == torch.__version__
    assert "600 recordings; recipes japanese-vowels, psmnist" in findings["shipped files"]["detail"]
    assert "imssa doctor" in done("doctor").out


def test_doctor_of_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        message = "no such file"
        raise OSError(message)

    monkeypatch.setattr("imssa.kernels.random.first_words", lambda *_: (1, 2, 3, 4))
    monkeypatch.setattr("imssa.data.load_dataset", fail)
    outcome = call("doctor")
    assert outcome.code == 1
    assert "broken: compiled kernels, shipped files. Reinstall imssa" in outcome.err
    assert "OSError: no such file" in outcome.out


def test_doctor_says_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    findings = {f.name: f for f in doctor.examine()}
    assert findings["ngspice"].state == "missing"
    assert "apt-get install ngspice" in findings["ngspice"].detail


def test_program_knows_its_provenance(finished: Path) -> None:
    program = load_program(finished / "program.safetensors")
    assert program.provenance["provenance"]["seed"] == 0
