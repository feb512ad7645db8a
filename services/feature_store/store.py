"""The seam between what the service does and where users are kept."""

from collections.abc import Sequence
from typing import Protocol

from services.feature_store.events import Event, ImportedUser, Recorded


class UserStore(Protocol):
    """Remembers users. What a write acknowledged is on disk, and every later read sees it."""

    def read(self, user_ids: Sequence[str]) -> list[bytes | None]:
        """Returns what is stored of each user, as of one moment; None for a user nobody knows.

        The records are as `stored_user.decode_user` takes them: reading costs a microsecond or two each, decoding a
        long history a hundred times that, so the caller says on which thread.
        """
        ...

    async def record_events(self, events: Sequence[Event]) -> Recorded:
        """Records events, all or none. An event that was recorded before counts once.

        Raises:
            Overloaded: too many events are waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        ...

    async def import_users(self, users: Sequence[ImportedUser]) -> int:
        """Merges users into what is stored, all or none, and returns how many events were new.

        Raises:
            InvalidArgument: a user would have too many attributes.
            Overloaded: too many events are waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        ...
