"""A recurrent network over the history, whose last state meets the candidate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.ranking.fields import FieldEmbedding
from services.training.ranking.model import RankerFamily, RankerShape
from services.training.ranking.perceptron import DeepConfig, perceptron
from services.training.ranking.user_slots import UserFeatures
from services.training.sequence.encoder import PADDING


class GruRanker(nn.Module):
    """Hidden layers over the state of a gated recurrent unit (Cho et al., EMNLP 2014) and the vectors of all fields.

    Reading a history into a state as sessions are read (Hidasi et al., ICLR 2016); the state also meets the candidate's
    vector number by number.

    Args:
        shape: Of the data.
        config: Sizes.
    """

    def __init__(self, shape: RankerShape, config: DeepConfig) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(shape, config.dimension)
        self.recurrent = nn.GRU(config.dimension, config.dimension, batch_first=True)
        self.deep = perceptron((self.embedding.fields + 2) * config.dimension, len(shape.objectives), config)

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        fields = self.embedding(history, user_features, candidates, candidate_features, candidate_query)
        state = self.states(history)[candidate_query]
        met = state * self.embedding.items(candidates)
        scores: Tensor = self.deep(torch.cat([fields.flatten(1), state, met], dim=1))
        return scores

    def states(self, history: Tensor) -> Tensor:
        """Returns the state after the whole history, zeros for an empty one: float [queries, dimension]."""
        length = (history != PADDING).sum(dim=1, keepdim=True)
        width = history.shape[1]
        # Items first: padding in front would move the state before the first item is read, behind it nothing is looked at.
        places = (torch.arange(width, device=history.device) + width - length).clamp(max=width - 1)
        moved = history.gather(1, places).clamp(min=0)
        states, _ = self.recurrent(self.embedding.history(moved))
        newest = (length - 1).clamp(min=0)[..., None].expand(-1, 1, states.shape[2])
        return torch.where(length > 0, states.gather(1, newest).squeeze(1), 0.0)


GRU = RankerFamily(
    name="gru",
    summary="A recurrent state of the history, and hidden layers over it and the candidate (Hidasi et al., ICLR 2016)",
    config=DeepConfig,
    build=GruRanker,
)
