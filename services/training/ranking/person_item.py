"""A vector for the person and one for the candidate: what matrix factorisation and its successors compare."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.ranking.missing_ids import ItemIds, rows_of
from services.training.ranking.model import RankerShape
from services.training.ranking.user_slots import UserFeatures, UserSlots
from services.training.sequence.encoder import PADDING

_FIRST_DEVIATION = 0.1
# Numbers in a table of who has met what: below it counting is quicker than comparing each candidate with each item.
_MOST_COUNTS = 16_000_000


class PersonItem(nn.Module):
    """Vectors of persons, from what they did and their attributes, and of candidates, from their rows and features.

    A person is the sum of a vector for each item of the history but the candidate itself, over a power of their number, and
    of a vector for each attribute: what FISM has in place of a row for each user (Kabbur et al., KDD 2013). That the
    candidate is left out is what makes it possible to learn from the items of the very history.

    What was done last can say more than the rest: with a half-life, the mean of other vectors of the items joins, each of
    half the weight of one so many items newer (as FISM with a Markov chain: He & McAuley, ICDM 2016).

    Args:
        shape: Of the data.
        dimension: Of the vectors.
        power: Of the number of items, from 0, which keeps their sum, to 1, which makes it their mean.
        half_life: In items; 0 for no such mean.
    """

    def __init__(self, shape: RankerShape, dimension: int, power: float, half_life: float = 0.0) -> None:
        super().__init__()
        self.power, self.half_life = power, half_life
        self.recent = nn.Embedding(shape.items, dimension) if half_life else None
        self.history = nn.Embedding(shape.items, dimension)
        self.users = nn.Embedding(shape.user_features, dimension)
        self.items = ItemIds(shape.items, dimension)
        self.features = nn.Linear(len(shape.item_features), dimension, bias=False) if shape.item_features else None
        for table in (self.history, self.users, self.items, self.recent):
            if table is not None:
                nn.init.normal_(table.weight, std=_FIRST_DEVIATION)

    def forward(
        self,
        history: Tensor,
        user_features: UserFeatures,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Returns the vectors of the persons and of the candidates: float [n, dimension] each."""
        known = self._attributes(user_features)
        if self.recent is not None:
            known = known + self._newest(history, self.recent.weight)
        person = self._done(history, candidates, candidate_query) + known[candidate_query]
        item = self.items(candidates)
        if self.features is not None:
            item = item + self.features(candidate_features)
        return person, item

    def _done(self, history: Tensor, candidates: Tensor, candidate_query: Tensor) -> Tensor:
        if self.training:
            # Whatever is withheld: the candidate is no part of what judges it.
            candidates = rows_of(candidates)
        known = (history != PADDING).to(torch.float32)
        table = self.history.weight
        if self._counts_are_quick(history):
            counts = torch.zeros(len(history), len(table)).scatter_add_(1, history.clamp(min=0), known)
            total, own = counts @ table, counts[candidate_query, candidates][:, None]
            if not own.any():
                return self._scaled(total, known.sum(dim=1, keepdim=True))[candidate_query]
        else:
            total = torch.matmul(known[:, None], self.history(history.clamp(min=0))).squeeze(1)
            own = (history[candidate_query] == candidates[:, None]).sum(dim=1, keepdim=True)
        number = known.sum(dim=1, keepdim=True)[candidate_query] - own
        return self._scaled(total[candidate_query] - own * self.history(candidates), number)

    def _newest(self, history: Tensor, table: Tensor) -> Tensor:
        """The mean of the items of each history, weighted by how new they are: float [queries, dimension]."""
        age = torch.arange(history.shape[1] - 1, -1, -1)
        weights = torch.where(history != PADDING, 0.5 ** (age / self.half_life), 0.0)
        weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-6)
        if self._counts_are_quick(history):
            return torch.zeros(len(history), len(table)).scatter_add_(1, history.clamp(min=0), weights) @ table
        return torch.matmul(weights[:, None], table[history.clamp(min=0)]).squeeze(1)

    def _counts_are_quick(self, history: Tensor) -> bool:
        """A table of who has met what is no graph to export: it grows with the catalogue."""
        return self.training and len(history) * self.history.num_embeddings <= _MOST_COUNTS

    def _scaled(self, total: Tensor, number: Tensor) -> Tensor:
        scaled: Tensor = total / number.clamp(min=1.0) ** self.power
        return scaled

    def _attributes(self, user_features: UserFeatures) -> Tensor:
        if isinstance(user_features, UserSlots):
            looked_up: Tensor = (self.users(user_features.columns) * user_features.values[..., None]).sum(dim=1)
            return looked_up
        return user_features @ self.users.weight
