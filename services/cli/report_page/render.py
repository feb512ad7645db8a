"""The page itself: figures, pictures and charts in one HTML file."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.cli.report_page.charts.cells import bar_cell, interval_cell
from services.cli.report_page.charts.lines import line_chart
from services.cli.report_page.charts.reliability import reliability_chart
from services.cli.report_page.charts.scatter import scatter_chart
from services.cli.report_page.figures import Curve, Figures, Recall
from services.cli.report_page.formats import FORMATS

_TEMPLATES = Path(__file__).parent / "templates"

#: What is the same thing in several charts has the same colour in all of them.
_COLOURS = {"served": "c0", "merged": "c0", "ranker": "c0", "offline": "c2 dashed", "popularity": "plain"}


def render(figures: Figures, pictures: Mapping[str, str]) -> str:
    """Returns the page.

    Args:
        figures: What it shows.
        pictures: `data:` URIs by item id; the others get their initials.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FORMATS
    return environment.get_template("page.html").render(
        figures=figures,
        pictures=pictures,
        charts=_charts(figures),
        bar_cell=bar_cell,
        interval_cell=interval_cell,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - it is ours
    )


def _charts(figures: Figures) -> dict[str, Markup | None]:
    """Returns the drawings by name; None where there is nothing to draw."""
    return {
        "hit_rates": line_chart(
            figures.hit_rates,
            label=_told("HR@k by the length k of the list", figures.hit_rates),
            x_title="length of the list, k",
            y_title="HR@k",
            logarithmic=True,
            colours=_COLOURS,
        ),
        "gains": line_chart(
            figures.gains,
            label=_told("NDCG@k by the length k of the list", figures.gains),
            x_title="length of the list, k",
            y_title="NDCG@k",
            logarithmic=True,
            colours=_COLOURS,
        ),
        "training": _training(figures.training),
        "recall": _recall(figures.recall),
        "calibration": reliability_chart(
            figures.calibration.bins, "Predicted probabilities beside what came next; the table has the numbers."
        )
        if figures.calibration
        else None,
        "item_map": scatter_chart(
            figures.item_map, f"{len(figures.item_map.points)} items on a plane, coloured by their first category."
        )
        if figures.item_map
        else None,
    }


def _recall(recall: Recall) -> Markup:
    channels = [channel.name for channel in recall.channels if channel.name != "popularity"]
    return line_chart(
        recall.curves,
        label=_told("recall@k by the number k of candidates", recall.curves),
        x_title="number of candidates, k",
        y_title="recall@k",
        logarithmic=True,
        colours=_COLOURS | channel_colours(channels),
    )


def channel_colours(channels: list[str]) -> dict[str, str]:
    """Returns the class of each channel's line; the first colour is that of the merged list."""
    return {name: f"c{1 + number % 7}" for number, name in enumerate(channels)}


def _training(curves: tuple[Curve, ...]) -> Markup | None:
    if not curves:
        return None
    others = [curve.name for curve in curves if curve.name not in _COLOURS]
    return line_chart(
        curves,
        label=_told("validation NDCG@10 by epoch", curves),
        x_title="epoch",
        y_title="validation NDCG@10",
        colours=_COLOURS | channel_colours(others),
    )


def _told(what: str, curves: tuple[Curve, ...]) -> str:
    """Returns a chart in words: where its lines begin and end."""
    lines = "; ".join(
        f"{curve.name} from {curve.points[0].value:.3f} at {curve.points[0].x:g} to {curve.points[-1].value:.3f} at "
        f"{curve.points[-1].x:g}"
        for curve in curves
    )
    return f"{what}: {lines}."
