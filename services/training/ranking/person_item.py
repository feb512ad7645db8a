"""A vector for the person and one for the candidate: what matrix factorisation and its successors compare."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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

    Args:
        shape: Of the data.
        dimension: Of the vectors.
        power: Of the number of items, from 0, which keeps their sum, to 1, which makes it their mean.
    """

    def __init__(self, shape: RankerShape, dimension: int, power: float) -> None:
        super().__init__()
        self.power = power
        self.history = nn.Embedding(shape.items, dimension)
        self.users = nn.Embedding(shape.user_features, dimension)
        self.items = nn.Embedding(shape.items, dimension)
        self.features = nn.Linear(len(shape.item_features), dimension, bias=False) if shape.item_features else None
        for table in (self.history, self.users, self.items):
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
        person = self._done(history, candidates, candidate_query) + self._attributes(user_features)[candidate_query]
        item = self.items(candidates)
        if self.features is not None:
            item = item + self.features(candidate_features)
        return person, item

    def _done(self, history: Tensor, candidates: Tensor, candidate_query: Tensor) -> Tensor:
        known = (history != PADDING).to(torch.float32)
        table = self.history.weight
        if self.training and len(history) * len(table) <= _MOST_COUNTS:
            counts = torch.zeros(len(history), len(table)).scatter_add_(1, history.clamp(min=0), known)
            total, own = counts @ table, counts[candidate_query, candidates][:, None]
            if not own.any():
                return self._scaled(total, known.sum(dim=1, keepdim=True))[candidate_query]
        else:
            total = torch.matmul(known[:, None], self.history(history.clamp(min=0))).squeeze(1)
            own = (history[candidate_query] == candidates[:, None]).sum(dim=1, keepdim=True)
        number = known.sum(dim=1, keepdim=True)[candidate_query] - own
        return self._scaled(total[candidate_query] - own * self.history(candidates), number)

    def _scaled(self, total: Tensor, number: Tensor) -> Tensor:
        scaled: Tensor = total / number.clamp(min=1.0) ** self.power
        return scaled

    def _attributes(self, user_features: UserFeatures) -> Tensor:
        if isinstance(user_features, UserSlots):
            looked_up: Tensor = (self.users(user_features.columns) * user_features.values[..., None]).sum(dim=1)
            return looked_up
        return user_features @ self.users.weight
