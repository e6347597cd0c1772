"""Bad input: what the message says, and the exit code."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from imssa.data import DataConfig
from imssa.data.loading import read_recordings
from tests.cli.calls import call, done, process, refusal, tiny

RATE_HERTZ = 8000


def write_recipe(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_recipe_with_three_faults_lists_all_with_the_nearest_keys(tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path / "mine.toml",
        'name = "mine"\n[model]\nd_modle = 9\n[quantization.bits]\nA = 9\n'
        '[chip]\npreset = "taox-64"\n[chip.programming]\nsigma_simens = 1e-6\n',
    )
    message = refusal("run", recipe, "--out", tmp_path / "out")
    assert "mine.toml: 3 faults" in message
    assert "model.d_modle: unknown key; did you mean model.d_model?" in message
    assert "quantization.bits.A: " in message
    assert "(given: 9)" in message
    nearest = "did you mean chip.programming.sigma_siemens?"
    assert f"chip.programming.sigma_simens: unknown key; {nearest}" in message
    assert not (tmp_path / "out").exists()


def test_recipe_that_is_no_toml(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "mine.toml", "name = 'a'\nseed = = 1\n")
    message = refusal("run", recipe, "--out", tmp_path / "out")
    assert "mine.toml: it is no TOML" in message
    assert "line 2" in message


def test_recipe_that_is_missing_names_the_shipped_ones(tmp_path: Path) -> None:
    message = refusal("run", "zero-won", "--out", tmp_path / "out")
    assert "recipe 'zero-won': it cannot be read (No such file or directory)" in message
    assert (
        "spoken-digits, spoken-digits-speakers, ssc, ten-words, yes-no, zero-one, zero-one-spikes"
        in message
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("seed", "a change has the form key=value"),
        ("name.of=3", "'name' is a value, not a section"),
        ("seeds=3", "seeds: unknown key; did you mean seed?"),
        ("evaluation.chip_instances=0", "evaluation.chip_instances: "),
        ("data.kind=recordings", "data.kind"),
        ("chip.preset=taox", "it is neither a file nor a preset ("),
        ('evaluation.compare=["leaky"]', "evaluation.compare names leaky a second time"),
        ("model.normalization=layer", "model.normalization"),
    ],
)
def test_change_that_is_refused(change: str, says: str, tmp_path: Path) -> None:
    assert says in refusal("run", "zero-one", "--out", tmp_path / "out", "--set", change)


def test_change_without_a_recipe(folder: Path) -> None:
    message = refusal("run", "--out", folder, "--seed", "3")
    assert "the folder's own recipe is not changed. Name the recipe too" in message


def test_recordings_from_nowhere(tmp_path: Path) -> None:
    message = refusal("run", "spoken-digits", "--out", tmp_path / "out")
    assert "data.root" in message or "root" in message
    root = tmp_path / "none"
    message = refusal("run", "spoken-digits", "--out", tmp_path, "--set", f"data.root={root}")
    assert f"data root {root}: this is not a folder" in message
    assert "https://github.com/Jakobovski/free-spoken-digit-dataset" in message


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled recordings as the published wav files."""
    root = tmp_path_factory.mktemp("fsdd") / "recordings"
    root.mkdir()
    for recording in read_recordings(DataConfig()):
        soundfile.write(root / f"{recording.name}.wav", recording.samples, RATE_HERTZ)
    return root


TONE = np.sin(np.arange(4000) / 3).astype(np.float32) / 2


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_stereo(path: Path) -> None:
    soundfile.write(path, np.stack([TONE, TONE], 1), RATE_HERTZ)


def change_rate(path: Path) -> None:
    soundfile.write(path, TONE, 16000)


def silence(path: Path) -> None:
    soundfile.write(path, np.zeros(4000, np.float32), RATE_HERTZ)


def put_nan(path: Path) -> None:
    soundfile.write(path, np.where(TONE > 0.49, np.nan, TONE), RATE_HERTZ, subtype="FLOAT")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (shorten, "the file is truncated"),
        (empty, "the file is empty"),
        (make_stereo, "with 2 channels: a recording has one channel"),
        (change_rate, "at 16000 Hz: recordings of this data set are sampled at 8000 Hz"),
        (silence, "the recording is silent"),
        (put_nan, "the recording holds NaN or infinite samples"),
    ],
)
def test_recording_that_cannot_be_used(
    spoil: Callable[[Path], None], says: str, recordings: Path, tmp_path: Path
) -> None:
    victim = recordings / "0_george_0.wav"
    kept = victim.read_bytes()
    settings = ("data.kind=fsdd", f"data.root={recordings}", 'data.words=["zero","one"]')
    try:
        spoil(victim)
        message = refusal("train", *tiny(tmp_path / "out", *settings))
    finally:
        victim.write_bytes(kept)
    assert "0_george_0" in message
    assert says in message


@pytest.mark.parametrize("name", ["model", "quantized", "program"])
def test_file_cut_short_or_with_a_flipped_byte(name: str, folder: Path) -> None:
    path = folder / f"{name}.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-20] ^= 1
    for damaged in (whole[: len(whole) // 2], whole[:5], b"", bytes(flipped)):
        path.write_bytes(damaged)
        for words in (("inspect", path), ("check", path), ("check", folder)):
            message = refusal(*words)
            assert str(path) in message
            assert "damaged" in message or "cut short" in message
            assert "Restore the file from a copy or write it anew" in message


def test_damaged_file_of_a_run_is_refused_by_the_next_stage(folder: Path) -> None:
    path = folder / "quantized.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert str(path) in refusal("compile", "--out", folder)


def test_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no tensors at all")
    for words in (
        ("inspect", path),
        ("check", path),
        ("evaluate", path, "--data", "bundled-zero-one"),
    ):
        assert "no safetensors file" in refusal(*words)
    assert "it holds no model, quantized network or program" in refusal("check", tmp_path)
    assert "No such file or directory" in refusal("inspect", tmp_path / "none")


def test_folder_with_a_program_for_another_chip(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder / "work", other / "work")
    shutil.rmtree(other / "work")
    done("run", *tiny(other, "chip.arrays.count=4", "evaluation.compare=[]"), "--quiet")
    shutil.copy(other / "program.safetensors", folder / "program.safetensors")
    for stage in ("simulate", "report"):
        message = refusal(stage, "--out", folder)
        assert "program.safetensors, compiled for taox-64" in message
        assert "the recipe's chip taox-64 is another one or has changed" in message
        assert f"Compile for it: `imssa compile --out {folder}`" in message
    done("compile", "--out", folder, "--quiet")
    done("simulate", "--out", folder, "--quiet")


def test_program_on_another_chip(finished: Path, tmp_path: Path) -> None:
    chip = tmp_path / "chip.toml"
    chip.write_text(
        'name = "small"\nsource = "made up"\ng_max_siemens = 100e-6\nread_voltage_volt = 0.2\n'
        "[arrays]\ncount = 1\nword_lines = 32\nbit_lines = 64\n"
        "[converters]\ndac_bits = 8\nadc_bits = 6\nfull_scale_devices = [1, 2, 4, 8, 16, 32]\n"
    )
    program = finished / "program.safetensors"
    data = ("--data", "bundled-zero-one", "--chip", chip)
    message = refusal("evaluate", program, *data)
    assert "a program compiled for taox-64, on small: program and chip differ in: " in message
    assert "arrays.word_lines 64 and 32; converters.adc_bits 8 and 6; g_max_siemens" in message
    assert "Compile the network for this chip" in message
    message = refusal("evaluate", finished / "model.safetensors", *data)
    assert "only a program runs on a chip" in message


def test_chip_too_small_is_refused_before_training(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("run", *tiny(out, "model.d_model=20", "chip.arrays.count=2"))
    message = refusal(*words)
    assert "its 20 kernels need 4 arrays in the one-shot layout, taox-64 has 2" in message
    assert "chip.arrays.count = 4" in message
    assert "need 4 arrays" in refusal(*words, "--dry-run")
    message = refusal("run", *tiny(tmp_path / "other", "model.d_state=64"))
    assert "a kernel of 64 states needs 65 word lines and 130 bit lines" in message
    assert not (out / "model.safetensors").exists()


def test_out_on_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    for out in (path, path / "below"):
        assert "is a file, not a folder" in refusal("run", "zero-one", "--out", out)
    assert path.read_text() == "mine"
    message = refusal("import", tmp_path / "none.pt", "--out", path)
    assert f"{path}: it exists. Use another name, or --force" in message


def test_out_without_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    message = refusal("run", "zero-one", "--out", tmp_path / "out")
    assert f"you may not write to {tmp_path}" in message
    message = refusal("run", "zero-one", "--out", tmp_path)
    assert "you may not write to it. Name a folder that you may write to" in message


def test_out_where_even_root_may_not_write() -> None:
    message = refusal("run", "zero-one", "--out", "/proc/imssa")
    assert message.startswith("--out /proc/imssa: ")
    assert "Name a folder that you may write to" in message


def test_used_folder_with_a_changed_recipe(folder: Path, finished: Path) -> None:
    changed = tiny(folder, "evaluation.chip_instances=2", "evaluation.compare=[]")
    message = refusal("run", *changed)
    assert "it holds the results of another recipe (evaluation.chip_instances is 3 there" in message
    assert "and 2 here, and 1 more keys)" in message
    assert "--force to throw those results away" in message
    assert (folder / "report.json").read_bytes() == (finished / "report.json").read_bytes()
    mine = folder / "mine.safetensors"
    mine.write_bytes(b"kept")
    value = done("run", *changed, "--force", "--json", "--quiet").value
    assert set(value["accuracy"]) == {"leaky"}
    assert len(value["accuracy"]["leaky"]["chip"]["per_instance"]) == 2
    assert mine.read_bytes() == b"kept"
    assert not (folder / "realizations" / "direct" / "program.safetensors").exists()


def test_edited_recipe_of_a_used_folder(folder: Path) -> None:
    path = folder / "recipe.toml"
    path.write_text(path.read_text().replace("seed = 0", "seed = 5"))
    assert "(seed is 0 there and 5 here)" in refusal("run", "--out", folder)


def test_folder_with_a_recipe_of_the_user(tmp_path: Path) -> None:
    path = write_recipe(
        tmp_path / "recipe.toml", '# mine\nname = "mine"\nchip.preset = "taox-64"\n'
    )
    before = path.read_bytes()
    for words in (("run", path), ("run",), ("run", "zero-one", "--force")):
        message = refusal(*words, "--out", tmp_path)
        assert "its recipe.toml was not written by imssa, and would be overwritten" in message
    assert path.read_bytes() == before


def test_stage_before_its_time(tmp_path: Path, folder: Path) -> None:
    message = refusal("compile", "--out", tmp_path / "out")
    assert "it holds no recipe.toml, and no recipe was given" in message
    (folder / "quantized.safetensors").unlink()
    message = refusal("simulate", "--out", folder)
    assert "stage 'quantize' is not finished there" in message
    assert f"Run `imssa quantize --out {folder}` first" in message


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "zero-one"), "Missing option '--out'"),
        (("rum",), "No such command 'rum'"),
        (("run", "--ouy", "x"), "No such option: --ouy"),
        (("demo", "--seed", "x"), "--seed"),
    ],
)
def test_wrong_words(words: tuple[str, ...], says: str) -> None:
    outcome = call(*words)
    assert outcome.code == 2
    assert says in " ".join(outcome.err.split())
    assert not outcome.out


def test_module_shows_errors_like_the_command(tmp_path: Path) -> None:
    outcome = process("inspect", str(tmp_path / "none"))
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("Error: ")
    assert "Traceback" not in outcome.stderr
