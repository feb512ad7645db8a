"""Channels of a snapshot together with the items beside it."""

from typing import Protocol

import numpy as np

from services.recall.annoy_channel import AnnoyChannel
from services.recall.channel import NO_ROWS, Channel, Floats, Found, Rows
from services.recall.float_scores import FloatScores
from services.recall.live.known_changes import KnownChanges
from services.recall.live.lookup import MISSING
from services.recall.live.new_items import NewItems
from services.recall.scan import Scan
from services.recall.vector_index import askable, unit_vectors
from shared.tensors import Ragged


class HidingChannel(Channel, Protocol):
    """A channel of a snapshot that can leave out items for everybody."""

    def search(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows = NO_ROWS) -> list[Found]:
        """See `Channel.search`.

        Args:
            queries: float32 [queries, dimension], from `encode`.
            excluded: uint32 rows of the snapshot that must not be found, a list for each query.
            limit: How many to find at most, at least 1.
            hidden: Rising rows of the snapshot that must not be found by any query.
        """
        ...


class LiveChannel:
    """Finds the snapshot's items under the rows that they have now, and nothing that is withdrawn.

    A new item is in no such channel: nobody has met it yet, so it is not popular.

    Args:
        channel: Of the snapshot.
        items: Rows of the catalogue. Excluded rows at or beyond it mean items by their numbers.
        known: What changed of the snapshot's items.
        new: Items that the snapshot does not have.
    """

    def __init__(self, channel: HidingChannel, items: int, known: KnownChanges, new: NewItems) -> None:
        self._channel = channel
        self._items = items
        self._known = known
        self._new = new
        self.name = channel.name
        self.quota = channel.quota
        self.instant = channel.instant

    def encode(self, histories: Rows, user_features: Floats) -> Floats:
        """See `Channel.encode`; histories hold rows of the snapshot alone."""
        return self._channel.encode(histories, user_features)

    def search(self, queries: Floats, excluded: Ragged, limit: int) -> list[Found]:
        """See `Channel.search`; rows that nobody knows exclude nothing."""
        known, _ = self._parted(excluded)
        return self._search_known(queries, known, limit)

    def _search_known(self, queries: Floats, excluded: Ragged, limit: int) -> list[Found]:
        found = self._channel.search(queries, excluded, limit, self._known.hidden)
        return [self._known.rename(one, self._items) for one in found]

    def _parted(self, excluded: Ragged) -> tuple[Ragged, Ragged]:
        """Returns the excluded rows of the snapshot, and the places of excluded new items."""
        rows = excluded.values
        if not len(rows) or int(rows.max()) < self._items:
            return excluded, Ragged(NO_ROWS, np.zeros_like(excluded.offsets))
        own, places = self._own_rows(rows.astype(np.int64))
        known = Ragged(own.astype(np.uint32), excluded.offsets).where(own != MISSING)
        return known, Ragged(places, excluded.offsets).where(places != MISSING)

    def _own_rows(self, rows: Rows) -> tuple[Rows, Rows]:
        """Returns, for each row, that in the snapshot and the place among new items; `MISSING` where it has none."""
        numbers = rows - self._items
        own = np.where(numbers < 0, rows, self._known.own_row.get(numbers))
        return own, self._new.places.get(numbers)


class LiveVectorChannel(LiveChannel):
    """Searches new items too, exactly, and by the same score as known ones.

    Args:
        channel: Of the snapshot.
        items: Rows of the catalogue.
        known: What changed of the snapshot's items.
        new: Items that the snapshot does not have.
        vectors: float32 [new, dimension], where they are in this channel's space.
    """

    def __init__(self, channel: AnnoyChannel, items: int, known: KnownChanges, new: NewItems, vectors: Floats) -> None:
        super().__init__(channel, items, known, new)
        self._index = channel.index
        self._vectors = vectors
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        self._longest = float(lengths.max(initial=0.0))
        # Not by small integers: they pay for what they cost to prepare only where there are many more items.
        self._products = Scan(vectors, FloatScores(vectors, self._longest))
        self._cosines = Scan.by_cosine(vectors, lengths)

    def search(self, queries: Floats, excluded: Ragged, limit: int) -> list[Found]:
        """See `LiveChannel.search`."""
        known, new = self._parted(excluded)
        found = self._search_known(queries, known, limit)
        asked = askable(queries, self._longest)
        return self._joined(self._products, queries[asked], asked, new, limit, found=found)

    def similar(self, rows: Rows, limit: int) -> list[Found]:
        """See `SimilarityChannel.similar`; rows may be those of changed and of new items. What nobody knows is like nothing."""
        own, places = self._own_rows(rows)
        vectors = np.zeros((len(rows), self._index.dimension), dtype=np.float32)
        vectors[own != MISSING] = self._index.vectors_of(own[own != MISSING])
        vectors[places != MISSING] = self._vectors[places[places != MISSING]]
        found = self._index.alike(vectors, _present(own), limit, self._known.hidden)
        found = [self._known.rename(one, self._items) for one in found]
        directions, asked = unit_vectors(vectors)
        return self._joined(self._cosines, directions, asked, _present(places), limit, found=found)

    def _joined(
        self, scan: Scan, queries: Floats, asked: Rows, excluded: Ragged, limit: int, *, found: list[Found]
    ) -> list[Found]:
        """Returns what was found together with the new items that a scan finds for those queries that are asked."""
        if not len(self._new) or not len(asked):
            return found
        joined = list(found)
        beside = scan.search(queries, excluded.take(asked), limit)
        for query, new in zip(asked.tolist(), beside, strict=True):
            known = found[query]
            rows = np.concatenate([known.rows, self._items + self._new.numbers[new.rows]])
            joined[query] = Found.best(rows, np.concatenate([known.scores, new.scores]), limit, exact=known.exact)
        return joined


def _present(values: Rows) -> Ragged:
    """Returns a list for each value, with it or, where it is missing, with nothing."""
    return Ragged(values, np.arange(len(values) + 1)).where(values != MISSING)
