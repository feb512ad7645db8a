"""Small drawings within the cells of tables."""

from markupsafe import Markup

from services.cli.report_page.charts.element import element
from services.cli.report_page.charts.scale import Scale
from services.training.metrics import Interval

_WIDTH, _HEIGHT = 160, 16


def bar_cell(value: float, highest: float) -> Markup:
    """Returns a bar as long as the value is beside the highest. The cell says the value; nobody is told of the bar."""
    length = max(0.0, min(1.0, value / highest)) * _WIDTH if highest else 0.0
    return _cell(
        element("rect", x=0, y=4, width=_WIDTH, height=8, rx=4, class_="track"),
        element("rect", x=0, y=4, width=length, height=8, rx=4, class_="bar"),
    )


def interval_cell(interval: Interval, highest: float, everybody: float) -> Markup:
    """Returns a mean as a dot on its interval, and a tick where the mean over everybody is."""
    x = Scale(0.0, highest or 1.0, 4, _WIDTH - 4)
    return _cell(
        element("line", x1=4, x2=_WIDTH - 4, y1=8, y2=8, class_="track"),
        element("line", x1=x(everybody), x2=x(everybody), y1=1, y2=15, class_="everybody"),
        element("line", x1=x(interval.low), x2=x(interval.high), y1=8, y2=8, class_="between"),
        element("circle", cx=x(interval.mean), cy=8, r=4.5, class_="mean"),
    )


def _cell(*children: str) -> Markup:
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        class_="cell",
        aria_hidden="true",
    )
