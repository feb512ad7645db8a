"""Candidates whose id says nothing yet."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from services.training.metrics.lists import NO_ITEM
from services.training.progress import Silence
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.missing_ids import ItemIds, WithheldIds, is_withheld, rows_of
from services.training.ranking.model import RankingData
from services.training.ranking.registry import RANKERS
from services.training.recall.model import FitContext, Unsuitable
from services.training.recall_lists import ListedQueries
from services.training.sequence.encoder import PADDING
from tests.unit.training.ranking.fitted import ITEMS, MAX_HISTORY, holdout, judged, listed, quick, ranking_data

WITH_IDS = [name for name in RANKERS if name not in {"signals", "gbdt", "text_cnn"}]
#: Every fifth item is new to the ranker.
NEW = np.arange(0, ITEMS, 5)


@cache
def without_new() -> RankingData:
    """Examples in which new items are nowhere."""
    data, new = ranking_data(), set(NEW.tolist())
    kept = data.examples.take(np.flatnonzero([row[0] not in new for row in data.examples.candidates.tolist()]))
    candidates = np.where(np.isin(kept.candidates, NEW), NO_ITEM, kept.candidates)
    history = np.where(np.isin(kept.history, NEW), PADDING, kept.history)
    return dataclasses.replace(data, examples=dataclasses.replace(kept, candidates=candidates, history=history))


def about_new() -> ListedQueries:
    """Held-out events of new items alone, among all new items that the person did not meet."""
    queries = listed(holdout().test)
    rows = np.isin(queries.targets, NEW)
    lists = np.where(np.isin(queries.lists[rows], NEW), queries.lists[rows], NO_ITEM)
    return ListedQueries(queries.users[rows], queries.history[rows], lists, queries.targets[rows])


def fit(name: str, **chosen: object) -> nn.Module:
    """A ranker that has not seen what is new."""
    context = FitContext(seed=0, max_history=MAX_HISTORY, threads=1, display=Silence())
    return fit_ranker_family(RANKERS[name], without_new(), quick(name).model_copy(update=chosen), context).model


def test_new_items_are_ordered_by_their_features() -> None:
    """Better than by a model that has learned to look at ids, and than by chance."""
    queries = about_new()
    assert len(queries) > 100

    found, plain = (
        judged(score_all(model, lists_of(model, queries.users, queries.history, queries.lists, without_new().tables)), queries)
        for model in (fit("deepfm", id_dropout=0.3), fit("deepfm"))
    )  # fmt: skip
    chance = judged(np.random.default_rng(0).random(queries.lists.shape) - 2.0 * (queries.lists < 0), queries)

    assert found > plain
    assert found > 2 * chance


@pytest.mark.parametrize("name", WITH_IDS)
def test_two_items_that_nobody_knows_differ_by_their_features_alone(name: str) -> None:
    """With equal features they have equal scores, in every model that has ids."""
    model = fit(name, id_dropout=0.3, epochs=1)
    queries, tables = about_new(), without_new().tables
    history, users = torch.as_tensor(queries.history[:1]), tables.users[queries.users[:1]]
    pair = torch.as_tensor(NEW[~np.isin(NEW, queries.history[0])][:2])
    with torch.inference_mode():
        alike = model(history, users, pair, tables.items[pair[[0, 0]]], torch.zeros(2, dtype=torch.int64))
        apart = model(history, users, pair, tables.items[pair], torch.zeros(2, dtype=torch.int64))
    if name == "wide_deep":  # a pair's weight is that of all pairs of its hash
        torch.testing.assert_close(alike[0], alike[1], rtol=0.1, atol=0.1)
    else:
        torch.testing.assert_close(alike[0], alike[1])
    assert not torch.equal(apart[0], apart[1])


def test_what_is_withheld_is_a_share_of_the_candidates_and_only_while_fitting() -> None:
    """And can be had again by what is no knowledge of the candidate."""
    asked: list[torch.Tensor] = []

    class Listening(nn.Module):
        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            asked.append(inputs[2])
            return inputs[2][:, None].float()

    torch.manual_seed(0)
    model = WithheldIds(Listening(), 0.25)
    nothing, rows = torch.zeros(0), torch.arange(4000)
    model.train()(nothing, nothing, rows, nothing, nothing)
    model.eval()(nothing, nothing, rows, nothing, nothing)

    fitting, serving = asked
    assert abs(is_withheld(fitting).float().mean() - 0.25) < 0.03
    assert torch.equal(rows_of(fitting), rows)
    assert torch.equal(serving, rows)


def test_a_withheld_id_has_no_vector_and_teaches_none() -> None:
    """Zeros, and no gradient."""
    table = ItemIds(5, 3)
    vectors = table(torch.tensor([-2 - 4, 4]))
    assert torch.equal(vectors[0], torch.zeros(3))
    assert torch.equal(vectors[1], table.weight[4])
    vectors[0].sum().backward()
    assert table.weight.grad is not None
    assert not table.weight.grad.any()


@pytest.mark.parametrize("name", ["signals", "text_cnn"])
def test_a_model_without_ids_says_so(name: str) -> None:
    """Rather than to take a setting and do nothing with it."""
    with pytest.raises(Unsuitable, match=f"{name} has no ids"):
        fit(name, id_dropout=0.3)
