"""Golden requests: what the exported graphs must give, computed by the modules they were exported from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.training.export import deviation
from services.training.models import Features
from services.training.queries import NextItemQueries
from services.training.ranking.model import Stepwise
from services.training.sequence.windows import pad_histories
from shared.snapshot.golden import GoldenEncoding, GoldenRanking, GoldenRequests
from shared.snapshot.graphs import ENCODER, RANKER

_QUERIES = 4
_CANDIDATES = 24


@dataclass(frozen=True, slots=True, eq=False)
class GoldenBatch:
    """Inputs of one request.

    Attributes:
        history: int64 [queries, length].
        user_features: float32 [queries, user features].
        candidates: int64 [n] item rows.
        candidate_query: int64 [n].
    """

    history: npt.NDArray[np.int64]
    user_features: npt.NDArray[np.float32]
    candidates: npt.NDArray[np.int64]
    candidate_query: npt.NDArray[np.int64]


def golden_batches(
    queries: NextItemQueries, features: Features, max_history: int, seed: int, ranker: nn.Module | None = None
) -> list[GoldenBatch]:
    """Draws requests at the edges: one query and many, the shortest and the longest history, and none at all.

    Args:
        queries: Real histories.
        features: Real user features.
        max_history: The longest history that the graphs take.
        seed: Of the draws.
        ranker: The model that they are for: of one that is `Stepwise`, candidates are drawn whose scores are steady.
    """
    rng = np.random.default_rng(seed)
    chosen = queries.sample(_QUERIES, seed)
    stranger = (np.empty(0, dtype=np.int32),)
    users = features.users[chosen.users]
    batches = [
        (pad_histories(chosen.histories[:1], 1), users[:1]),
        (pad_histories(chosen.histories[:1], max_history), users[:1]),
        (pad_histories(stranger, 1), np.zeros_like(users[:1])),
        (pad_histories((*chosen.histories, *stranger), max_history), np.concatenate([users, np.zeros_like(users[:1])])),
    ]
    drawn = [
        GoldenBatch(
            history,
            user_features,
            candidates=rng.integers(len(features.popularity), size=_CANDIDATES),
            candidate_query=np.sort(rng.integers(len(history), size=_CANDIDATES)),
        )
        for history, user_features in batches
    ]
    return [_steady(batch, ranker, features) for batch in drawn] if isinstance(ranker, Stepwise) else drawn


def _steady(batch: GoldenBatch, ranker: Stepwise, features: Features) -> GoldenBatch:
    """Leaves out candidates whose scores hang by a rounding: another processor gives others, and is not wrong.

    Where that leaves none, one stays: a request needs a candidate.
    """
    with torch.inference_mode():
        steady = ranker.steady(*_inputs(batch, torch.as_tensor(features.items.matrix))).numpy()
    kept = steady if steady.any() else np.arange(len(steady)) == 0
    return replace(batch, candidates=batch.candidates[kept], candidate_query=batch.candidate_query[kept])


def _inputs(batch: GoldenBatch, items: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Returns what a ranker takes, in the order of `shared.snapshot.graphs.RANKER`."""
    candidates = torch.as_tensor(batch.candidates)
    return (
        torch.as_tensor(batch.history),
        torch.as_tensor(batch.user_features),
        candidates,
        items[candidates],
        torch.as_tensor(batch.candidate_query),
    )


def compute_golden(
    batches: list[GoldenBatch], encoders: Mapping[str, nn.Module], ranker: nn.Module, features: Features
) -> GoldenRequests:
    """Computes every encoder and the ranker on every batch, with the modules in evaluation mode."""
    encodings, rankings = [], []
    items = torch.as_tensor(features.items.matrix)
    with torch.inference_mode():
        for batch in batches:
            history, user_features = torch.as_tensor(batch.history), torch.as_tensor(batch.user_features)
            for channel, encoder in encoders.items():
                query = encoder(history, user_features).tolist()
                encodings.append(GoldenEncoding(channel, batch.history.tolist(), batch.user_features.tolist(), query))
            scores = ranker(*_inputs(batch, items)).tolist()
            rankings.append(
                GoldenRanking(
                    batch.history.tolist(), batch.user_features.tolist(), batch.candidates.tolist(),
                    batch.candidate_query.tolist(), scores,
                )
            )  # fmt: skip
    return GoldenRequests(encodings, rankings)


def replay(
    golden: GoldenRequests, encoders: Mapping[str, Path], ranker: Path, item_features: npt.NDArray[np.float32]
) -> float:
    """Replays golden requests with the exported graphs.

    Args:
        golden: From `compute_golden`.
        encoders: The graph of each channel.
        ranker: The graph of the ranker.
        item_features: float32 [items, item features].

    Returns:
        The largest absolute difference anywhere.

    Raises:
        ExportMismatch: a graph is further off than a snapshot may be.
    """
    furthest = 0.0
    models = {channel: ENCODER.open(path, threads=1) for channel, path in encoders.items()}
    for encoding in golden.encoders:
        inputs: dict[str, npt.NDArray[Any]] = {
            "history": np.asarray(encoding.history, dtype=np.int64),
            "user_features": np.asarray(encoding.user_features, dtype=np.float32),
        }
        expected = np.asarray(encoding.query, dtype=np.float32)
        furthest = max(furthest, deviation(models[encoding.channel], inputs, expected))
    model = RANKER.open(ranker, threads=1)
    for ranking in golden.ranker:
        expected = np.asarray(ranking.scores, dtype=np.float32)
        furthest = max(furthest, deviation(model, ranking_inputs(ranking, item_features), expected))
    return furthest


def ranking_inputs(ranking: GoldenRanking, item_features: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    """Returns the inputs of the ranker's graph for a golden request.

    Args:
        ranking: The request.
        item_features: float32 [items, item features].
    """
    candidates = np.asarray(ranking.candidates, dtype=np.int64)
    return {
        "history": np.asarray(ranking.history, dtype=np.int64),
        "user_features": np.asarray(ranking.user_features, dtype=np.float32),
        "candidates": candidates,
        "candidate_features": item_features[candidates],
        "candidate_query": np.asarray(ranking.candidate_query, dtype=np.int64),
    }
