"""The funnel computed from a snapshot's files, against the weights that its graphs were made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.cli.report_page.measurement import Measurement
from services.cli.report_page.ranking import score_lists
from services.cli.report_page.searching import search
from services.training.metrics.lists import NO_ITEM
from shared.tensors import Ragged
from tests.snapshot_factory import left_pad
from tests.snapshot_weights import Weights
from tests.unit.cli.report_page.measured import ITEMS, USERS

SIZE = 15


def weights_and_scores(measured: Measurement) -> tuple[Weights, dict[str, NDArray[np.float32]]]:
    """The snapshot's weights, and each channel's scores of all items for all users."""
    weights = Weights.draw(ITEMS, seed=0)
    history = left_pad([rows.tolist() for rows in measured.questions.histories])
    return weights, {
        "two_tower": weights.tower_queries(history, measured.user_features()) @ weights.tower_vectors.T,
        "content": weights.content_queries(history) @ weights.content_vectors.T,
        "popularity": np.tile(weights.popularity, (USERS, 1)),
    }


def test_exact_search_lists_the_best_unseen_items(measured: Measurement) -> None:
    """Each channel as sorting its scores by hand gives; the rank counts who is better."""
    found = search(measured, SIZE, lambda _done: None)
    _, scores = weights_and_scores(measured)
    assert found.exact.keys() == scores.keys()
    for channel, of_all in scores.items():
        for user in range(USERS):
            unseen = [row for row in np.argsort(-of_all[user]) if row not in measured.questions.seen[user]]
            assert found.exact[channel][user].tolist() == unseen[:SIZE]
            assert found.ranks[channel][user] == unseen.index(measured.questions.targets[user]) + 1


def test_a_search_through_the_index_finds_nearly_the_same(measured: Measurement) -> None:
    """It searches a small index whole."""
    found = search(measured, SIZE, lambda _done: None)
    for channel in ("two_tower", "content"):
        same = np.mean(
            [np.isin(*pair).mean() for pair in zip(found.exact[channel], found.through_index[channel], strict=True)]
        )
        assert same > 0.95
    assert (found.through_index["popularity"] == found.exact["popularity"]).all()


def test_somebody_without_a_query_is_found_nothing(measured: Measurement) -> None:
    """A history without items has no mean content: any order of the items would be made up."""
    histories = list(measured.questions.histories)
    questions = replace(measured.questions, histories=Ragged.of([histories[0][:0], *histories[1:]], np.int64))
    found = search(replace(measured, questions=questions), SIZE, lambda _done: None)
    assert (found.exact["content"][0] == NO_ITEM).all()
    assert (found.through_index["content"][0] == NO_ITEM).all()
    assert found.ranks["content"][0] == ITEMS
    assert (found.exact["content"][1:] != NO_ITEM).all()
    assert (found.exact["two_tower"] != NO_ITEM).all()  # it knows the person by attributes


def test_progress_is_told_of_every_user_and_channel(measured: Measurement) -> None:
    """So that the bar is full at the end."""
    told: list[int] = []
    search(measured, SIZE, told.append)
    assert sum(told) == USERS * 3


def test_candidates_are_scored_by_the_sum_over_the_objectives(measured: Measurement) -> None:
    """As the gateway orders them where the request weighs nothing; a place that a list does not have has no score."""
    lists = np.tile(np.array([3, 1, 4, NO_ITEM]), (USERS, 1))
    totals = score_lists(measured, lists, lambda _done: None)
    weights, _ = weights_and_scores(measured)
    history = left_pad([rows.tolist() for rows in measured.questions.histories])
    query, rows = np.repeat(np.arange(USERS), 3), np.tile([3, 1, 4], USERS)
    theirs = weights.scores(history, measured.user_features(), rows, weights.item_features[rows], query).sum(axis=1)
    np.testing.assert_allclose(totals[:, :3].ravel(), theirs, rtol=1e-4, atol=1e-4)
    assert (totals[:, 3] == -np.inf).all()
