"""Items on a plane, with the titles of some."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from services.cli.report_page.charts.element import chart, element
from services.cli.report_page.charts.scale import Scale
from services.cli.report_page.figures import ItemMap, MapPoint

WIDTH, HEIGHT = 1000, 640
_EDGE = 14

#: Titles that are written out at most, and their size.
MOST_TITLES = 45
_LETTER, _LINE = 6.4, 15
_LONGEST_TITLE = 26


def scatter_chart(item_map: ItemMap, label: str) -> Markup:
    """Returns a point for each item, in the colour of its category, and the titles of the most met for which there is room."""
    x, y = _axes(item_map.points)
    points = Markup("\n").join(
        element(
            "circle",
            element("title", f"{point.title} · {item_map.categories[point.category]} · met {point.events:,} times"),
            cx=x(point.x),
            cy=y(point.y),
            r=3.2,
            class_=f"c{point.category}",
        )
        for point in reversed(item_map.points)  # the most met on top
    )
    titles = Markup("").join(
        element("text", text, x=left, y=middle + 4, class_="place") for text, left, middle in _titles(item_map.points)
    )
    return chart(WIDTH, HEIGHT, label, element("g", points, class_="points"), titles)


def _axes(points: Sequence[MapPoint]) -> tuple[Scale, Scale]:
    return (
        _axis([point.x for point in points], _EDGE, WIDTH - _EDGE),
        _axis([point.y for point in points], HEIGHT - _EDGE, _EDGE),
    )


def _axis(values: Sequence[float], start: float, end: float) -> Scale:
    lowest = min(values)
    # Where all are equal an axis has a length all the same.
    return Scale(lowest, max(*values, lowest + 1e-9), start, end)


def _titles(points: Sequence[MapPoint]) -> Iterator[tuple[str, float, float]]:
    """Yields the titles that overlap no other, the most met first: the text, its left end and its middle."""
    x, y = _axes(points)
    taken: list[tuple[float, float, float]] = []
    for point in points:
        text = point.title if len(point.title) <= _LONGEST_TITLE else point.title[: _LONGEST_TITLE - 1].rstrip() + "…"
        length = len(text) * _LETTER
        left, middle = x(point.x) + 6, y(point.y)
        if left + length > WIDTH:
            left = x(point.x) - 6 - length
        free = all(abs(middle - other) >= _LINE or left > end or left + length < start for start, end, other in taken)
        if free and len(taken) < MOST_TITLES:
            taken.append((left, left + length, middle))
            yield text, left, middle
