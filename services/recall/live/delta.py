"""Everything that is beside a snapshot at one moment; never changed, only replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from services.recall.annoy_channel import AnnoyChannel
from services.recall.channel import Channel, Rows, SimilarityChannel
from services.recall.live.known_changes import KnownChanges
from services.recall.live.live_channel import HidingChannel, LiveChannel, LiveVectorChannel
from services.recall.live.lookup import MISSING
from services.recall.live.new_items import NewItems
from shared.tensors import Ragged


@dataclass(frozen=True, eq=False)
class Delta:
    """The channels of a snapshot with the items beside it.

    Attributes:
        items: Rows of the catalogue; rows at or beyond it are of items by their numbers.
        known: What changed of the snapshot's items.
        new: Items that it does not have.
        channels: All channels, in the order of the snapshot's.
        similarity_channels: Those that know which items are alike, in the same order.
    """

    items: int
    known: KnownChanges
    new: NewItems
    channels: tuple[Channel, ...]
    similarity_channels: tuple[SimilarityChannel, ...]

    @classmethod
    def beside(cls, items: int, channels: Sequence[HidingChannel], known: KnownChanges, new: NewItems) -> Self:
        """Returns the delta beside a snapshot's channels; `new` has the vectors of those that have vectors, in order."""
        vectors = iter(new.vectors)
        live = tuple(
            LiveVectorChannel(channel, items, known, new, next(vectors))
            if isinstance(channel, AnnoyChannel)
            else LiveChannel(channel, items, known, new)
            for channel in channels
        )
        alike = tuple(channel for channel in live if isinstance(channel, LiveVectorChannel))
        return cls(items, known, new, live, alike)

    def __len__(self) -> int:
        return len(self.known) + len(self.new)

    def rows_to_encode(self, histories: Ragged) -> Ragged:
        """Returns histories for encoders, which know the snapshot's items alone.

        A changed or withdrawn item is its own old row, a new one its first stand-in; what nobody knows is left out.
        """
        rows = histories.values.astype(np.int64)
        beyond = rows >= self.items
        rows[beyond] = self._stand_ins(rows[beyond])[:, 0]
        return Ragged(rows, histories.offsets).where(rows != MISSING)

    def stand_ins(self, rows: Rows) -> Rows:
        """Returns the stand-ins of found items beside the snapshot (int64, rows at or beyond `items`): int64 [rows, most].

        A changed item's is its own old row alone; a list that has fewer than the others repeats its last.
        """
        stand_ins = self._stand_ins(rows)
        return stand_ins if (stand_ins != stand_ins[:, :1]).any() else stand_ins[:, :1]

    def _stand_ins(self, rows: Rows) -> Rows:
        """Returns stand-ins, `MISSING` where nobody knows the item: int64 [rows, stand-ins]."""
        numbers = rows - self.items
        own, places = self.known.own_row.get(numbers), self.new.places.get(numbers)
        stand_ins = np.repeat(own[:, None], self.new.stand_ins.shape[1], axis=1)
        stand_ins[places != MISSING] = self.new.stand_ins[places[places != MISSING]]
        return stand_ins
