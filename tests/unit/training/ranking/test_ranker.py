"""The ranker."""

import torch

from services.training.ranking.ranker import Ranker
from tests.unit.training.ranking.models import ITEM_FEATURES, ITEMS, USER_FEATURES, random_ranker, random_signals


def test_a_merged_request_gets_the_scores_of_its_queries_alone() -> None:
    """Candidates of several queries in any order score as in requests of their own."""
    ranker = random_ranker()
    history = torch.tensor([[1, 2, 3], [-1, 8, 9], [-1, -1, -1]])
    users = torch.randn(3, USER_FEATURES)
    candidates = torch.randint(0, ITEMS, (20,))
    query = torch.randint(0, 3, (20,))
    features = ranker.signals.features[candidates]

    with torch.no_grad():
        merged = ranker(history, users, candidates, features, query)
        for one in range(3):
            own = query == one
            alone = ranker(
                history[[one]],
                users[[one]],
                candidates[own],
                features[own],
                torch.zeros(int(own.sum()), dtype=torch.long),
            )
            torch.testing.assert_close(merged[own], alone, rtol=1e-4, atol=1e-4)


def test_an_unfitted_ranker_has_the_order_of_the_collaborative_scores() -> None:
    """It starts from what is known, so that it can only be told where to deviate."""
    ranker = Ranker(random_signals(), ITEM_FEATURES, USER_FEATURES, hidden=(6,), dropout=0.0).eval()
    history, candidates = torch.tensor([[4, 5, 6]]), torch.arange(ITEMS)

    with torch.no_grad():
        scores = ranker(
            history,
            torch.zeros(1, USER_FEATURES),
            candidates,
            ranker.signals.features,
            torch.zeros(ITEMS, dtype=torch.long),
        )[:, 0]
        query = ranker.signals.encoder(history, torch.zeros(1, USER_FEATURES))[0]
        collaborative = ranker.signals.collaborative @ query

    torch.testing.assert_close(scores, collaborative, rtol=1e-4, atol=1e-5)


def test_the_user_and_the_candidate_s_features_matter() -> None:
    """Other user features and other candidate features give other scores."""
    ranker = random_ranker()
    history, candidates, query = torch.tensor([[4, 5]]), torch.tensor([1, 2]), torch.tensor([0, 0])
    users, features = torch.zeros(1, USER_FEATURES), torch.zeros(2, ITEM_FEATURES)

    with torch.no_grad():
        plain = ranker(history, users, candidates, features, query)
        other_user = ranker(history, users + 1.0, candidates, features, query)
        other_features = ranker(history, users, candidates, features + 1.0, query)

    assert not torch.allclose(plain, other_user, atol=1e-3)
    assert not torch.allclose(plain, other_features, atol=1e-3)
