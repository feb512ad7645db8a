"""Changes of items, as the feature store tells of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ItemChange:
    """The last change of an item.

    Attributes:
        number: The item's, for as long as there is a feature store. Beside a snapshot of n items it has row n + number.
        item_id: The public id.
        title: Empty where the item is withdrawn, as are the next two.
        categories: Of any number.
        text: A description.
        withdrawn: Whether nobody is to find it any more.
        changed_at_ms: When, in milliseconds since 1970, UTC.
    """

    number: int
    item_id: str
    title: str
    categories: tuple[str, ...]
    text: str
    withdrawn: bool
    changed_at_ms: int


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some changes.

    Attributes:
        changes: By rising version.
        version: What to ask for next.
        more: Whether there are more.
    """

    changes: Sequence[ItemChange]
    version: int
    more: bool


class FeedUnavailable(Exception):
    """Nobody tells of changes now; what is known stays."""


class ChangeFeed(Protocol):
    """Who tells of changes."""

    async def changes_after(self, version: int) -> ChangePage:
        """Returns the first changes after a version, 0 for the beginning; of an item only its last change.

        Raises:
            FeedUnavailable: there is no answer.
        """
        ...
