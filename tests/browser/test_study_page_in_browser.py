"""The page of a study in a real browser: it fits, and lines with their bars are switched off."""

from typing import Any

import pytest

from imssa.evaluation.pages import render
from imssa.study.page import document_of, material_of
from tests.browser.pages import browser
from tests.browser.test_page_in_browser import chromium, opened
from tests.study.conftest import finished

__all__ = ["chromium", "finished"]

pytestmark = [
    pytest.mark.skipif(browser() is None, reason="Debian's chromium is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the browser's driver
]


@pytest.fixture(scope="module")
def study_address(tmp_path_factory: pytest.TempPathFactory, request: Any) -> str:
    folder = request.getfixturevalue("finished")
    origin = {"version": "0.1.0", "command": "imssa study report FOLDER"}
    path = tmp_path_factory.mktemp("study-page") / "report.html"
    path.write_text(render(document_of(material_of(folder, origin))), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_window(
    request: pytest.FixtureRequest, study_address: str, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    program = request.getfixturevalue("chromium")
    with opened(program, study_address, viewport=size, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_line_goes_with_its_bars_and_its_words(
    request: pytest.FixtureRequest, study_address: str
) -> None:
    with opened(request.getfixturevalue("chromium"), study_address) as page:
        figure = page.locator("#figure-accuracy")
        parts = figure.locator('[data-series="0"]')
        assert parts.count() >= 3  # the line, its caps, its bars
        figure.locator("button").first.click()
        shown = "(parts) => parts.map((e) => getComputedStyle(e).display)"
        assert set(parts.evaluate_all(shown)) == {"none"}
        hidden = figure.locator("svg").evaluate(
            "(e) => JSON.parse(e.dataset.hover).axes.flatMap((a) => a.points).map((p) => p[3])"
        )
        assert 0 in hidden
