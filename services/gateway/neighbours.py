"""The services that the gateway asks, as it sees them. Every call raises NeighbourFailed and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows
from services.gateway.query import Event
from services.gateway.snapshot import GatewaySnapshot
from shared.features import AttributeValue


@dataclass(frozen=True)
class User:
    """What is known of a user.

    Attributes:
        features: float32 [user features].
        history: uint32 [h], rows of the items in the history, oldest first.
        seen: uint32 [s], rows of the items that the user has seen.
        known: Whether the feature store knows the user.
    """

    features: NDArray[np.float32]
    history: Rows
    seen: Rows
    known: bool


@dataclass(frozen=True)
class Retrieved:
    """What recall found.

    Attributes:
        candidates: Best first.
        failed_channels: The channels that recall did without.
    """

    candidates: Candidates
    failed_channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """What became of events.

    Attributes:
        recorded: How many were new.
        duplicates: How many had been recorded before.
    """

    recorded: int
    duplicates: int


class FeatureStore(Protocol):
    """Remembers users, and holds the features of all items. Each call may take `budget` seconds."""

    async def get_user(
        self, snapshot: GatewaySnapshot, user_id: str, attributes: Mapping[str, AttributeValue], budget: float
    ) -> User:
        """Returns a user; `attributes` take precedence over stored ones."""
        ...

    async def get_item_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> NDArray[np.float32]:
        """Returns float32 [len(rows), item features]."""
        ...

    async def record_events(self, events: Sequence[Event], budget: float) -> Recorded:
        """Records all events or none; on return they are on disk."""
        ...


class Recall(Protocol):
    """Finds candidates. Each call may take `budget` seconds."""

    async def retrieve(
        self, snapshot: GatewaySnapshot, user: User, excluded: Rows, max_candidates: int, budget: float
    ) -> Retrieved:
        """Returns candidates for a user without the excluded rows."""
        ...

    async def retrieve_similar(
        self, snapshot: GatewaySnapshot, row: int, max_candidates: int, budget: float
    ) -> Retrieved:
        """Returns the items most like one, without it."""
        ...


class Ranking(Protocol):
    """Scores candidates. Each call may take `budget` seconds."""

    async def score(
        self, snapshot: GatewaySnapshot, user: User, rows: Rows, item_features: NDArray[np.float32], budget: float
    ) -> NDArray[np.float32]:
        """Returns float32 [len(rows), objectives], the columns in the order of the snapshot's objectives.

        Scores may be NaN or infinite: what to make of such a candidate is the pipeline's business.
        """
        ...


class SnapshotHolder(Protocol):
    """A service that says which snapshots it answers for."""

    @property
    def name(self) -> str:
        """What the service is called in logs."""
        ...

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """Returns ids, newest first; empty while none is loaded."""
        ...
