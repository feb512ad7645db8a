"""What the tests of the contract know of a store: its Protocols, and nothing else."""

from collections.abc import Sequence
from typing import Protocol

from services.feature_store.events import Event
from services.feature_store.item_changes import ItemChangeStore
from services.feature_store.known_views import DefinitionStore
from services.feature_store.store import ExposureLog, ItemStore, UserStore
from services.feature_store.stored_user import StoredUser
from services.feature_store.user_change import remembered
from services.feature_store.user_record import Bounds
from shared.events import EventType

BOUNDS = Bounds(history=50, seen=20, filtered=100)
WINDOW_MS = 86_400_000
NOW_MS = 1_700_000_000_000


class AnyStore(UserStore, ItemStore, ExposureLog, DefinitionStore, Protocol):
    """A store of any kind."""

    @property
    def item_changes(self) -> ItemChangeStore:
        """What was upserted and withdrawn."""
        ...


def event(event_id: str, item_id: str = "i", at_ms: int = 0, user_id: str = "u", kind: int = EventType.VIEW) -> Event:
    """Returns an event, with defaults for what does not matter."""
    return Event(event_id, user_id, item_id, kind, at_ms)


async def read_all(store: AnyStore, user_ids: Sequence[str]) -> list[StoredUser | None]:
    """Returns what a store remembers of users, with everything in the record."""
    return [None if parts is None else remembered(parts, BOUNDS).stored for parts in await store.read(user_ids)]
