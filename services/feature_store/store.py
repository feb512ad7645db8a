"""The seams between what the service does and where it keeps users and written item features."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.stored_item import StoredItem


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


class ItemStore(Protocol):
    """Remembers what was written of items' features. What a write acknowledged is on disk."""

    async def write_items(self, write: ItemWrite, publish: Callable[[WrittenItems], None]) -> WrittenItems:
        """Writes values, all or none; where a newer one of the same item and feature is stored, that one stays.

        Args:
            write: The values.
            publish: Is told what was written once it is on disk, whether or not the caller still waits. It is told of
                one write after the other, in the order in which they were stored.

        Raises:
            Overloaded: too much is waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        ...

    def items(self) -> Iterator[tuple[str, StoredItem]]:
        """Yields the id and the written features of each item that was written, as of one moment."""
        ...
