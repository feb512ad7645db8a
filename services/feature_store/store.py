"""The seams between what the service does and where it keeps users, written item features and the log.

How a record changes is no part of a store: `user_change`, `stored_item` and `decayed_counters` say it, bytes in and bytes
out. A store reads the bytes, lets them be changed, and writes them, so that no other writer comes in between.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.portrait import Told
from services.feature_store.stored_item import StoredItem
from services.feature_store.stored_user import UserParts
from shared.event_log.records import ExposureRecord


class UserStore(Protocol):
    """Remembers users. What a write acknowledged is on disk and in the log, and every later read sees it."""

    async def read(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user, each as of one moment; None for a user nobody knows.

        The parts are as `stored_user` decodes them: reading costs a microsecond or two each, decoding a long history a
        hundred times that, so the caller says on which thread.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def read_item_counters(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events, for `decayed_counters`; empty for an item that no event named."""
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

        Of two values of one attribute the one that was written later stays.

        Raises:
            InvalidArgument: a user would have too many attributes.
            Overloaded: too many events are waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        ...


class PersonalStore(Protocol):
    """Answers who asks what is remembered of them, and forgets them."""

    async def forget_user(self, user_id: str) -> Mapping[str, int]:
        """Erases everything that is remembered of a user, from the log too.

        Once this returns no file has a byte of it. It goes on when the caller does not wait any more, and when the process
        ends before it is done, the next one finishes it. What is recorded of the user meanwhile may be erased too.

        Returns:
            How many records were erased in each place of `portrait.PLACES`.

        Raises:
            StorageFull: there is no room for the copies that this makes; it is finished when there is, at the next
                erasure or the next start.
            Unavailable: the store is closing.
        """
        ...

    def tell_user(self, user_id: str) -> Iterator[Told]:
        """Yields everything that is remembered of a user with its place: what is stored, then what the log has.

        Raises:
            LogDamaged: the log cannot be read.
        """
        ...


class ExposureLog(Protocol):
    """Takes what was shown to whom."""

    async def log_exposures(self, exposures: Sequence[ExposureRecord]) -> None:
        """Appends exposures to the log, all or none; once this returns they are as durable as events.

        Raises:
            Overloaded: too much is waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        ...


class ItemStore(Protocol):
    """Remembers what was written of items' features. What a write acknowledged is on disk and in the log."""

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
