"""Everything that is known of a person and a candidate as a short list of fields, each with a vector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

from services.training.ranking.missing_ids import ItemIds
from services.training.ranking.model import RankerModelConfig, RankerShape
from services.training.ranking.user_slots import UserFeatures, UserSlots, field_columns, field_places
from services.training.sequence.encoder import PADDING

_FIRST_DEVIATION = 0.1


class FieldEmbedding(nn.Module):
    """A vector for each field of a query and a candidate, as factorisation machines and their successors take them.

    The fields are: whether the user is known, each attribute of the user, the history (the mean of a vector for each of
    its items), the candidate itself, and each group of item features (the columns whose names are equal up to `=`). A
    field's vector is the product of its features and a matrix: for a one-hot field that is the vector of its value, for a
    number the vector times the number.

    Args:
        shape: Of the data.
        dimension: Of the vectors.
    """

    def __init__(self, shape: RankerShape, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self._user_columns = field_columns(shape.user_fields)
        self._user_places = field_places(shape.user_fields)
        self._feature_columns = _groups(shape.item_features)
        self.users = nn.Embedding(shape.user_features, dimension)
        self.history = nn.Embedding(shape.items, dimension)
        self.items = ItemIds(shape.items, dimension)
        self.features = nn.Embedding(max(1, len(shape.item_features)), dimension)
        for table in self.tables:
            nn.init.normal_(table.weight, std=_FIRST_DEVIATION)

    @property
    def tables(self) -> tuple[nn.Embedding, ...]:
        """What is looked up in."""
        return self.users, self.history, self.items, self.features

    @property
    def query_fields(self) -> int:
        """How many fields a query has."""
        return len(self._user_columns) + 1

    @property
    def fields(self) -> int:
        """How many fields a query and a candidate have together."""
        return self.query_fields + 1 + len(self._feature_columns)

    def of_queries(self, history: Tensor, user_features: UserFeatures) -> Tensor:
        """Returns the vectors of the fields of queries: float [queries, query fields, dimension]."""
        return torch.cat([self._of_users(user_features), self.mean_of(history)[:, None]], dim=1)

    def of_candidates(self, candidates: Tensor, candidate_features: Tensor) -> Tensor:
        """Returns the vectors of the fields of candidates: float [n, fields less query fields, dimension]."""
        table = self.features.weight
        parts = [candidate_features[:, part] @ table[part] for part in self._feature_columns]
        return torch.stack([self.items(candidates), *parts], dim=1)

    def mean_of(self, history: Tensor) -> Tensor:
        """Returns the mean of the vectors of the items of a history, zeros for an empty one: [queries, dimension]."""
        known = (history != PADDING).to(torch.float32)
        total = torch.matmul(known[:, None], self.history(history.clamp(min=0))).squeeze(1)
        mean: Tensor = total / known.sum(dim=1, keepdim=True).clamp(min=1.0)
        return mean

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Returns the vectors of all fields of each candidate: float [n, fields, dimension]; `BuildRanker` has the rest."""
        of_queries = self.of_queries(history, user_features)
        return torch.cat([of_queries[candidate_query], self.of_candidates(candidates, candidate_features)], dim=1)

    def _of_users(self, user_features: UserFeatures) -> Tensor:
        if isinstance(user_features, UserSlots):
            weighted = self.users(user_features.columns) * user_features.values[..., None]
            return torch.stack([part.sum(dim=1) for part in weighted.split(self._user_places, dim=1)], dim=1)
        table = self.users.weight
        return torch.stack([user_features[:, part] @ table[part] for part in self._user_columns], dim=1)


class FirstOrder(nn.Module):
    """A number for each value of each field, summed: the linear part of a model.

    Args:
        shape: Of the data; each objective has numbers of its own.
    """

    def __init__(self, shape: RankerShape) -> None:
        super().__init__()
        self.weights = FieldEmbedding(shape, len(shape.objectives))
        self.bias = nn.Parameter(torch.zeros(len(shape.objectives)))

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Returns the sums: float [n, objectives]."""
        of_queries = self.weights.of_queries(history, user_features).sum(dim=1)
        of_candidates = self.weights.of_candidates(candidates, candidate_features).sum(dim=1)
        return of_queries[candidate_query] + of_candidates + self.bias


def embedding_penalty(model: nn.Module, config: RankerModelConfig) -> Tensor | float:
    """Returns what the loss is to be raised by for large embeddings: a scalar."""
    if not config.embedding_penalty:
        return 0.0
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    return 0.5 * config.embedding_penalty * torch.stack([table.square().sum() for table in tables]).sum()


def _groups(names: Sequence[str]) -> tuple[slice, ...]:
    groups, start = [], 0
    for _, members in groupby(names, key=lambda name: name.partition("=")[0]):
        end = start + len(list(members))
        groups.append(slice(start, end))
        start = end
    return tuple(groups)
