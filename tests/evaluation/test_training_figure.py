"""The figure of a training: what it draws, and what it says to those who cannot see it."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from imssa.evaluation.figures import draw_training, tell_training
from imssa.evaluation.page import Material, page
from tests.evaluation.samples import make_pictures, make_sample


def epochs(*losses: tuple[float, float | None]) -> list[dict[str, Any]]:
    """Records with these training and validation losses."""
    return [
        {
            "epoch": number,
            "train_loss": train,
            "validation_loss": validation,
            "validation_accuracy": None if validation is None else 0.9,
            "gradient_norm": 0.5 / number,
        }
        for number, (train, validation) in enumerate(losses, 1)
    ]


COURSE = epochs((2.0, 3.0), (1.0, 0.25), (0.5, 0.25), (0.1, 0.4))


def test_the_first_best_epoch_is_ringed() -> None:
    told = tell_training(COURSE, "leaky")
    assert told.startswith("leaky: training loss from 2.000 to 0.100 in 4 epochs. Ring: epoch 2,")
    assert "validation loss 0.250" in told


def test_the_last_epoch_is_ringed_where_it_was_kept() -> None:
    told = tell_training(COURSE, "leaky", last=True)
    assert "Ring: epoch 4," in told
    assert "validation loss 0.400" in told
    assert draw_training(COURSE, "leaky", last=True) != draw_training(COURSE, "leaky")


def test_without_validation_there_is_no_ring() -> None:
    course = epochs((2.0, None), (1.0, None))
    assert tell_training(course, "float").endswith("in 2 epochs, without validation data.")
    assert "kept epoch" not in draw_training(course, "float")


@pytest.mark.parametrize("course", [COURSE, COURSE[:1], epochs((0.0, 0.0)), epochs((1.0, None))])
def test_the_figure_is_whole_and_repeats(course: list[dict[str, Any]]) -> None:
    svg = draw_training(course, "leaky", "training-1")
    ET.fromstring(svg)  # noqa: S314  # our own
    assert svg == draw_training(course, "leaky", "training-1")
    assert 'aria-labelledby="training-1-title training-1-description"' in svg


def test_losses_stand_on_a_logarithmic_scale() -> None:
    ticks = re.findall(r"<text[^>]*>([\d.]+)</text>", draw_training(COURSE, "leaky"))
    assert {"0.1", "0.2", "0.5", "1", "2"} <= set(ticks)


def test_the_page_shows_each_training_that_has_a_log() -> None:
    report, pictures = make_sample(), make_pictures()
    without = page(Material(report, pictures))
    assert "How training went" not in without
    assert page(Material(report, pictures, {"float": []})) == without
    shown = page(Material(report, pictures, {"float": COURSE, "leaky": COURSE, "direct": []}))
    assert shown.count("How training went") == 2  # contents and heading
    assert shown.count("<figure ") == without.count("<figure ") + 2
