"""A study as a whole: shipped ones load, wrong ones are refused with all their faults."""

import tomllib
from pathlib import Path

import pytest

import imssa.study
from imssa.errors import StudyError
from imssa.experiment.recipe import recipe_content
from imssa.study.definition import load_study, study_of
from imssa.study.shipped import study_names
from tests.study.tiny import SETTINGS, study


@pytest.mark.parametrize("name", study_names())
def test_shipped_studies_load_and_say_what_they_answer(name: str) -> None:
    found = load_study(name, ["data.root=DIR"])
    assert found.config.name == name
    assert found.config.question.endswith("?")
    assert len(found.points) > 5


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"axes": {"evaluation.chip_instances": [1, 2]}}, "changes nothing that is measured"),
        ({"axes": {"chip.name": ["a", "b"]}}, "changes nothing that is measured"),
        ({"axes": {"measured.model.d_state": [2, 4]}}, "only keys of the chip can differ"),
        (
            {"axes": {"measured.chip.wires.word_line_resistance_ohm": [1.0, 2.0]}},
            "axis measured.chip.wires.word_line_resistance_ohm changes nothing",
        ),
        ({"axes": {"seed": [1, 2]}, "set": {"seed": 3}}, "seed: set by axis seed and again by"),
        (
            {"axes": {"quantization.guard_bits": [4, 8], "quantization.max_decay_shift": [3, 7]}},
            "at quantization.guard_bits = 4, quantization.max_decay_shift = 7",
        ),
        ({"measure": {"accuracies": ["blind", "blind"]}}, "accuracies names blind twice"),
        ({"measure": {"effects": ["rust"]}}, "effects has no rust; choose from programming"),
        ({"search": {"kind": "random"}}, "a random search needs number"),
        ({"search": {"kind": "grid", "number": 4}}, "leave number out"),
        ({"search": {"kind": "guided", "number": 4}}, "a guided search needs a goal"),
        (
            {"search": {"kind": "guided", "number": 4, "goal": "recalibrated"}},
            "'recalibrated' is not among measure.accuracies; a guided search chooses",
        ),
        ({"figure": {"x": "bits"}}, "figure.x: there is no axis bits; choose from quantization"),
        ({"surprise": 1}, "surprise: unknown key"),
    ],
)
def test_refused_studies(changes: dict[str, object], told: str) -> None:
    with pytest.raises(StudyError) as caught:
        study(**changes)
    assert told in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_axis_that_works_only_with_the_last_value_of_another_is_let_through() -> None:
    axes = {"quantization.noise.programming": [False, True], "quantization.noise.draws": [1, 2]}
    assert (
        len(study(axes=axes, set={**SETTINGS, "quantization.noise.read_noise": False}).points) == 4
    )


def test_the_study_of_the_readme_is_one() -> None:
    text = (Path(imssa.study.__path__[0]) / "README.md").read_text()
    content = tomllib.loads(text.split("```toml\n")[1].split("```")[0])
    found = study_of(content, recipe_content(content["recipe"]), "README")
    assert found.columns[-1] == "bits"
    assert found.axes[-1].levels[1].labels == {"bits": "4 bits"}


def test_a_fault_of_the_recipe_is_told_once() -> None:
    with pytest.raises(StudyError) as caught:
        study(set={**SETTINGS, "model.d_stat": 4})
    assert "1 fault\n  - model.d_stat: unknown key" in str(caught.value)


def test_no_such_study() -> None:
    with pytest.raises(StudyError, match="no shipped study has that name"):
        load_study("no-such")
