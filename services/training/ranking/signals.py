"""What connects a history with a candidate, computed by models that are already fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from services.training.history import recency_mean
from services.training.ranking.spaces import ItemSpaces
from services.training.sequence.encoder import PADDING

SIGNALS = (
    "collaborative score",
    "content similarity",
    "transition strength",
    "collaborative similarity to the last item",
    "content similarity to the last item",
    "highest collaborative similarity to a recent item",
    "highest content similarity to a recent item",
)
_RECENT = 5
_NO_SIMILARITY = -1.0


@dataclass(frozen=True, slots=True)
class HalfLives:
    """Items after which a history item counts half as much, for each of the means over a history."""

    content: float
    transition: float


class MatchSignals(nn.Module):
    """Computes `SIGNALS` and the history's affinity to each feature of the candidate; nothing here is fitted further.

    Args:
        encoder: Of the channel whose scores the ranker begins with, as `RecallModel` has it.
        spaces: The items in the spaces of that channel and of the others.
        half_lives: Of the means over the history.
    """

    collaborative: Tensor
    directions: Tensor | None
    reduced: Tensor
    content: Tensor
    transition_source: Tensor
    transition_target: Tensor
    features: Tensor

    def __init__(self, encoder: nn.Module, spaces: ItemSpaces, half_lives: HalfLives) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False).eval()
        self.half_lives = half_lives
        self.width = len(SIGNALS) + spaces.features.shape[1]
        self.register_buffer("collaborative", spaces.collaborative)
        self.register_buffer("directions", spaces.directions)
        reduced = spaces.collaborative if spaces.directions is None else spaces.collaborative @ spaces.directions
        self.register_buffer("reduced", reduced)
        self.dimension = reduced.shape[1]
        self.register_buffer("content", spaces.content)
        self.register_buffer("transition_source", spaces.transition_source)
        self.register_buffer("transition_target", spaces.transition_target)
        self.register_buffer("features", spaces.features)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002 - the signature of nn.Module
        """Stays in evaluation mode: a frozen encoder must not drop anything out."""
        return super().train(False)

    def reduce(self, queries: Tensor) -> Tensor:
        """Returns the encoder's queries in the reduced space: float [queries, dimension]."""
        return queries if self.directions is None else queries @ self.directions

    def match(
        self, history: Tensor, user_features: Tensor, candidates: Tensor, candidate_query: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Asks the collaborative channel about candidates.

        Args:
            history: int64 [queries, length], oldest first, padded on the left with -1.
            user_features: float [queries, user features].
            candidates: int64 [n] item rows.
            candidate_query: int64 [n], the query that each candidate is for.

        Returns:
            What `agreement` and `scores` compute.
        """
        queries = self.encoder(history, user_features)
        agreement = self.agreement(self.reduce(queries), candidates, candidate_query)
        return agreement, self.scores(queries, agreement, candidates, candidate_query)

    def agreement(self, states: Tensor, candidates: Tensor, candidate_query: Tensor) -> Tensor:
        """Computes the products whose sum is the collaborative score, or nearly so in a space that was reduced.

        Args:
            states: float [queries, dimension], from `reduce`.
            candidates: int64 [n] item rows.
            candidate_query: int64 [n], the query that each candidate is for.

        Returns:
            float [n, dimension].
        """
        return states[candidate_query] * self.reduced[candidates]

    def scores(self, queries: Tensor, agreement: Tensor, candidates: Tensor, candidate_query: Tensor) -> Tensor:
        """Computes the collaborative scores, exactly also in a space that was reduced.

        Args:
            queries: float [queries, width of the collaborative space], from `encoder`.
            agreement: float [n, dimension], from `agreement`.
            candidates: int64 [n] item rows.
            candidate_query: int64 [n], the query that each candidate is for.

        Returns:
            float [n].
        """
        if self.directions is None:
            return agreement.sum(dim=1)
        return (queries[candidate_query] * self.collaborative[candidates]).sum(dim=1)

    def forward(
        self,
        scores: Tensor,
        history: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Computes the signals.

        Args:
            scores: float [n], from `scores`.
            history: int64 [queries, length], oldest first, padded on the left with -1.
            candidates: int64 [n] item rows.
            candidate_features: float [n, features].
            candidate_query: int64 [n], the row of `history` that each candidate is for.

        Returns:
            float [n, width]: `SIGNALS`, then one affinity for each item feature.
        """
        vectors, content = self.reduced[candidates], self.content[candidates]
        strengths = (
            scores,
            (self._content_query(history)[candidate_query] * content).sum(dim=1),
            (self._transition_query(history)[candidate_query] * self.transition_target[candidates]).sum(dim=1),
        )
        # Shorter histories than that exist: the padding makes sure that there are enough positions.
        recent = nn.functional.pad(history, (_RECENT, 0), value=PADDING)[:, -_RECENT:]
        alike = _similarities(normalize(self.reduced[recent.clamp(min=0)], dim=2), normalize(vectors), candidate_query)
        same_words = _similarities(self.content[recent.clamp(min=0)], content, candidate_query)
        unknown = (recent == PADDING)[candidate_query]
        alike = alike.masked_fill(unknown, _NO_SIMILARITY)
        same_words = same_words.masked_fill(unknown, _NO_SIMILARITY)
        affinity = self._mean_features(history)[candidate_query] * candidate_features
        signals = torch.stack(
            [*strengths, alike[:, -1], same_words[:, -1], alike.amax(dim=1), same_words.amax(dim=1)], dim=1
        )
        return torch.cat([signals, affinity], dim=1)

    def _content_query(self, history: Tensor) -> Tensor:
        return normalize(recency_mean(history, self.content, self.half_lives.content))

    def _transition_query(self, history: Tensor) -> Tensor:
        return recency_mean(history, self.transition_source, self.half_lives.transition)

    def _mean_features(self, history: Tensor) -> Tensor:
        return recency_mean(history, self.features, self.half_lives.content)


def _similarities(recent: Tensor, candidates: Tensor, candidate_query: Tensor) -> Tensor:
    """Inner products [n, recent] of each candidate [n, width] with its query's recent items [queries, recent, width]."""
    # One recent item at a time: gathering all of them for every candidate would leave the processor's cache.
    return torch.stack([(item[candidate_query] * candidates).sum(dim=1) for item in recent.unbind(dim=1)], dim=1)
