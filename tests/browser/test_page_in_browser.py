"""The page in a real browser: no error, no request, nothing cut, and what can be pressed works."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import browser, whole_page

pytestmark = [
    pytest.mark.skipif(browser() is None, reason="Debian's chromium is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the browser's driver
]
SLOWEST_MS = 120_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        program = playwright.chromium.launch(
            executable_path=str(browser()), args=["--no-sandbox"], timeout=SLOWEST_MS
        )
        yield program
        program.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(whole_page(), encoding="utf-8")
    return path.as_uri()


@contextmanager
def opened(chromium: Any, address: str, **settings: Any) -> Iterator[Any]:
    """The page in a window; errors and requests are gathered and must be none."""
    context = chromium.new_context(**settings)
    context.set_default_timeout(SLOWEST_MS)
    page = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [address]


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_window(chromium: Any, address: str, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    with opened(chromium, address, viewport=size, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth") <= width
        boxes = page.evaluate(
            "[...document.querySelectorAll('figure svg, figure image')]"
            ".map((e) => e.getBoundingClientRect()).map((b) => [b.width, b.height])"
        )
        assert len(boxes) > 20
        assert all(w > 1 and h > 1 for w, h in boxes)


def test_page_is_whole_without_its_script(chromium: Any, address: str) -> None:
    with opened(chromium, address, java_script_enabled=False) as page:
        assert page.locator("figure svg").count() > 20
        assert page.locator("figure button").count() == 0


def test_series_are_switched_off_and_on(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        figure = page.locator("#figure-training-0")
        line = figure.locator('[data-series="1"]').first
        assert line.evaluate("(e) => getComputedStyle(e).display") != "none"
        toggle = figure.get_by_role("button", name="validation")
        toggle.click()
        assert toggle.get_attribute("aria-pressed") == "false"
        assert line.evaluate("(e) => getComputedStyle(e).display") == "none"
        toggle.click()
        assert line.evaluate("(e) => getComputedStyle(e).display") != "none"


def test_values_show_under_the_pointer(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        figure = page.locator("#figure-training-0 svg")
        figure.scroll_into_view_if_needed()
        box = figure.bounding_box()
        tip = page.locator("#tip")
        assert tip.is_hidden()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.2 * box["height"])
        assert "training: " in tip.inner_text()
        page.mouse.move(1, 1)
        assert tip.is_hidden()


def test_tables_are_sorted(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        table = page.locator("#table-waterfall")
        column = "(t) => [...t.tBodies[0].rows].map((r) => Number(r.cells[1].dataset.value))"
        before = table.evaluate(column)
        head = table.locator("thead th").nth(1)
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert table.evaluate(column) == sorted(before)
        head.get_by_role("button").click()
        head.get_by_role("button").click()
        assert table.evaluate(column) == before


def test_figures_and_tables_are_saved(chromium: Any, address: str, tmp_path: Path) -> None:
    with opened(chromium, address, accept_downloads=True) as page:
        with page.expect_download() as kept:
            page.locator("#figure-waterfall").get_by_role("button", name="Save SVG").click()
        kept.value.save_as(tmp_path / "waterfall.svg")
        assert kept.value.suggested_filename == "waterfall.svg"
        text = (tmp_path / "waterfall.svg").read_text(encoding="utf-8")
        assert text.startswith("<svg")
        assert "var(" not in text
        assert "currentColor" not in text
        with page.expect_download() as kept:
            page.get_by_role("link", name="waterfall.csv").click()
        kept.value.save_as(tmp_path / "waterfall.csv")
        assert (tmp_path / "waterfall.csv").read_text(encoding="utf-8").startswith("Stage,")


def test_text_stands_out_from_its_ground(chromium: Any, address: str) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3), by its formula of relative luminance."""
    for scheme in ("light", "dark"):
        with opened(chromium, address, color_scheme=scheme) as page:
            colors = page.evaluate(
                "['body', '.note', '.kicker', 'a.file', '.headlines .main strong', 'dt', 'summary']"
                ".map((s) => getComputedStyle(document.querySelector(s)).color)"
            )
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for color in colors:
            light, dark = sorted((_luminance(color), _luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(color: str) -> float:
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
