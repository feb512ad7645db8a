"""What holds for every ranking model."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from services.training.export import deviation, export_ranker
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.registry import RANKERS
from services.training.ranking.user_slots import user_slots
from services.training.sequence.encoder import PADDING
from services.training.sequence.windows import pad_histories
from shared.snapshot.graphs import RANKER
from tests.unit.training.ranking.fitted import (
    ITEMS,
    MAX_HISTORY,
    features,
    fit,
    fitted,
    holdout,
    judged,
    listed,
    quick,
    ranking_data,
    shape,
)

NAMES = list(RANKERS)
# These read user features as they are, and have one objective.
WITH_SLOTS = [name for name in NAMES if name not in {"signals", "gbdt"}]
Question = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def question(people: int = 5, candidates: int = 40, length: int = MAX_HISTORY) -> Question:
    """Candidates of several people, one of whom has no history and is unknown, in no order."""
    some = holdout().test.sample(people - 1, seed=1)
    histories = (*some.histories, np.empty(0, dtype=np.int32))
    users = torch.as_tensor(features().users[some.users])
    rng = np.random.default_rng(2)
    rows = torch.as_tensor(rng.integers(ITEMS, size=candidates))
    query = torch.as_tensor(rng.integers(people, size=candidates))
    query[0] = people - 1
    items = torch.as_tensor(features().items.matrix)
    known = torch.cat([users, torch.zeros(1, users.shape[1])])
    return torch.as_tensor(pad_histories(histories, length)), known, rows, items[rows], query


def scored(model: nn.Module, asked: Question) -> Tensor:
    """What a model gives."""
    with torch.inference_mode():
        scores: Tensor = model(*asked)
    return scores


def logistic_scores(people: np.ndarray) -> np.ndarray:
    """What a logistic regression over the features of users and items makes of all items: float [people, items]."""
    examples, users, items = ranking_data().examples, features().users, features().items.matrix
    rows = np.repeat(examples.users, 2)
    candidates = np.maximum(examples.candidates[:, :2], 0).ravel()
    labels = np.tile([1, 0], len(examples))
    regression = LogisticRegression(max_iter=200).fit(np.concatenate([users[rows], items[candidates]], axis=1), labels)
    weights = regression.coef_[0]
    return np.asarray((users[people] @ weights[: users.shape[1]])[:, None] + (items @ weights[users.shape[1] :])[None])


@pytest.mark.parametrize("name", NAMES)
def test_a_model_orders_candidates_better_than_popularity_and_than_a_logistic_regression(name: str) -> None:
    """On events that it has not seen, with everything new to the user for candidates."""
    queries = listed(holdout().test)
    model = fitted(name).model
    lists = lists_of(model, queries.users, queries.history, queries.lists, features().tables())
    popular = judged(np.broadcast_to(features().popularity, queries.lists.shape), queries)
    linear = judged(logistic_scores(queries.users), queries)

    found = judged(score_all(model, lists), queries)

    assert found > 1.25 * max(popular, linear)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_s_graph_gives_what_its_module_gives(name: str, tmp_path: Path) -> None:
    """For one person and several, one candidate and many, the shortest history and the longest, and for a stranger."""
    model = fitted(name).model
    path = tmp_path / "ranker.onnx"
    widths = (features().users.shape[1], features().items.matrix.shape[1])
    export_ranker(model, ITEMS, MAX_HISTORY, widths, path)
    graph = RANKER.open(path, threads=1)
    for people, candidates, length in ((5, 40, MAX_HISTORY), (2, 1, 1), (1, 3, MAX_HISTORY), (4, 9, 7)):
        asked = question(people, candidates, length)
        inputs = {name: value.numpy() for name, value in zip(RANKER.inputs, asked, strict=True)}
        assert deviation(graph, inputs, scored(model, asked).numpy()) <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_a_score_depends_on_its_query_and_its_candidate_alone(name: str) -> None:
    """Neither on who asks beside, nor on the other candidates, nor on how much padding stands before the history."""
    model = fitted(name).model
    history, users, rows, item_features, query = question()
    together = scored(model, (history, users, rows, item_features, query))

    alone = [
        scored(model, (history[[of]], users[[of]], rows[[at]], item_features[[at]], torch.zeros(1, dtype=torch.int64)))
        for at, of in enumerate(query.tolist())
    ]
    cut = scored(model, (history[:, 5:], users, rows, item_features, query))
    padded = nn.functional.pad(history[:, 5:], (5, 0), value=PADDING)
    widened = scored(model, (padded, users, rows, item_features, query))

    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(widened, cut, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_depends_on_the_history(name: str) -> None:
    """The same person is given another order after having done other things."""
    model = fitted(name).model
    history, users, rows, item_features, query = question()
    other = history.flip(0)

    assert not torch.allclose(
        scored(model, (history, users, rows, item_features, query)),
        scored(model, (other, users, rows, item_features, query)),
    )


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_finite_and_one_for_each_candidate(name: str) -> None:
    """For a stranger without a history too, and the model is left in evaluation mode."""
    found = fitted(name)
    scores = scored(found.model, question())
    assert scores.dtype is torch.float32
    assert scores.shape == (40, 1)
    assert bool(scores.isfinite().all())
    assert not found.model.training
    assert found.epochs


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_model(name: str) -> None:
    """On one machine with one number of threads; another seed gives another."""
    some = dataclasses.replace(ranking_data(), examples=ranking_data().examples.take(np.arange(200)))
    one, same, other = (scored(fit(name, seed, some).model, question()) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", WITH_SLOTS)
def test_user_features_without_their_zeros_give_the_same_scores(name: str) -> None:
    """What a model is fitted with is what it is served with."""
    model = fitted(name).model
    history, users, rows, item_features, query = question()
    slots = user_slots(users, shape().user_fields)

    with torch.inference_mode():
        sparse = model(history, slots, rows, item_features, query)

    torch.testing.assert_close(sparse, scored(model, (history, users, rows, item_features, query)))


@pytest.mark.parametrize("name", WITH_SLOTS)
def test_a_model_has_a_score_for_each_objective(name: str) -> None:
    """Each by parameters of its own."""
    several = dataclasses.replace(shape(), objectives=("click", "purchase"))
    torch.manual_seed(0)
    model = RANKERS[name].build(several, quick(name)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.1)
    scores = scored(model, question())
    assert scores.shape == (40, 2)
    assert not torch.allclose(scores[:, 0], scores[:, 1])


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_what_it_is(name: str) -> None:
    """In one line, and each of its settings as well."""
    family = RANKERS[name]
    assert family.name == name
    assert family.summary
    assert "\n" not in family.summary
    assert all(setting.description for setting in family.config.model_fields.values())
