"""The page as a browser lays it out: on a desk and on a phone, by day and by night."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.cli.report_page.render import render
from tests.unit.cli.report_page.browser import layout, screenshot
from tests.unit.cli.report_page.sample import PIXEL, sample

DESK, PHONE = 1280, 390


@pytest.fixture(scope="module")
def page() -> str:
    """A page of awkward figures."""
    return render(sample(), {"item-1": PIXEL})


@pytest.fixture(scope="module", params=[DESK, PHONE], ids=["desk", "phone"])
def laid_out(page: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Any]:
    """How it is laid out."""
    return layout(page, tmp_path_factory.mktemp("browser"), width=request.param)


def luminance(colour: str) -> float:
    """The relative luminance of `rgb(r, g, b)`, as the Web Content Accessibility Guidelines 2.1 define it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_nothing_is_wider_than_the_screen(laid_out: dict[str, Any]) -> None:
    """But what scrolls by itself; a word as long as a line is broken."""
    assert laid_out["wide"] == []
    assert laid_out["width"] == laid_out["room"]


def test_nothing_is_fetched_when_it_is_opened(laid_out: dict[str, Any]) -> None:
    """And the pictures within it are shown."""
    assert laid_out["fetched"] == []
    assert laid_out["pictures"] == [[True, 1]] * len(laid_out["pictures"])
    assert laid_out["pictures"]


def test_every_section_and_every_chart_is_drawn(laid_out: dict[str, Any]) -> None:
    """With some height, and all that is written in a chart within it."""
    assert len(laid_out["sections"]) == 10
    assert min(laid_out["sections"]) > 60
    assert len(laid_out["charts"]) == 6
    assert all(width > 200 and height > 100 for width, height in laid_out["charts"])
    assert laid_out["clipped"] == []


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_by_day_and_by_night(page: str, tmp_path: Path, dark: bool) -> None:
    """The contrast of text is that of level AAA, 7 to 1, on light paper and on dark."""
    found = layout(page, tmp_path, width=DESK, dark=dark)
    ink, paper = luminance(found["ink"]), luminance(found["paper"])
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 7
    assert (paper < ink) is dark


def test_a_picture_of_it_is_not_blank(page: str, tmp_path: Path) -> None:
    """Ink of many colours on mostly paper."""
    with Image.open(screenshot(page, tmp_path, width=DESK, height=2000)) as image:
        colours = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None
    assert len(colours) > 200
    most = max(count for count, _ in colours)
    assert 0.3 < most / sum(count for count, _ in colours) < 0.98
