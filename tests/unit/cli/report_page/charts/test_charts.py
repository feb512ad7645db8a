"""Axes, and what is drawn between them."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.report_page.charts.cells import bar_cell, interval_cell
from services.cli.report_page.charts.element import element
from services.cli.report_page.charts.frame import with_room
from services.cli.report_page.charts.lines import line_chart, spread
from services.cli.report_page.charts.reliability import reliability_chart
from services.cli.report_page.charts.scale import Scale, from_zero, round_step
from services.cli.report_page.charts.scatter import MOST_TITLES, scatter_chart
from services.cli.report_page.figures import Curve, CurvePoint, ItemMap, MapPoint
from services.training.metrics import Interval
from tests.unit.cli.report_page.sample import MARKUP, sample


def texts(svg: str) -> list[str]:
    """What is written in a drawing."""
    return [one.text or "" for one in ET.fromstring(svg).iter("text")]  # noqa: S314 - our own drawings


def test_an_element_escapes_what_comes_from_outside() -> None:
    """In text and in attributes; what is an element already stays one."""
    inner = element("title", MARKUP)
    assert element("g", inner, aria_label=MARKUP) == (
        '<g aria-label="&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;Sons&#34;">'
        "<title>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;Sons&#34;</title></g>"
    )


def test_equal_steps_are_equally_far_apart() -> None:
    """And on a logarithmic axis equal factors are."""
    plain, logarithmic = Scale(0, 10, 100, 200), Scale(1, 100, 0, 50, logarithmic=True)
    assert [plain(value) for value in (0, 2.5, 10, 11, -1)] == [100, 125, 200, 200, 100]
    assert logarithmic(10) == pytest.approx(25)


def test_ticks_are_round() -> None:
    """Steps of 1, 2 or 5 times a power of ten."""
    assert from_zero([0.23], 0, 1).ticks() == [0, 0.05, 0.1, 0.15, 0.2, 0.25]
    assert Scale(1, 100, 0, 1, logarithmic=True).ticks() == [1, 2, 5, 10, 20, 50, 100]
    assert Scale(1e-5, 0.1, 0, 1, logarithmic=True).ticks() == [1e-5, 1e-4, 1e-3, 1e-2, 0.1]
    assert Scale(1, 3, 0, 1, whole=True).ticks() == [1, 2, 3]


@given(st.floats(1e-6, 1e6))
def test_a_round_step_is_the_next(at_least: float) -> None:
    """Never smaller than asked for, and less than two and a half times as large."""
    assert at_least * (1 - 1e-6) <= round_step(at_least) <= 2.5 * at_least * (1 + 1e-6)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=8))
def test_names_are_moved_apart(places: list[float]) -> None:
    """In their order and on the paper, as long as there is room for all."""
    moved = spread(sorted(places), 15, 0, 300)
    assert all(after - before >= 15 - 1e-6 for before, after in itertools.pairwise(moved))
    assert max(moved) <= 300
    assert min(moved) >= -1e-6


def test_values_beside_an_axis_do_not_overlap() -> None:
    """Where there is no room for all, the powers of ten are written."""
    axis = Scale(1e-4, 0.1, 60, 480, logarithmic=True)
    assert {1e-4, 1e-3, 1e-2, 0.1} <= with_room(axis) < set(axis.ticks())


def test_a_line_has_a_point_for_each_value_that_says_what_it_is() -> None:
    """For who holds the pointer on it; the interval is a band behind it."""
    curve = Curve("served", (CurvePoint(1, 0.1, 0.05, 0.2), CurvePoint(10, 0.4, 0.3, 0.5)))
    svg = line_chart((curve,), label="L", x_title="k", y_title="HR@k", logarithmic=True)
    drawn = ET.fromstring(svg)  # noqa: S314 - our own drawing
    assert [one.text for one in drawn.iter("title")] == [
        "served at 1: 0.1000 (0.0500 to 0.2000)",
        "served at 10: 0.4000 (0.3000 to 0.5000)",
    ]
    [line], [band] = list(drawn.iter("polyline")), list(drawn.iter("polygon"))
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights[0] > heights[1]  # the larger value stands higher up
    across = [point.split(",")[0] for point in band.attrib["points"].split()]
    assert across == [*across[:2], *across[1::-1]]  # there above the line, and back below it
    assert {"served", "k", "HR@k"} <= set(texts(svg))


def test_a_bin_without_hits_is_drawn_at_the_edge() -> None:
    """A logarithmic axis has no zero."""
    found = sample().calibration
    assert found is not None
    svg = reliability_chart(found.bins, "L")
    assert svg.count("<circle") == 2
    assert "nan" not in svg
    assert "inf" not in svg


def test_titles_on_the_map_do_not_overlap() -> None:
    """The most met item's is always there; of those on the same spot it is the only one."""
    crowd = tuple(MapPoint(0.5, 0.5, f"Item {number}", 0, 100 - number) for number in range(50))
    far = tuple(MapPoint(x, y, f"Far {x} {y}", 0, 1) for x in (0.0, 1.0) for y in (0.0, 1.0))
    written = texts(scatter_chart(ItemMap("c", 4, 0.5, ("Drama",), crowd + far), "L"))
    assert written == ["Item 0", "Far 0.0 0.0", "Far 0.0 1.0", "Far 1.0 0.0", "Far 1.0 1.0"]
    assert len(written) <= MOST_TITLES


def test_all_items_on_one_spot_are_drawn() -> None:
    """A model that learned nothing is still a page."""
    same = tuple(MapPoint(0.0, 0.0, "Item", 0, 1) for _ in range(3))
    assert scatter_chart(ItemMap("c", 4, 0.0, ("Drama",), same), "L").count("<circle") == 3


def test_drawings_in_cells_stay_in_them() -> None:
    """Whatever the values; the cell says the numbers, so nobody is told of them twice."""
    for svg in (bar_cell(3, 2), bar_cell(1, 0), interval_cell(Interval(0, 0.5, 1.2), 1.0, 0.4)):
        drawn = ET.fromstring(svg)  # noqa: S314 - our own drawing
        assert drawn.attrib["aria-hidden"] == "true"
        assert all(float(value) <= 160 for one in drawn for key, value in one.attrib.items() if key in {"width", "x2"})
