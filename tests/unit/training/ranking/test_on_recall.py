"""Models that change the order of recall."""

import dataclasses

import numpy as np
import torch
from torch import nn

from services.training.progress import Silence
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.on_recall import OnRecall
from services.training.ranking.registry import RANKERS
from services.training.ranking.signals import HalfLives, MatchSignals
from services.training.ranking.spaces import ItemSpaces
from services.training.recall.model import FitContext
from services.training.recall_lists import ListedQueries, order_lists
from tests.unit.training.ranking.fitted import ITEMS, MAX_HISTORY, holdout, listed, quick, ranking_data, signals


def by_recall(queries: ListedQueries) -> np.ndarray:
    """The products of the encoder's queries and the vectors of the candidates: float [lists, places]."""
    with torch.inference_mode():
        encoded = signals().encoder(torch.as_tensor(queries.history), torch.zeros(len(queries), 1)).numpy()
    vectors = signals().collaborative.numpy()
    return np.asarray((vectors[np.maximum(queries.lists, 0)] * encoded[:, None]).sum(axis=2))


def on_recall(*, silent: bool) -> OnRecall:
    """Matrix factorisation on recall, not fitted; `silent` has nothing to say itself."""
    torch.manual_seed(0)
    model = RANKERS["mf"].build(ranking_data().shape, quick("mf"))
    if silent:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
    return OnRecall(model, signals())


def test_a_model_that_says_nothing_leaves_the_order_of_recall() -> None:
    """And its scores differ by about 1 within a list, whatever the unit of recall's."""
    data, queries = ranking_data(), listed(holdout().test)
    model = on_recall(silent=True)
    model.take_scale(data)
    lists = lists_of(model, queries.users, queries.history, queries.lists, data.tables)

    scores = score_all(model, lists)

    there, expected = queries.lists >= 0, by_recall(queries)
    assert np.array_equal(order_lists(queries.lists, scores)[:, :10], order_lists(queries.lists, np.where(there, expected, -1e9))[:, :10])  # fmt: skip
    examples = data.examples
    of_examples = score_all(
        model, lists_of(model, examples.users[:512], examples.history[:512], examples.candidates[:512], data.tables)
    )
    known = examples.candidates[:512] >= 0
    means = np.asarray([row[there].mean() for row, there in zip(of_examples, known, strict=True)])
    assert abs(np.sqrt(np.square(of_examples - means[:, None])[known].mean()) - 1) < 1e-4


class Agreed(nn.Module):
    """An encoder that asks for the same whatever the history."""

    def forward(self, history: torch.Tensor, _user_features: torch.Tensor) -> torch.Tensor:
        """Returns float [queries, 2]."""
        return torch.ones(len(history), 2)


def test_what_rounding_left_of_recall_is_not_blown_up() -> None:
    """As where a factorisation has a dimension for each item, and nothing to say about those that nobody has met."""
    vectors = torch.tensor([1.0, -1.0]) + 1e-7 * torch.rand(ITEMS, 2, generator=torch.Generator().manual_seed(0))
    spaces = ItemSpaces(
        collaborative=vectors, content=vectors, transition_source=vectors, transition_target=vectors, features=vectors
    )
    model = OnRecall(on_recall(silent=True).model, MatchSignals(Agreed(), spaces, HalfLives(4.0, 2.0)))

    model.take_scale(ranking_data())

    assert model.scale.item() == 1.0


def test_fitting_changes_the_model_and_the_scale_and_leaves_recall_alone() -> None:
    """Bit for bit; and whoever does not ask for it is fitted by itself."""
    data = dataclasses.replace(ranking_data(), begin_with_recall=True)
    context = FitContext(seed=0, max_history=MAX_HISTORY, threads=1, display=Silence())
    before = {name: value.clone() for name, value in signals().state_dict().items()}
    config = quick("mf").model_copy(update={"epochs": 1})

    fitted = fit_ranker_family(RANKERS["mf"], data, config, context).model

    assert isinstance(fitted, OnRecall)
    assert all(torch.equal(before[name], value) for name, value in fitted.signals.state_dict().items())
    first = on_recall(silent=False)
    assert not torch.equal(first.model.state_dict()["vectors.items.weight"], fitted.model.state_dict()["vectors.items.weight"])  # fmt: skip
    assert not isinstance(fit_ranker_family(RANKERS["mf"], ranking_data(), config, context).model, OnRecall)
