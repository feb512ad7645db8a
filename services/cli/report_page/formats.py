"""Numbers and names as the page writes them."""

from collections.abc import Callable, Sequence
from typing import Any

from services.cli.report_page.figures import Curve, ListQuality
from services.training.metrics import Interval

#: Stands where there is no number.
NOTHING = "\N{EN DASH}"


def number(value: float | None) -> str:
    """Returns a metric with four digits."""
    return NOTHING if value is None else f"{value:.4f}"


def share(value: float | None) -> str:
    """Returns a share in per cent; small ones with more digits."""
    if value is None:
        return NOTHING
    return f"{value:.1%}" if value >= 0.1 or value == 0 else f"{value:.2%}"


def signed(value: float | None) -> str:
    """Returns a change, with its sign."""
    return NOTHING if value is None else f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def points(value: float) -> str:
    """Returns a change of a share in percentage points, with its sign."""
    return f"{100 * value:+.1f} pp".replace("-", "\N{MINUS SIGN}")


def count(value: float) -> str:
    """Returns a whole number with its thousands apart."""
    return f"{value:,.0f}"


def between(value: Interval) -> str:
    """Returns the bounds of an interval."""
    return f"{value.low:.3f} to {value.high:.3f}"


def quality(value: float, one: ListQuality) -> str:
    """Returns a property of lists in its unit."""
    return f"{value:,.0f}" if one.unit == "people" else f"{value:.3f}" + (" bits" if one.unit == "bits" else "")


def initials(title: str) -> str:
    """Returns at most two first letters of a title, for where there is no picture."""
    words = [word for word in title.split() if word[0].isalnum()]
    return "".join(word[0].upper() for word in words[:2]) or "?"


def places(longest: int) -> range:
    """Returns the places of points in a list of so many."""
    return range(longest)


def x_of(place: int, curves: Sequence[Curve]) -> str:
    """Returns where the points in a place are: all curves of a chart have their points at the same x."""
    return next(f"{curve.points[place].x:,g}" for curve in curves if place < len(curve.points))


def words(name: str) -> str:
    """Returns a name of a program as words."""
    return name.replace("_", " ")


#: By the names that the templates use.
FORMATS: dict[str, Callable[..., Any]] = {
    "number": number,
    "share": share,
    "signed": signed,
    "points": points,
    "count": count,
    "between": between,
    "quality": quality,
    "initials": initials,
    "words": words,
    "range": places,
    "x_of": x_of,
}
