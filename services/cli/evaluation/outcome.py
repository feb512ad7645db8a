"""What an evaluation found, and whether it is good enough."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from services.training.metrics import hit_rate, ndcg


@dataclass(frozen=True)
class Quality:
    """Means over users, each with the one item that came next, over the whole catalogue with what was seen masked.

    Attributes:
        hit_rate: HR@10.
        ndcg: NDCG@10.
    """

    hit_rate: float
    ndcg: float

    @classmethod
    def of_ranks(cls, ranks: NDArray[np.int64]) -> Self:
        """Returns the means for the ranks, from 1, of what came next."""
        return cls(float(hit_rate(ranks, 10).mean()), float(ndcg(ranks.astype(np.float64), 10).mean()))


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        dataset: Name of the data set.
        snapshot_id: The snapshot that answered.
        users: How many users were asked about.
        gateway: Of the answers of the whole funnel.
        recall: Of recall's order alone.
        popularity: Of the most frequent items.
        annoy_loss: By channel, the share of exact search's 200 that the index loses.
        degraded: Answers, of the gateway and of recall alone, that did without something.
    """

    dataset: str
    snapshot_id: str
    users: int
    gateway: Quality
    recall: Quality
    popularity: Quality
    annoy_loss: Mapping[str, float]
    degraded: int

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json`."""
        return asdict(self) | {"annoy_loss": dict(self.annoy_loss)}


@dataclass(frozen=True)
class Floors:
    """The least that a snapshot must reach.

    Attributes:
        hit_rate: HR@10 through the gateway.
        over_popularity: HR@10 through the gateway over that of popularity.
        annoy_loss: The most that an index may lose.
    """

    hit_rate: float = 0.15
    over_popularity: float = 4.0
    annoy_loss: float = 0.03

    def missed(self, found: Evaluation) -> Iterator[str]:
        """Yields a sentence for each floor that is missed."""
        gateway, recall, popularity = found.gateway, found.recall, found.popularity
        if gateway.hit_rate < self.hit_rate:
            yield f"HR@10 through the gateway is {gateway.hit_rate:.4f}; at least {self.hit_rate} is wanted."
        if gateway.hit_rate < self.over_popularity * popularity.hit_rate:
            yield (
                f"HR@10 through the gateway is {gateway.hit_rate:.4f}; at least {self.over_popularity:g} times "
                f"popularity's {popularity.hit_rate:.4f} is wanted."
            )
        if gateway.ndcg <= recall.ndcg:
            yield f"Ranking does not help: NDCG@10 is {gateway.ndcg:.4f}, and in recall's order {recall.ndcg:.4f}."
        for channel, loss in found.annoy_loss.items():
            if loss > self.annoy_loss:
                yield f"The index of {channel} loses {loss:.1%} of exact search; at most {self.annoy_loss:.0%} is wanted."
        if found.degraded:
            yield f"{found.degraded} answers were degraded, so this measures something else than the suite."
