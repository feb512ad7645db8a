"""What the served lists are like apart from being right, beside lists of what is popular."""

import numpy as np

from services.cli.evaluation.popularity import popularity_lists
from services.cli.evaluation.questions import catalogue_rows
from services.cli.report_page.figures import ListQuality
from services.cli.report_page.measurement import Measurement, Rows
from services.training.benchmark.beyond import beyond_accuracy
from services.training.datasets import leave_last_out
from services.training.metrics.lists import NO_ITEM

LENGTH = 10

_MEANINGS = {
    "coverage": ("Coverage", "share of the catalogue that is in at least one list", "share"),
    "novelty_bits": ("Novelty", "how surprising an item is: bits of how rarely it is met", "bits"),
    "diversity": ("Diversity within a list", "1 less the likeness of two items of a list, by who met them", "share"),
    "personalisation": ("Personalisation", "1 less the share of items that two people's lists have in common", "share"),
    "mean_popularity": ("Popularity of an item", "how many people met an item of a list, on average", "people"),
    "exposure_gini": (
        "Inequality of exposure",
        "Gini coefficient: 0 all items shown equally often, 1 one item alone",
        "share",
    ),
}


def list_qualities(measured: Measurement) -> tuple[ListQuality, ...]:
    """Returns coverage, novelty, diversity, personalisation and popularity bias of the first ten of each answer."""
    dataset, catalogue = measured.dataset, measured.catalogue
    events = leave_last_out(dataset.histories()).train
    # What was met is in the data set's rows, what is recommended in the catalogue's.
    row_in_dataset = np.full(len(catalogue) + 1, NO_ITEM)
    row_in_dataset[catalogue_rows(dataset, catalogue)] = np.arange(len(dataset.items))

    def judge(lists: Rows) -> dict[str, float]:
        return beyond_accuracy(row_in_dataset[lists], events, len(dataset.items))

    served = judge(measured.served_lists(LENGTH))
    popular = judge(popularity_lists(dataset, catalogue, measured.questions, LENGTH))
    return tuple(
        ListQuality(name, meaning, unit, served[key], popular[key]) for key, (name, meaning, unit) in _MEANINGS.items()
    )
