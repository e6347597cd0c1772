"""A study that lasts some seconds: the demo's recipe, much smaller."""

from typing import Any

from imssa.experiment.recipe import recipe_content
from imssa.study.definition import Study, study_of

SETTINGS: dict[str, Any] = {
    "float_training.epochs": 1,
    "quantized_training.epochs": 1,
    "model.d_model": 3,
    "model.d_state": 4,
    "data.front_end.n_mels": 6,
    "data.front_end.hop_seconds": 0.025,
    "data.front_end.max_frames": 16,
    "data.train_items": 32,
}
SIGMA = "measured.chip.programming.sigma_siemens"


def content(**changes: Any) -> dict[str, Any]:
    """What a study file says; sections are replaced."""
    return {
        "name": "tiny",
        "question": "Does everything work?",
        "recipe": "zero-one",
        "set": dict(SETTINGS),
        "axes": {"quantization.bits.A": [2, 4], SIGMA: [0.0, 1e-5]},
        "measure": {
            "accuracies": ["float", "quantized", "ideal", "blind", "compiled"],
            "chips": 4,
            "effects": ["programming", "stuck"],
        },
        **changes,
    }


def study(**changes: Any) -> Study:
    """A study without faults."""
    return study_of(content(**changes), recipe_content("zero-one"), "tiny")


def as_toml(**changes: Any) -> str:
    """The study file."""
    import tomli_w

    return tomli_w.dumps(content(**changes))
