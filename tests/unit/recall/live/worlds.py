"""A small snapshot's channels, and items beside it, for tests that compare with brute force."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.recall.annoy_channel import AnnoyChannel
from services.recall.live.changes import ItemChange
from services.recall.live.companions import Companions
from services.recall.live.item_rows import ItemRows
from services.recall.live.live_channel import HidingChannel
from services.recall.live.live_items import LiveItems
from services.recall.live.lookup import Lookup
from services.recall.live.placing import Placer
from services.recall.popularity_channel import PopularityChannel
from services.recall.search_cost import SearchCosts
from services.recall.vector_index import VectorIndex
from shared.word_projection import WordProjection
from tests.unit.recall.clustered import SCAN_IS_FREE, Vectors, clustered_vectors, index_over

ITEMS = 60
DIMENSION = 16
CREATED_MS = 1000
LATER_MS = 2000
NAMES = ("content", "other")
WORDS = ("sea", "storm", "winter", "robot", "desert", "night")


def item_id(row: int) -> str:
    """Returns the id of a known item."""
    return f"known-{row}"


def change(number: int, item: str, title: str = "", *, withdrawn: bool = False, at_ms: int = LATER_MS) -> ItemChange:
    """Returns a change."""
    return ItemChange(number, item, title, (), "", withdrawn, at_ms)


class World:
    """Two channels of vectors, the first by words, and one of popularity.

    Args:
        costs: Which way to search.
        seed: Of the vectors.
    """

    def __init__(self, costs: SearchCosts = SCAN_IS_FREE, seed: int = 0) -> None:
        content = clustered_vectors(ITEMS, DIMENSION, seed)
        self.content: Vectors = content / np.linalg.norm(content, axis=1, keepdims=True)
        self.other: Vectors = clustered_vectors(ITEMS, DIMENSION, seed + 1)
        self.weights = np.random.default_rng(seed).permutation(ITEMS).astype(np.float32)
        components = np.random.default_rng(seed).standard_normal((len(WORDS), DIMENSION), dtype=np.float32)
        self.projection = WordProjection(r"\w+", WORDS, np.ones(len(WORDS)), components)
        self.indexes: tuple[VectorIndex, ...] = tuple(index_over(one, costs) for one in (self.content, self.other))
        self.placer = Placer(self.projection, 0, self.indexes, self.weights)

    def live_items(self, placer: Placer | None = None, companions: Companions | None = None) -> LiveItems:
        """Returns what is beside the snapshot: nothing yet."""
        encoder: Any = None  # nothing is encoded here
        channels: list[HidingChannel] = [
            *(AnnoyChannel(name, 1.0, encoder, one) for name, one in zip(NAMES, self.indexes, strict=True)),
            PopularityChannel.of_weights("popularity", 1.0, self.weights),
        ]
        return LiveItems(ITEMS, CREATED_MS, channels, read_rows, placer or self.placer, companions=companions)


def read_rows() -> ItemRows:
    """Returns the rows of the known items."""
    return rows_of([item_id(row) for row in range(ITEMS)])


def rows_of(ids: Sequence[str]) -> ItemRows:
    """Returns rows of ids in order."""
    return ItemRows(Lookup.of(np.array([hash(one) for one in ids], dtype=np.int64), np.arange(len(ids))))
