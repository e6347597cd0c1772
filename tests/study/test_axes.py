"""Axes: lists, ranges, linked keys, and what is refused."""

import pytest

from imssa.errors import StudyError
from imssa.experiment.recipe import recipe_content
from imssa.study.axes import axes_of, values_between
from imssa.study.config import Span, StudyConfig
from imssa.study.definition import study_of
from imssa.study.points import grid, random_points
from tests.study.tiny import content, study


def faults(**changes: object) -> list[str]:
    return axes_of(StudyConfig.model_validate(content(**changes)))[1]


def test_grid_has_every_point_once_last_axis_first() -> None:
    axes = {"quantization": {"bits": {"A": [2, 3]}}, "seed": [0, 1, 2]}
    points = [tuple(p.labels.values()) for p in study(axes=axes).points]
    assert points == [(2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2)]


def test_linked_keys_change_together_and_may_fill_two_columns() -> None:
    linked = {
        "stuck": {
            "chip": {"stuck": {"high_rate": [0.0, 0.1, 0.0], "low_rate": [0.0, 0.0, 0.1]}},
            "labels": {"rate": [0.0, 0.1, 0.1], "kind": ["none", "high", "low"]},
        },
        "bits": {"quantization.bits.A": [2, 4], "quantization.bits.B": [2, 4]},
    }
    found = study(axes={}, linked=linked)
    assert found.columns == ["rate", "kind", "bits"]
    assert len(found.points) == 6
    point = found.points[3]
    assert point.labels == {"rate": 0.1, "kind": "high", "bits": 4}
    recipe = found.subject(point).recipe
    assert recipe.chip.stuck is not None
    assert (recipe.chip.stuck.high_rate, recipe.chip.stuck.low_rate) == (0.1, 0.0)
    assert (recipe.quantization.bits.A, recipe.quantization.bits.B) == (4, 4)


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        (Span(low=2, high=8, steps=4), [2, 4, 6, 8]),
        (Span(low=1, high=3, steps=9), [1, 2, 3]),
        (Span(low=1e-6, high=1e-4, steps=3, log=True), [1e-6, 1e-5, 1e-4]),
        (Span(low=0.0, high=0.3, steps=4), [0.0, 0.1, 0.2, 0.3]),
    ],
)
def test_ranges_meet_their_ends(span: Span, wanted: list[float]) -> None:
    found = values_between(span)
    assert found == pytest.approx(wanted)
    assert (found[0], found[-1]) == (span.low, span.high)


def test_random_search_is_seeded_distinct_and_grows() -> None:
    axes = {
        "float_training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
        "model.n_layers": [1, 2, 3],
        "seed": {"low": 0, "high": 9},
    }
    short, long, other = (
        study(axes=axes, search={"kind": "random", "number": number, "seed": seed}).points
        for number, seed in ((5, 0), (40, 0), (40, 1))
    )
    assert long[:5] == short
    assert len({str(p.labels) for p in long}) == 40
    assert other != long
    rates = [p.labels["float_training.learning_rate"] for p in long]
    assert (
        sum(rate < 1e-4 * 1000**0.5 for rate in rates) > 8
    )  # half of them, on a logarithmic scale


def test_random_search_wants_no_more_than_there_is() -> None:
    wanted = {"kind": "random", "number": 9}
    with pytest.raises(StudyError, match="the axes have about 4 different points"):
        _ = study(search=wanted).points


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"axes": {}}, "axes: empty"),
        ({"axes": {"seed": []}}, "axes.seed: no values: the grid is empty"),
        ({"axes": {"model.d_state": [2, 4, 2.0]}}, "axes.model.d_state: duplicate values: 2"),
        ({"axes": {"seed": 3}}, "given 3: an axis has a list of values, or a range"),
        ({"axes": {"seed": {"low": 0, "high": 4}}}, "a range of a grid needs steps"),
        ({"axes": {"seed": {"low": 4, "high": 0, "steps": 2}}}, "from low to a larger high"),
        (
            {"axes": {"chip.stuck": ["off"], "chip.stuck.high_rate": [0.1]}},
            "chip.stuck.high_rate of axis chip.stuck.high_rate and chip.stuck of axis chip.stuck",
        ),
        (
            {"axes": {}, "linked": {"a": {"seed": [1, 2], "model.d_state": [2]}}},
            "linked.a: the lists have different lengths: 1, 2",
        ),
        ({"axes": {}, "linked": {"chip": {"seed": [1, 2]}}}, "axis chip: the name is taken"),
    ],
)
def test_refused_axes(changes: dict[str, object], told: str) -> None:
    assert any(told in fault for fault in faults(**changes)), faults(**changes)


def test_grid_of_no_axes_is_one_point() -> None:
    assert len(grid(())) == 1


def test_random_points_need_no_recipe() -> None:
    axes, none = axes_of(StudyConfig.model_validate(content()))
    search = StudyConfig.model_validate(content(search={"kind": "random", "number": 3})).search
    assert not none
    assert len(random_points(axes, search)) == 3


def test_all_faults_at_once() -> None:
    axes = {"chip.devices.stuck": [0.1], "model.d_stat": [2, 4], "quantization.bits.A": [2, 99]}
    with pytest.raises(StudyError) as caught:
        study_of(content(axes=axes), recipe_content("zero-one"), "mine.toml")
    told = str(caught.value)
    assert told.startswith("study mine.toml: 3 faults")
    assert "chip.devices: unknown key" in told
    assert "did you mean model.d_state?" in told
    assert "quantization.bits.A at 99" in told
