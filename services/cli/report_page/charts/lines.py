"""Lines over a common axis, each with its name at its end."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from services.cli.report_page.charts.element import chart, element
from services.cli.report_page.charts.frame import Frame
from services.cli.report_page.charts.scale import Scale, from_zero
from services.cli.report_page.figures import Curve

WIDTH, HEIGHT = 500, 320
_LEFT, _TOP, _BOTTOM = 44, 30, 44
_NAME_HEIGHT = 15
_LETTER = 8.2  # about as wide as a letter of a name is


def line_chart(
    curves: Sequence[Curve],
    *,
    label: str,
    x_title: str,
    y_title: str,
    logarithmic: bool = False,
    colours: Mapping[str, str] | None = None,
) -> Markup:
    """Returns lines with their intervals as bands.

    Args:
        curves: At least one, of at least two points each.
        label: What a person who does not see it is told.
        x_title: What x is; it counts something.
        y_title: What y is.
        logarithmic: Whether x is drawn so; it is then above 0.
        colours: The class of a curve by its name; `c0`, `c1` and so on in their order where it is not there.
    """
    chosen = colours or {}
    places = [point.x for curve in curves for point in curve.points]
    right = WIDTH - 12 - _LETTER * max(len(curve.name) for curve in curves)
    x = Scale(min(places), max(places), _LEFT, right, logarithmic, whole=True)
    y = from_zero([point.high for curve in curves for point in curve.points], HEIGHT - _BOTTOM, _TOP)
    classes = [chosen.get(curve.name, f"c{number}") for number, curve in enumerate(curves)]
    return chart(
        WIDTH,
        HEIGHT,
        label,
        Frame(x, y, x_title, y_title).drawn(),
        *(_band(curve, x, y, colour) for curve, colour in zip(curves, classes, strict=True)),
        *(_line(curve, x, y, colour) for curve, colour in reversed(list(zip(curves, classes, strict=True)))),
        _names(curves, x, y, classes),
    )


def _band(curve: Curve, x: Scale, y: Scale, colour: str) -> Markup:
    if all(point.low == point.high for point in curve.points):
        return Markup("")
    there = [f"{x(point.x):.1f},{y(point.high):.1f}" for point in curve.points]
    back = [f"{x(point.x):.1f},{y(point.low):.1f}" for point in reversed(curve.points)]
    return element("polygon", points=" ".join(there + back), class_=f"band {colour}")


def _line(curve: Curve, x: Scale, y: Scale, colour: str) -> Markup:
    path = " ".join(f"{x(point.x):.1f},{y(point.value):.1f}" for point in curve.points)
    dots = (
        element(
            "circle",
            element("title", f"{curve.name} at {point.x:g}: {point.value:.4f}{_between(point.low, point.high)}"),
            cx=x(point.x),
            cy=y(point.value),
            r=3,
        )
        for point in curve.points
    )
    return element("g", element("polyline", points=path), *dots, class_=f"line {colour}")


def _between(low: float, high: float) -> str:
    return "" if low == high else f" ({low:.4f} to {high:.4f})"


def _names(curves: Sequence[Curve], x: Scale, y: Scale, classes: Sequence[str]) -> Markup:
    """Writes each name beside the end of its line, apart from the others where lines end close together."""
    ends = sorted(range(len(curves)), key=lambda one: y(curves[one].points[-1].value))
    places = spread([y(curves[one].points[-1].value) for one in ends], _NAME_HEIGHT, _TOP - 10, HEIGHT - _BOTTOM)
    return Markup("").join(
        element(
            "text",
            curves[one].name,
            x=x(curves[one].points[-1].x) + 7,
            y=place + 4,
            class_=f"name {classes[one]}",
        )
        for one, place in zip(ends, places, strict=True)
    )


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Moves places, in rising order, so that each is at least so far from the one before it, and none beyond the ends.

    Where there is no room for all, the last ones go beyond `low`.
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + apart) if moved else max(place, low))
    for number in range(len(moved) - 1, -1, -1):
        limit = high if number == len(moved) - 1 else moved[number + 1] - apart
        moved[number] = min(moved[number], limit)
    return moved
