"""Changes of items, in few words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.live_items.changes import ChangePage, ItemChange, NewItem, Upserted
from services.gateway.live_items.snapshot import LiveSnapshot, beside
from services.gateway.snapshot import GatewaySnapshot
from shared.snapshot.catalogue import CatalogueItem

#: When the snapshots of `snapshot_of` were made: 2026-01-01.
CREATED_MS = 1_767_225_600_000
LATER_MS = CREATED_MS + 1


def upserted(
    number: int,
    item_id: str,
    *categories: str,
    at_ms: int = LATER_MS,
    title: str = "changed",
    year: float = 1900.0,
) -> ItemChange:
    """Returns that an item was upserted."""
    return ItemChange(number, at_ms, False, CatalogueItem(item_id, title, categories, {"year": year}))


def withdrawn(number: int, item_id: str, at_ms: int = LATER_MS) -> ItemChange:
    """Returns that an item was withdrawn."""
    return ItemChange(number, at_ms, True, CatalogueItem(item_id, ""))


def live(snapshot: GatewaySnapshot, *changes: ItemChange) -> LiveSnapshot:
    """Returns a snapshot with changes, one of which counts at least."""
    served = beside(snapshot, changes)
    assert isinstance(served, LiveSnapshot)
    return served


@dataclass
class FakeItemStore:
    """Keeps changes in a list, two to a page.

    Attributes:
        changes: What changed; of each item the last.
        failure: Why every call fails; None to answer.
        kind: What a failure is said to be.
        asked: After which versions changes were asked for.
        upserted: What was upserted.
        withdrawn: What was withdrawn.
    """

    changes: dict[int, ItemChange] = field(default_factory=dict)
    failure: Reason | None = None
    kind: str = ""
    asked: list[int] = field(default_factory=list)
    upserted: list[NewItem] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    def put(self, change: ItemChange) -> None:
        """Changes an item."""
        last = max(self.changes, default=0)
        old = [version for version, one in self.changes.items() if one.item.id == change.item.id]
        for version in old:
            del self.changes[version]
        self.changes[last + 1] = change

    async def upsert_items(self, items: Sequence[NewItem], budget: float) -> Upserted:
        """Keeps the items."""
        self._answer_or_fail(budget)
        self.upserted += items
        for item in items:
            self.put(upserted(len(self.changes), item.item_id, *item.categories, title=item.title))
        return Upserted(len(items), 0)

    async def withdraw_items(self, item_ids: Sequence[str], budget: float) -> int:
        """Keeps the ids."""
        self._answer_or_fail(budget)
        self.withdrawn += item_ids
        return len(item_ids)

    async def list_item_changes(self, after: int, budget: float) -> ChangePage:
        """Returns the next two changes."""
        self.asked.append(after)
        self._answer_or_fail(budget)
        versions = sorted(version for version in self.changes if version > after)
        page = [self.changes[version] for version in versions[:2]]
        if not page:
            return ChangePage((), min(after, max(self.changes, default=0)), more=False)
        return ChangePage(page, versions[:2][-1], more=len(versions) > 2)

    def _answer_or_fail(self, budget: float) -> None:
        assert budget > 0
        if self.failure is not None:
            raise NeighbourFailed(self.failure, kind=self.kind)
