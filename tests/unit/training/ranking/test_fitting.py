"""Fitting the default ranker, whose lists are prepared."""

import numpy as np
import pytest
import torch

from services.training.metrics.lists import NO_ITEM
from services.training.optimisation import Epoch
from services.training.progress import Silence
from services.training.ranking.examples import draw_examples
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.listwise import fit_lists
from services.training.ranking.model import RankerShape, RankingData
from services.training.ranking.ranker import Ranker
from services.training.ranking.shown import ShownLists, shown_loss
from services.training.ranking.signals_model import SignalsConfig
from services.training.recall.model import FitContext
from services.training.recall_lists import ListedQueries, order_lists
from tests.unit.training.ranking.models import ITEM_FEATURES, ITEMS, USER_FEATURES, random_signals

# Of the user features the first says which of the two groups of items somebody takes next.
QUERIES = 300
NEGATIVES = 10
CONFIG = SignalsConfig(hidden=(16,), epochs=8, batch=16, learning_rate=0.02, patience=8)


def world() -> tuple[ListedQueries, FeatureTables]:
    """Returns lists in which the first item of the user's group is what followed, and everybody's features."""
    rng = np.random.default_rng(0)
    users = torch.as_tensor(rng.integers(2, size=(QUERIES, 1)).repeat(USER_FEATURES, axis=1), dtype=torch.float32)
    items = torch.zeros(ITEMS, ITEM_FEATURES)
    items[::2, 0] = 1.0
    lists = np.stack([rng.permutation(ITEMS)[:20] for _ in range(QUERIES)])
    lists[:, -1] = NO_ITEM
    wanted = [row[row % 2 == int(user)] for row, user in zip(lists, users[:, 0].tolist(), strict=True)]
    targets = np.asarray([row[row != NO_ITEM][0] for row in wanted])
    history = rng.integers(ITEMS, size=(QUERIES, 4))
    return ListedQueries(np.arange(QUERIES), history, lists, targets), FeatureTables(users, items)


def fit(
    listed: ListedQueries,
    tables: FeatureTables,
    *,
    seed: int = 0,
    dropout: float = 0.1,
    shown: ShownLists | None = None,
) -> tuple[Ranker, tuple[Epoch, ...]]:
    """Fits a ranker to lists."""
    torch.manual_seed(0)
    ranker = Ranker(random_signals(), ITEM_FEATURES, USER_FEATURES, CONFIG.hidden, dropout)
    shape = RankerShape(ITEMS, (), ())
    data = RankingData(shape, draw_examples(listed, NEGATIVES, seed=0), listed, tables, shown)
    return ranker, fit_lists(ranker, data, CONFIG, FitContext(seed, 4, 1, Silence()))


def scores_of(ranker: Ranker, listed: ListedQueries, tables: FeatureTables) -> np.ndarray:
    """What the ranker makes of lists: float32 [lists, places]."""
    return score_all(ranker, lists_of(ranker, listed.users, listed.history, listed.lists, tables))


def test_the_ranker_learns_who_takes_what() -> None:
    """After fitting, the first places of nearly all lists hold items of the user's group."""
    listed, tables = world()
    ranker, epochs = fit(listed, tables)

    first = order_lists(listed.lists, scores_of(ranker, listed, tables))[:, :3]

    group = tables.users[:, :1].numpy()
    assert np.mean(first % 2 == group) > 0.95
    assert epochs[-1].loss < epochs[0].loss


def test_prepared_lists_are_scored_as_the_whole_graph_scores_them() -> None:
    """The signals that are computed once are those that the exported graph computes every time."""
    listed, tables = world()
    ranker, _ = fit(listed, tables)
    rows = torch.as_tensor(listed.lists[7, :-1])

    with torch.no_grad():
        direct = ranker(
            torch.as_tensor(listed.history[[7]]), tables.users[[7]], rows, tables.items[rows], torch.zeros_like(rows)
        )[:, 0]

    scores = scores_of(ranker, listed, tables)
    np.testing.assert_allclose(scores[7, :-1], direct.numpy(), rtol=1e-4, atol=1e-4)
    assert (scores[:, -1] < -1e8).all()


def test_fitting_leaves_the_frozen_part_alone() -> None:
    """The encoder and every space of the signals are, bit for bit, what they were."""
    before = random_signals().state_dict()

    ranker, _ = fit(*world())

    after = ranker.signals.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_being_drawn_more_often_does_not_count_against_a_candidate() -> None:
    """Where what follows stands anywhere in the list, the ranker learns not to care for a place that negatives favour."""
    count = 1500
    rng = np.random.default_rng(0)
    listed = ListedQueries(
        users=np.zeros(count, dtype=np.int64),
        history=np.zeros((count, 1), dtype=np.int64),
        lists=np.tile(np.arange(ITEMS), (count, 1)),
        targets=rng.integers(ITEMS, size=count),
    )
    place = torch.linspace(-1.0, 1.0, ITEMS)
    tables = FeatureTables(torch.zeros(1, USER_FEATURES), place[:, None].expand(-1, ITEM_FEATURES))

    ranker, _ = fit(listed, tables, dropout=0.0)

    scores = scores_of(ranker, listed, tables)[0]
    assert abs(np.polyfit(place.numpy(), scores, deg=1)[0]) < 0.2


@pytest.mark.parametrize(("seed", "equal"), [(0, True), (1, False)])
def test_the_seed_decides_the_result(seed: int, equal: bool) -> None:
    """Equal seeds give equal parameters and another seed does not."""
    one, other = fit(*world())[0].state_dict(), fit(*world(), seed=seed)[0].state_dict()

    assert torch.equal(one["from_candidate.weight"], other["from_candidate.weight"]) is equal


def test_the_ranker_learns_from_what_was_shown_what_it_is_not_told_otherwise() -> None:
    """Where what followed tells nothing, the clicks on shown lists decide the order."""
    listed, tables = world()
    rng = np.random.default_rng(1)
    # What followed is any item at all here; of what was shown, even rows alone were taken up.
    listed = ListedQueries(listed.users, listed.history, listed.lists, listed.lists[:, 0])
    candidates = np.stack([rng.permutation(ITEMS)[:8] for _ in range(QUERIES)])
    gains = (candidates % 2 == 0).astype(np.float32)
    shown = ShownLists(listed.users, listed.history, candidates, gains)

    def share_of_even_rows(shown: ShownLists | None) -> float:
        ranker, _ = fit(listed, tables, shown=shown)
        return float(np.mean(order_lists(listed.lists, scores_of(ranker, listed, tables))[:, :3] % 2 == 0))

    assert share_of_even_rows(None) < 0.75
    assert share_of_even_rows(shown) > 0.9


def test_what_comes_of_improbable_showings_weighs_more() -> None:
    """The loss is the mean over lists of gain times surprise; what was ignored only shares the probability."""
    scores = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    gains = torch.tensor([[2.0, 0.0], [0.0, 1.0]])

    loss = shown_loss(scores, gains)

    surprise = float(torch.log1p(torch.exp(torch.tensor(1.0))))
    assert float(loss) == pytest.approx((2 * float(np.log(2)) + surprise) / 2)
