"""For whom it works: the served metrics for parts of the users."""

from collections.abc import Iterator

import numpy as np

from services.cli.evaluation.popularity import catalogue_counts
from services.cli.report_page.figures import Part, Parts
from services.cli.report_page.headlines import interval
from services.cli.report_page.measurement import Measurement
from services.training.metrics import Slice, by_attribute, by_history_length, by_popularity, hit_rate, ndcg

#: Fewer people than this say nothing.
LEAST_USERS = 10


def parts(measured: Measurement) -> tuple[Parts, ...]:
    """Returns the served metrics by history length, by the popularity of what came next, and by each attribute."""
    questions = measured.questions
    counts = catalogue_counts(measured.dataset, measured.catalogue).astype(np.int64)
    groups = {
        "Items in the history": [
            Slice(one.name.removeprefix("history of "), one.members)
            for one in by_history_length(np.diff(questions.histories.offsets))
        ],
        "Popularity of the item that came next": list(by_popularity(questions.targets, counts)),
        **_by_attribute(questions.attributes),
    }
    found = ((by, tuple(_judged(measured, slices))) for by, slices in groups.items())
    return tuple(Parts(by, judged) for by, judged in found if judged)


def _by_attribute(attributes: tuple[dict[str, str | float], ...]) -> dict[str, list[Slice]]:
    groups: dict[str, list[Slice]] = {}
    for one in by_attribute(attributes):
        name, _, value = one.name.partition(": ")
        groups.setdefault(name.replace("_", " ").capitalize(), []).append(Slice(value, one.members))
    return groups


def _judged(measured: Measurement, slices: list[Slice]) -> Iterator[Part]:
    ranks = measured.answers.ranks
    for one in slices:
        mine = ranks[one.members]
        if len(mine) >= LEAST_USERS:
            yield Part(one.name, len(mine), interval(hit_rate(mine, 10)), interval(ndcg(mine, 10)))
