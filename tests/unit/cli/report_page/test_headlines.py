"""The first figures of the page, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from services.cli.report_page.headlines import beside_offline, headlines
from services.cli.report_page.training_report import TrainingReport

NOWHERE = np.iinfo(np.int64).max


def ranks(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Ranks of a hundred people, the given ones in turn."""
    return np.resize(np.array(values, dtype=np.int64), 100)


def test_the_metrics_are_means_over_people() -> None:
    """Of four people one finds it first, one third, one sixtieth, and one never."""
    served = ranks(1, 3, 60, NOWHERE)
    found = {one.metric: one.served.mean for one in headlines(served, served, served, TrainingReport())}
    assert found == pytest.approx(
        {"HR@10": 0.5, "NDCG@10": (1 + 0.5) / 4, "MRR@10": (1 + 1 / 3) / 4, "Recall@50": 0.5, "Recall@100": 0.75}
    )


def test_what_training_reported_stands_beside_what_it_is_of() -> None:
    """By the report's own names; a metric that it does not have is left empty."""
    report = TrainingReport(quality={"test": {"ranked": {"hr@10": 0.4, "ndcg@10": 0.3, "recall@200": 0.9}}})
    found = {one.metric: one.reported for one in headlines(ranks(1), ranks(1), ranks(1), report)}
    assert found == {"HR@10": 0.4, "NDCG@10": 0.3, "MRR@10": None, "Recall@50": None, "Recall@100": None}


@pytest.mark.parametrize(
    ("served", "popularity", "sentence"),
    [
        (ranks(1, 1, 50, 50), ranks(1, 50, 50, 50), "2.0 times popularity, which is more than chance"),
        (ranks(1, 50, 50, 50), ranks(1, 1, 50, 50), "Worse than popularity (0.50 times), which is more than chance"),
        (ranks(1, 50), ranks(50, 1), "Not to be told from popularity"),
        # Eight hits and six, of different people: more, and no more than chance.
        (ranks(*[1] * 8, *[50] * 92), ranks(*[50] * 94, *[1] * 6), "Not to be told from popularity"),
        (ranks(1, 50), ranks(50), "Popularity finds nothing, which is more than chance"),
    ],
)
def test_a_verdict_says_only_what_chance_does_not(
    served: np.ndarray[tuple[int], np.dtype[np.int64]],
    popularity: np.ndarray[tuple[int], np.dtype[np.int64]],
    sentence: str,
) -> None:
    """People are compared with themselves: as many hits for others than popularity's are no difference."""
    assert headlines(served, popularity, served, TrainingReport())[0].verdict.startswith(sentence)


@pytest.mark.parametrize(
    ("served", "offline", "words"),
    [
        (0.2, 0.2, "served as computed offline"),
        (0.2, 0.201, "served as computed offline, within 1%"),
        (0.196, 0.2, "served is 2.0% below offline"),
        (0.22, 0.2, "served is 10.0% above offline"),
        (0.1, 0.0, "offline it is 0"),
    ],
)
def test_served_and_offline_are_compared_by_their_ratio(served: float, offline: float, words: str) -> None:
    """One per cent is called equal."""
    assert beside_offline(served, offline) == words
