"""The axes that charts are drawn in."""

import math
from dataclasses import dataclass

from markupsafe import Markup

from services.cli.report_page.charts.element import element
from services.cli.report_page.charts.scale import Scale, written

# About as wide as a digit beside an axis is, with some air.
_LETTER = 8.0


@dataclass(frozen=True)
class Frame:
    """Two axes with grid lines.

    Attributes:
        x: From left to right.
        y: From bottom to top.
        x_title: What x is.
        y_title: What y is.
    """

    x: Scale
    y: Scale
    x_title: str
    y_title: str

    def drawn(self) -> Markup:
        """Returns the grid, the ticks and the titles."""
        x, y = self.x, self.y
        parts = []
        for value in y.ticks():
            parts += [
                element("line", x1=x.start, x2=x.end, y1=y(value), y2=y(value), class_="grid"),
                element("text", written(value), x=x.start - 6, y=y(value) + 4, class_="tick", text_anchor="end"),
            ]
        named = with_room(x)
        for value in x.ticks():
            parts.append(element("line", x1=x(value), x2=x(value), y1=y.start, y2=y.start + 4, class_="axis"))
            if value in named:
                text = element("text", written(value), x=x(value), y=y.start + 17, class_="tick", text_anchor="middle")
                parts.append(text)
        parts += [
            element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, class_="axis"),
            element(
                "text", self.x_title, x=(x.start + x.end) / 2, y=y.start + 35, class_="title", text_anchor="middle"
            ),
            element("text", self.y_title, x=2, y=y.end - 12, class_="title"),
        ]
        return Markup("").join(parts)


def with_room(x: Scale) -> set[float]:
    """Returns the ticks of a horizontal axis whose values can be written without overlapping; powers of ten go first."""
    chosen: set[float] = set()
    for value in sorted(x.ticks(), key=lambda tick: (not _is_round(tick), tick)):
        if all(
            abs(x(value) - x(other)) > _LETTER * (len(written(value)) + len(written(other))) / 2 for other in chosen
        ):
            chosen.add(value)
    return chosen


def _is_round(value: float) -> bool:
    return value > 0 and math.isclose(math.log10(value) % 1, 0, abs_tol=1e-9)
