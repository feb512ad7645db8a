"""The services that the gateway asks, as it sees them. Every call raises NeighbourFailed and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows
from services.gateway.query import Event
from services.gateway.snapshot import GatewaySnapshot
from shared.features import AttributeValue


class ValueState(StrEnum):
    """Whence the value of a feature is."""

    PRESENT = "present"
    DEFAULT = "default"
    EXPIRED = "expired"


@dataclass(frozen=True)
class UserFields:
    """Whence the values of a user's declared fields are, each in the order of the snapshot's feature schema.

    Attributes:
        states: Whence each value is.
        ages: Seconds since each was written; 0 where it never was, or came with the request.
        values: Those that are present, by name, before they are transformed.
    """

    states: tuple[ValueState, ...]
    ages: tuple[int, ...]
    values: Mapping[str, AttributeValue]


@dataclass(frozen=True)
class User:
    """What is known of a user.

    Attributes:
        features: float32 [user features].
        history: uint32 [h], rows of the items in the history, oldest first.
        seen: uint32 [s], rows of the items that the user has seen.
        known: Whether the feature store knows the user.
        fields: Whence the values behind the features are; None where nobody asked or it was not told.
        items_as_trained: Whether the feature store said, when it told of the user, that nothing is written over the
            features that the snapshot has for its items.
    """

    features: NDArray[np.float32]
    history: Rows
    seen: Rows
    known: bool
    fields: UserFields | None = None
    items_as_trained: bool = False


@dataclass(frozen=True)
class WrittenFeatures:
    """What was written over the features that a snapshot has for some items; the others have the snapshot's own.

    Attributes:
        places: uint32 [w], the places of these items among those that were asked for, ascending.
        features: float32 [w, item features], all features of each.
    """

    places: NDArray[np.uint32]
    features: NDArray[np.float32]

    @classmethod
    def of_all(cls, features: NDArray[np.float32]) -> "WrittenFeatures":
        """Returns the features of all items, [n, item features], whatever the snapshot has for them."""
        return cls(np.arange(len(features), dtype=np.uint32), features)


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


@dataclass(frozen=True)
class Erased:
    """The receipt of an erasure.

    Attributes:
        records: How many records were erased, by place, those with none too.
        at_ms: When it was complete, in milliseconds since 1970, UTC.
    """

    records: Mapping[str, int]
    at_ms: int


class FeatureStore(Protocol):
    """Remembers users, and holds the features of all items. Each call may take `budget` seconds."""

    async def get_user(
        self,
        snapshot: GatewaySnapshot,
        user_id: str,
        attributes: Mapping[str, AttributeValue],
        budget: float,
        states: bool = False,
    ) -> User:
        """Returns a user; `attributes` take precedence over stored ones. Tells whence values are when `states` is set."""
        ...

    async def get_written_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> WrittenFeatures:
        """Returns what was written over the snapshot's features of the rows."""
        ...

    async def get_item_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> NDArray[np.float32]:
        """Returns float32 [len(rows), item features]: what was written, else the snapshot's own."""
        ...

    async def record_events(self, events: Sequence[Event], budget: float) -> Recorded:
        """Records all events or none; on return they are on disk."""
        ...

    async def forget_user(self, user_id: str, budget: float) -> Erased:
        """Erases everything that is remembered of a user."""
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
        self, snapshot: GatewaySnapshot, user: User, rows: Rows, written: WrittenFeatures | None, budget: float
    ) -> NDArray[np.float32]:
        """Returns float32 [len(rows), objectives], the columns in the order of the snapshot's objectives.

        The items have the snapshot's own features, but for what was written over them.

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
