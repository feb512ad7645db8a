"""Fitting models to who met what."""

import math
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.training.benchmark.ranked_candidates import PAIR_RANKERS
from services.training.datasets import Interactions, Sequences, leave_last_out
from services.training.metrics import hit_rate, rank_of_target
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.ranking import candidate_scores
from services.training.ranking.candidate_scores import CandidateQueries, score_candidates
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.model import RankerModelConfig, RankerShape
from services.training.ranking.registry import RANKERS
from services.training.ranking.sampled_pairs import SampledPairsConfig, fit_sampled_pairs, pairs_loss
from services.training.recall.model import FitContext
from services.training.sequence.encoder import PADDING

USERS, ITEMS = 60, 41


def circles() -> Sequences:
    """Two circles of people, each with half of the items but the first, which nobody meets; everybody meets ten of their circle."""
    rng = np.random.default_rng(0)
    items = [1 + 2 * rng.permutation(ITEMS // 2)[:10] + user % 2 for user in range(USERS)]
    return Interactions.build(users=np.repeat(np.arange(USERS), 10), items=np.concatenate(items)).sequences(USERS)


def tables() -> FeatureTables:
    """Nothing is known of anybody, and of items only whether their row is small."""
    return FeatureTables(torch.zeros(USERS, 1), torch.arange(ITEMS)[:, None].lt(5).to(torch.float32))


def context(max_history: int = 20) -> FitContext:
    """The circumstances of a fit."""
    return FitContext(seed=0, max_history=max_history, threads=1, display=Silence())


class NoTwins(nn.Module):
    """Fails where a candidate stands in the history it is scored for; remembers how long histories are."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))
        self.longest = 0

    def forward(
        self, history: Tensor, user_features: Tensor, candidates: Tensor, item_features: Tensor, query: Tensor
    ) -> Tensor:
        """Scores everything alike."""
        assert len(user_features) == len(history)
        assert torch.equal(item_features, tables().items[candidates])
        assert not (history[query] == candidates[:, None]).any()
        self.longest = max(self.longest, int((history != PADDING).sum(dim=1).max()))
        return self.bias * torch.ones(len(candidates), 1)


def test_no_model_is_ever_shown_what_it_is_asked_for() -> None:
    """Neither in fitting nor in validation: neither the positive nor what is drawn beside it is in the history."""
    split = leave_last_out(circles())
    model = NoTwins()
    sampling, config = SampledPairsConfig(parts=3), RankerModelConfig(batch=50, epochs=2)
    asked = NextItemQueries.from_split(split)
    fit_sampled_pairs(model, split.train, asked, tables(), sampling=sampling, config=config, context=context())
    assert model.longest == 9  # validation shows all that is left; fitting shows two thirds of it


@pytest.mark.parametrize(
    ("name", "loss", "shown"),
    [
        *((name, "softmax", "rest") for name in PAIR_RANKERS),
        ("neumf", "binary", "rest"),
        ("neumf", "softmax", "before"),
    ],
)
def test_any_ranking_model_learns_who_takes_what(
    name: str, loss: Literal["binary", "softmax"], shown: Literal["rest", "before"]
) -> None:
    """Items of the own circle stand above those of the other, by history alone."""
    split = leave_last_out(circles())
    queries = NextItemQueries.from_split(split)
    family = RANKERS[name]
    config = family.config(batch=32, epochs=12, patience=12, learning_rate=0.02, weight_decay=0.0)
    torch.manual_seed(0)
    model = family.build(RankerShape(ITEMS, (), ("small",)), config)
    fit_sampled_pairs(
        model,
        split.train,
        queries,
        tables(),
        sampling=SampledPairsConfig(loss=loss, shown=shown),
        config=config,
        context=context(),
    )
    others = np.stack([np.arange(1, ITEMS)[1 - user % 2 :: 2] for user in range(USERS)])
    asked = CandidateQueries(queries.users, queries.histories, np.column_stack([queries.targets, others]))
    scores = score_candidates(model, asked, tables(), 20)
    assert hit_rate(rank_of_target(scores, np.zeros(USERS, dtype=np.int64)), 3).mean() > 0.9


def test_the_losses_are_those_of_the_definitions() -> None:
    """Worked out one by one; a negative that could not be drawn counts nowhere."""
    scores = torch.tensor([[1.0, -1.0, 0.5], [0.0, 3.0, 9.0]])
    there = torch.tensor([[True, True, True], [True, True, False]])

    def log_sigmoid(score: float) -> float:
        return -math.log1p(math.exp(-score))

    binary = -(log_sigmoid(1) + log_sigmoid(1) + log_sigmoid(-0.5) + log_sigmoid(0) + log_sigmoid(-3)) / 5
    assert float(pairs_loss(scores, there, "binary")) == pytest.approx(binary, rel=1e-5)
    first = math.log(sum(math.exp(score) for score in (1, -1, 0.5))) - 1
    second = math.log(1 + math.exp(3))
    assert float(pairs_loss(scores, there, "softmax")) == pytest.approx((first + second) / 2, rel=1e-5)


class LastTimesCandidate(nn.Module):
    """Scores a candidate by the sum of the history times its row, less half its feature."""

    def forward(
        self, history: Tensor, user_features: Tensor, candidates: Tensor, item_features: Tensor, query: Tensor
    ) -> Tensor:
        """Computes the scores."""
        total = torch.where(history == PADDING, 0, history).sum(dim=1).to(torch.float32) + user_features[:, 0]
        return (total[query] * candidates - item_features[:, 0] / 2)[:, None]


@pytest.mark.parametrize("most", [1, 50, 10**9])
def test_candidates_are_scored_in_their_places_however_they_are_batched(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Histories of all lengths, none at all, and places without a candidate; every query is told of once."""
    monkeypatch.setattr(candidate_scores, "_MOST_COMPARISONS", most)
    rng = np.random.default_rng(0)
    histories = tuple(rng.integers(ITEMS, size=length).astype(np.int32) for length in (3, 0, 8, 1, 5, 8))
    candidates = rng.integers(ITEMS, size=(6, 7))
    candidates[2, 4] = PADDING
    users = np.arange(6)
    told: list[int] = []
    found = score_candidates(
        LastTimesCandidate(), CandidateQueries(users, histories, candidates), tables(), 6, told.append
    )
    expected = np.array(
        [
            [history[-6:].sum() * item - (item < 5) / 2 for item in row]
            for history, row in zip(histories, candidates, strict=True)
        ],
        dtype=np.float32,
    )
    expected[2, 4] = -np.inf
    np.testing.assert_allclose(found, expected)
    assert sum(told) == 6
