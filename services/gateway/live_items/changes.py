"""What changed about items, and the store that keeps it, as the gateway sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.features import AttributeValue
from shared.snapshot.catalogue import CatalogueItem


class ItemChange(NamedTuple):
    """The last change of an item.

    Attributes:
        number: Of the item; beside a snapshot of n items it has row n + number.
        changed_at_ms: When, in milliseconds since 1970, UTC.
        withdrawn: Whether it is withdrawn.
        item: As it is since; of a withdrawn one the id alone.
    """

    number: int
    changed_at_ms: int
    withdrawn: bool
    item: CatalogueItem


class ChangePage(NamedTuple):
    """A part of what changed.

    Attributes:
        changes: By rising version; of each item the last.
        version: After which to ask next. Below what was asked for: the store is another one, and has to be read anew.
        more: Whether there are more.
    """

    changes: Sequence[ItemChange]
    version: int
    more: bool


@dataclass(frozen=True)
class NewItem:
    """An item to upsert.

    Attributes:
        item_id: Which.
        title: For display.
        categories: For display and filters.
        attributes: By name, for filters.
        text: A description, whose words help to find it.
    """

    item_id: str
    title: str
    categories: tuple[str, ...] = ()
    attributes: tuple[tuple[str, AttributeValue], ...] = ()
    text: str = ""


class Upserted(NamedTuple):
    """How many items the catalogue did not have before, and how many it had."""

    added: int
    updated: int


class ItemStore(Protocol):
    """Keeps changes of items. Each call may take `budget` seconds; it raises NeighbourFailed and nothing else."""

    async def upsert_items(self, items: Sequence[NewItem], budget: float) -> Upserted:
        """Adds or changes all items or none; on return they are on disk."""
        ...

    async def withdraw_items(self, item_ids: Sequence[str], budget: float) -> int:
        """Withdraws all items or none, and returns how many were there; on return that is on disk."""
        ...

    async def list_item_changes(self, after: int, budget: float) -> ChangePage:
        """Returns changes after a version, oldest first."""
        ...
