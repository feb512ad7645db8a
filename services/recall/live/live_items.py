"""What is beside one snapshot, kept up with the changes of items."""

from collections.abc import Callable, Sequence

import numpy as np
import structlog

from services.recall.annoy_channel import AnnoyChannel
from services.recall.channel import NO_ROWS, Rows
from services.recall.live.changes import ChangePage, ItemChange
from services.recall.live.companions import Companions
from services.recall.live.delta import Delta
from services.recall.live.item_rows import ItemRows
from services.recall.live.known_changes import KnownChanges
from services.recall.live.live_channel import HidingChannel
from services.recall.live.new_items import NewItems
from services.recall.live.placing import STAND_INS, Placer
from shared.tensors import Ragged

#: New items beside a snapshot, at most: 40 MiB of vectors. The feature store refuses more than 10,000 unless told to.
MOST_NEW_ITEMS = 50_000

#: Rows travel as uint32.
_ROWS = 1 << 32

log = structlog.get_logger()


class LiveItems:
    """The items beside one snapshot.

    Args:
        items: Rows of the catalogue.
        created_ms: When the snapshot was made, in milliseconds since 1970, UTC: it has learnt from earlier changes.
        channels: The snapshot's.
        read_rows: Reads which rows its item ids have. Asked once, when the first change comes.
        placer: Places new items; without one the snapshot takes none.
        companions: Learns with what new items are taken, to place them by that too; without it words alone place them.
    """

    def __init__(
        self,
        items: int,
        created_ms: int,
        channels: Sequence[HidingChannel],
        read_rows: Callable[[], ItemRows],
        placer: Placer | None,
        *,
        companions: Companions | None = None,
    ) -> None:
        self._items = items
        self._created_ms = created_ms
        self._channels = channels
        self._read_rows = read_rows
        self._rows: ItemRows | None = None
        self._placer = placer
        self._companions = companions
        dimensions = [channel.index.dimension for channel in channels if isinstance(channel, AnnoyChannel)]
        new = NewItems.nothing(STAND_INS, dimensions)
        #: The new items where their words put them.
        self._by_words = new
        #: A delta that holds nothing, for requests that name items beside the snapshot all the same.
        self.nothing = Delta.beside(items, channels, KnownChanges.nothing(), new)
        #: What is beside the snapshot; None where nothing is. Replaced as a whole.
        self.delta: Delta | None = None
        #: The version of the changes that it has.
        self.version = 0

    def learn(self, histories: Ragged) -> None:
        """Learns from what users did, as they ask; takes a tenth of a millisecond where there are new items, and no time else."""
        if self._companions is not None and self.delta is not None and len(self.delta.new):
            self._companions.learn(histories, self.delta.new.places)

    def refine(self) -> None:
        """Places new items that were taken lately by what they are taken with. Called from the thread of `apply`."""
        if self._companions is None or self._placer is None or self.delta is None:
            return
        if not (company := self._companions.changed()):
            return
        moved = self._placer.accompany(self._by_words, company)
        if len(moved):
            known, new = self.delta.known, self.delta.new.updated(NO_ROWS, moved)
            self.delta = Delta.beside(self._items, self._channels, known, new)

    def apply(self, page: ChangePage) -> None:
        """Takes changes that follow on `version`. May take a second; called from one thread at a time, off the loop."""
        if page.changes:
            delta = self._updated(self.delta or self.nothing, page.changes)
            self.delta = delta if len(delta) else None
        self.version = page.version

    def _updated(self, delta: Delta, changes: Sequence[ItemChange]) -> Delta:
        if self._rows is None:
            self._rows = self._read_rows()
        named = [change for change in changes if self._items + change.number < _ROWS]
        rows = self._rows.rows_of([change.item_id for change in named])
        known = self._known(delta.known, named, rows)
        strangers = [change for change, row in zip(named, rows.tolist(), strict=True) if row < 0]
        return Delta.beside(self._items, self._channels, known, self._new(delta.new, strangers))

    def _known(self, known: KnownChanges, changes: Sequence[ItemChange], rows: Rows) -> KnownChanges:
        later = np.array([change.changed_at_ms > self._created_ms for change in changes], dtype=np.bool_) & (rows >= 0)
        numbers = np.array([change.number for change in changes], dtype=np.int64)
        withdrawn = np.array([change.withdrawn for change in changes], dtype=np.bool_)
        return known.updated(numbers[later], rows[later], withdrawn[later])

    def _new(self, new: NewItems, changes: Sequence[ItemChange]) -> NewItems:
        if self._placer is None:
            return new
        # Who cannot be placed by its new words must not stay where its old ones put it.
        gone = np.array([change.number for change in changes], dtype=np.int64)
        placed = self._placer.place([change for change in changes if not change.withdrawn])
        self._by_words = self._by_words.updated(gone, placed).first(MOST_NEW_ITEMS)
        if self._companions is not None:
            self._companions.forget({change.number for change in changes if change.withdrawn})
            self._companions.tell_again({change.number for change in changes})
        updated = new.updated(gone, placed)
        if len(updated) > MOST_NEW_ITEMS:
            log.error("too many new items; train a snapshot that has them", most=MOST_NEW_ITEMS, items=len(updated))
        return updated.first(MOST_NEW_ITEMS)
