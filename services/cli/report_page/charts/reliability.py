"""What was predicted beside what came."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from services.cli.report_page.charts.element import chart, element
from services.cli.report_page.charts.frame import Frame
from services.cli.report_page.charts.scale import Scale, round_step
from services.cli.report_page.figures import CalibrationBin

_WIDTH, _HEIGHT = 500, 400


def reliability_chart(bins: Sequence[CalibrationBin], label: str) -> Markup:
    """Returns a point for each bin, with its interval, and the line on which they should lie. Both axes are logarithmic."""
    values = [value for one in bins for value in (one.predicted, one.observed, one.low, one.high) if value > 0]
    low = 10 ** math.floor(math.log10(min(values)))
    high = min(1.0, round_step(max(values)))
    x = Scale(low, high, 60, _WIDTH - 16, logarithmic=True)
    y = Scale(low, high, _HEIGHT - 44, 30, logarithmic=True)
    ideal = element("line", x1=x(low), y1=y(low), x2=x(high), y2=y(high), class_="ideal")
    points = (
        element(
            "g",
            element(
                "title",
                f"predicted {one.predicted:.2%}, came {one.observed:.2%}: {one.hits:,} of {one.candidates:,} candidates, "
                f"{one.expected_hits:.0f} expected",
            ),
            element("line", x1=x(one.predicted), x2=x(one.predicted), y1=y(max(one.low, low)), y2=y(one.high)),
            element("circle", cx=x(one.predicted), cy=y(max(one.observed, low)), r=5),
            class_="point c0",
        )
        for one in bins
    )
    frame = Frame(x, y, "probability by the ranker's score", "share that came next")
    return chart(_WIDTH, _HEIGHT, label, frame.drawn(), ideal, *points)
