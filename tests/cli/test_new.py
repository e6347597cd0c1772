"""`imssa new`: recipes for folders of one's own, and that they run."""

from pathlib import Path

import pytest

from imssa.experiment.recipe import load_recipe
from tests.cli.calls import call, done, refusal
from tests.data import files
from tests.data.samples import audio_bytes, tone


def folder_of_words(root: Path, items: int = 12, *, rates: tuple[int, ...] = (8000, 16000)) -> Path:
    for number, word in enumerate(("left", "right")):
        (root / word).mkdir(parents=True)
        for item in range(items):
            rate = rates[item % len(rates)]
            sound = tone(300 + 400 * number + 9 * item, 0.3 + 0.02 * item, rate)
            (root / word / f"rec{item}.wav").write_bytes(audio_bytes(sound, rate))
    return root


def test_a_recipe_is_written_with_reasons_and_the_next_command(tmp_path: Path) -> None:
    root, out = folder_of_words(tmp_path / "words"), tmp_path / "w.toml"
    outcome = done("new", "--data", root, "--out", out)
    assert f"imssa run {out} --out out/w" in outcome.out.replace("\n", "")
    assert "several sampling rates" in outcome.out
    text = out.read_text()
    assert "rate_hertz = 8000" in text
    assert "12 at 16,000 Hz" in text
    recipe = load_recipe(out)
    assert recipe.name == "w"
    assert recipe.data.root == root
    before = out.read_bytes()
    assert "it exists" in refusal("new", "--data", root, "--out", out)
    assert out.read_bytes() == before


def test_from_folder_to_chip_with_two_commands(tmp_path: Path) -> None:
    root, out = folder_of_words(tmp_path / "words"), tmp_path / "w.toml"
    done("new", "--data", root, "--out", out, "--minutes", 1)
    tiny = ("float_training.epochs=1", "quantized_training.epochs=1", "evaluation.chip_instances=1")
    sets = [word for change in tiny for word in ("--set", change)]
    found = done("run", out, "--out", tmp_path / "run", "--quiet", "--json", *sets).value
    assert "ideal_chip" in found["accuracy"]["leaky"]


def test_a_dry_run_shows_the_recipe_and_writes_nothing(tmp_path: Path) -> None:
    root = files.write_ts(tmp_path / "ts", lines=files.TRAIN_LINES * 5)
    found = call("new", "--data", root, "--out", tmp_path / "x.toml", "--dry-run", "--json")
    assert not (tmp_path / "x.toml").exists()
    assert found.code in {0, 2}  # two test items are few


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "x.toml")
    (tmp_path / "empty").mkdir()
    assert "the folder is empty" in refusal("new", "--data", tmp_path / "empty", *out)
    one = tmp_path / "one"
    folder_of_words(one)
    for file in (one / "right").iterdir():
        file.unlink()
    assert "the folder of a class holds recordings" in refusal("new", "--data", one, *out)
    (one / "right").rmdir()
    assert "two or more are needed" in refusal("new", "--data", one, *out)
    few = folder_of_words(tmp_path / "few", items=2)
    assert "each class needs 3 items" in refusal("new", "--data", few, *out)
    broken = folder_of_words(tmp_path / "broken")
    (broken / "left" / "rec3.wav").write_bytes(b"RIFF")
    assert "left/rec3.wav" in refusal("new", "--data", broken, *out)
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "a.wav").write_bytes(audio_bytes(tone(440)))
    assert "side by side" in refusal("new", "--data", loose, *out)
    assert "no such path" in refusal("new", "--data", tmp_path / "none", *out)
    assert not (tmp_path / "x.toml").exists()


def test_a_chip_on_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    from imssa.hardware.loading import preset_text

    text = preset_text("taox-64").replace("word_lines = 64", "word_lines = 2")
    (tmp_path / "tiny.toml").write_text(text)
    root = folder_of_words(tmp_path / "words")
    message = refusal(
        "new", "--data", root, "--out", tmp_path / "x.toml", "--chip", tmp_path / "tiny.toml"
    )
    assert "nothing fits" in message


@pytest.mark.parametrize("preset", ["isaac-like", "neurram", "hfo2-milo"])
def test_other_chips_get_a_recipe_that_fits(tmp_path: Path, preset: str) -> None:
    root, out = folder_of_words(tmp_path / "words"), tmp_path / "w.toml"
    done("new", "--data", root, "--out", out, "--chip", preset)
    assert load_recipe(out).chip.name == preset
