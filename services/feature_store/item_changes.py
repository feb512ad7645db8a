"""Items beside those of the snapshots: what was upserted, and what was withdrawn, as numbered changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from shared.event_log.records import ItemRecord
from shared.features import AttributeValue


class Item(msgspec.Struct, frozen=True):
    """An item to upsert or to withdraw.

    Attributes:
        item_id: Which.
        withdrawn: Whether it is to be withdrawn; then nothing else is said of it.
        title: For display.
        categories: Of the item.
        attributes: By name.
        text: A description.
    """

    item_id: str
    withdrawn: bool = False
    title: str = ""
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = {}
    text: str = ""


class ItemChange(NamedTuple):
    """The last change of an item.

    Attributes:
        version: Of the change; rises by one with each, over all items.
        number: Of the item, for as long as there is a store: from 0 on, in the order in which items were first changed.
        changed_at_ms: When, in milliseconds since 1970, UTC.
        item: As it is since.
    """

    version: int
    number: int
    changed_at_ms: int
    item: Item


class ItemPlace(msgspec.Struct, frozen=True, array_like=True):
    """What is to be known of a changed item without reading what it says: a msgpack array of these fields, in this order.

    Attributes:
        number: Of the item.
        version: Of its last change.
        changed_at_ms: When that was, in milliseconds since 1970, UTC.
        withdrawn: Whether it is withdrawn.
        upserted: Whether it was ever upserted.
    """

    number: int
    version: int
    changed_at_ms: int
    withdrawn: bool
    upserted: bool


class Changed(msgspec.Struct, frozen=True):
    """What became of a batch of items, in its order.

    Attributes:
        before: The place of each item before, None where it was never changed.
        places: The place of each item now, by id.
    """

    before: Sequence[ItemPlace | None]
    places: Mapping[str, ItemPlace]


class StoredChange(msgspec.Struct, frozen=True, array_like=True):
    """A change as stored: a msgpack array of these fields, in this order. Its version is stored beside it."""

    number: int
    changed_at_ms: int
    item_id: str
    withdrawn: bool
    title: str
    categories: tuple[str, ...]
    attributes: dict[str, AttributeValue]
    text: str


def change_places(
    items: Sequence[Item], before: Sequence[ItemPlace | None], last_version: int, count: int, at_ms: int
) -> Changed:
    """Returns the places of items that are changed.

    Args:
        items: The items, no id twice.
        before: The place of each, None where it was never changed.
        last_version: Of all changes so far.
        count: How many items were ever changed.
        at_ms: When they are changed, in milliseconds since 1970, UTC.
    """
    places: dict[str, ItemPlace] = {}
    for version, (item, old) in enumerate(zip(items, before, strict=True), start=last_version + 1):
        number, changed_at_ms = count, at_ms
        if old is None:
            count += 1
        else:
            number = old.number
            # The times of an item's changes rise, however the clock is set: by them a replay knows what is stored.
            changed_at_ms = max(at_ms, old.changed_at_ms + 1)
        upserted = not item.withdrawn or (old is not None and old.upserted)
        places[item.item_id] = ItemPlace(number, version, changed_at_ms, item.withdrawn, upserted)
    return Changed(before, places)


def encode_change(item: Item, place: ItemPlace) -> bytes:
    """Returns the bytes that `decode_change` turns back into the change."""
    return _encoder.encode(
        StoredChange(
            place.number,
            place.changed_at_ms,
            item.item_id,
            item.withdrawn,
            item.title,
            item.categories,
            dict(item.attributes),
            item.text,
        )
    )


def decode_change(version: int, encoded: bytes) -> ItemChange:
    """Returns the change in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are none.
    """
    stored = _change_decoder.decode(encoded)
    item = Item(stored.item_id, stored.withdrawn, stored.title, stored.categories, stored.attributes, stored.text)
    return ItemChange(version, stored.number, stored.changed_at_ms, item)


def encode_place(place: ItemPlace) -> bytes:
    """Returns the bytes that `decode_place` turns back into the place."""
    return _encoder.encode(place)


def decode_place(encoded: bytes) -> ItemPlace:
    """Returns the place in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are none.
    """
    return _place_decoder.decode(encoded)


def item_record(item: Item, place: ItemPlace) -> ItemRecord:
    """Returns what a change of an item is in the log."""
    return ItemRecord(
        item.item_id,
        item.withdrawn,
        place.changed_at_ms,
        item.title,
        item.categories,
        dict(item.attributes),
        item.text,
    )


_encoder = msgspec.msgpack.Encoder()
_change_decoder = msgspec.msgpack.Decoder(StoredChange)
_place_decoder = msgspec.msgpack.Decoder(ItemPlace)


class ItemChangeStore(Protocol):
    """Remembers changes of items. What a write acknowledged is on disk."""

    async def change(
        self,
        items: Sequence[Item],
        at_ms: int,
        check: Callable[[], None],
        publish: Callable[[Changed], None],
    ) -> Changed:
        """Changes items, all or none.

        Args:
            items: The items, no id twice.
            at_ms: When they are changed, in milliseconds since 1970, UTC.
            check: Is called before anything is changed, when everything that was changed before is published; what it
                raises refuses the change.
            publish: Is told what was changed once it is on disk, whether or not the caller still waits, one change after
                the other.

        Raises:
            Overloaded: too much is waiting to be written.
            StorageFull: there is no room for them.
            Unavailable: the store is closing.
        """
        ...

    def places(self) -> Iterator[tuple[str, ItemPlace]]:
        """Yields the id and the place of each item that was ever changed, as of one moment."""
        ...

    def changes(self, after: int, limit: int, limit_bytes: int) -> tuple[list[ItemChange], bool]:
        """Returns the changes after a version by rising version, and whether there are more.

        Args:
            after: The version.
            limit: How many to return at most.
            limit_bytes: After how many stored bytes to stop; the first change is returned whatever its size.
        """
        ...
