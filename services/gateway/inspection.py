"""What only an explanation asks of the neighbours. Every call raises NeighbourFailed and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Rows
from services.gateway.neighbours import User, ValueState
from services.gateway.snapshot import GatewaySnapshot


@dataclass(frozen=True)
class ItemStates:
    """Whence the values of items' features are.

    Attributes:
        states: For each item, whence each value is: `DEFAULT` where none was written and the snapshot's own is served,
            `EXPIRED` where what was written has outlived its time to live and the snapshot's own is served.
        ages: For each item, the seconds since each value was written; 0 where none was.
    """

    states: Sequence[Sequence[ValueState]]
    ages: Sequence[Sequence[int]]


@dataclass(frozen=True)
class ItemFeatures:
    """Items' features and whence they are.

    Attributes:
        features: float32 [items, item features].
        states: None where the feature store does not tell.
    """

    features: NDArray[np.float32]
    states: ItemStates | None = None


@dataclass(frozen=True)
class ScoringQuery:
    """Items to score for a user.

    Attributes:
        user: The user.
        rows: uint32 [n].
        item_features: float32 [n, item features].
    """

    user: User
    rows: Rows
    item_features: NDArray[np.float32]


class ItemInspection(Protocol):
    """Tells whence items' features are. Each call may take `budget` seconds."""

    async def inspect_items(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> ItemFeatures:
        """Returns the features of the rows."""
        ...


class ComparingRanking(Protocol):
    """Scores several queries side by side. Each call may take `budget` seconds."""

    async def score_all(
        self, snapshot: GatewaySnapshot, queries: Sequence[ScoringQuery], budget: float
    ) -> Sequence[NDArray[np.float32]]:
        """Returns for each query float32 [n, objectives], from one call. Scores may be NaN or infinite."""
        ...
