from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from imssa.data import DataConfig


def test_defaults_need_nothing() -> None:
    config = DataConfig()
    assert config.kind == "bundled-zero-one"
    assert config.chosen_words == ("zero", "one")


def test_settings_survive_json() -> None:
    config = DataConfig.model_validate(
        {
            "kind": "fsdd",
            "root": "recordings",
            "words": ["nine", "two"],
            "split": "speaker",
            "test_speakers": ["theo"],
            "front_end": {"n_mels": 24},
            "augmentation": {"noise_std": 0.1},
        }
    )
    assert DataConfig.model_validate_json(config.model_dump_json()) == config
    assert config.chosen_words == ("two", "nine")
    assert config.root == Path("recordings")


FSDD: dict[str, Any] = {"kind": "fsdd", "root": "here"}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "kind": (
        {"kind": "ships"},
        "kind = 'ships': there is no such data format. Choose from bundled-z",
    ),
    "no root": ({"kind": "fsdd"}, "kind = 'fsdd' without root: .* Set root to that folder;"),
    "root": ({"root": "here"}, "root = 'here': the recordings .* lie in the package. Leave root"),
    "word": (
        {"words": ["zero", "two"]},
        "'bundled-zero-one' has no 'two'. Choose from zero, one.",
    ),
    "words": (
        FSDD | {"words": ["zero", "ten", "eleven"]},
        "has no 'ten', no 'eleven'. Choose from zero, one, two",
    ),
    "one word": ({"words": ["one"]}, r"words = \['one'\]: a classifier tells two or more words"),
    "twice": ({"words": ["one", "one"]}, "a word stands twice. Name each word once."),
    "no speaker": ({"split": "speaker"}, "split = 'speaker' without test_speakers: .* Set for"),
    "no speakers": ({"split": "speaker", "test_speakers": []}, "without test_speakers"),
    "speaker": (
        {"test_speakers": ["theo"]},
        "test_speakers with split = 'official': only the split 'speaker' uses test_speakers.",
    ),
    "no fold": ({"split": "fold"}, "split = 'fold' without fold: .* Set for instance fold = 0."),
    "fold": ({"fold": 1}, "fold with split = 'official': only the split 'fold' uses fold."),
    "fold 10": ({"split": "fold", "fold": 10}, "fold = 10: there are 10 folds, counted from 0."),
    "split": ({"split": "random"}, "'official', 'speaker', 'fold' or 'hash'"),
    "share": ({"validation_share": 1}, "validation_share"),
    "mask": (
        {"augmentation": {"channel_mask_channels": 16}},
        "channel_mask_channels = 16: it must lie below the number of features 16.",
    ),
    "shift": (
        {"augmentation": {"time_shift_frames": 99}},
        "time_shift_frames = 99: it must lie below the padded length 64.",
    ),
    "unknown key": ({"folder": "here"}, "Extra inputs are not permitted"),
    "unknown key inside": ({"front_end": {"bands": 3}}, "Extra inputs are not permitted"),
}


@pytest.mark.parametrize(("fields", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_refused_with_their_remedy(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DataConfig.model_validate(fields)


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(ValidationError, match=r"Leave root out.*Name each word.*Set for instance"):
        DataConfig.model_validate({"root": "x", "words": ["one", "one"], "split": "fold"})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DataConfig().fold = 3
