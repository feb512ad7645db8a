"""What was written of items' features, in LMDB."""

from collections.abc import Iterator
from typing import Any

import lmdb
import numpy as np

from services.feature_store.databases import ITEM_FEATURES
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.stored_item import NOTHING, StoredItem, decode_item, encode_item, merge_features
from services.feature_store.write_transaction import WriteTransaction
from shared.event_log.records import ItemFeaturesRecord


class LmdbItems:
    """The written features of items.

    Args:
        environment: From `open_store_folder`.
    """

    def __init__(self, environment: lmdb.Environment) -> None:
        self._environment = environment
        self._database: Any = environment.open_db(ITEM_FEATURES.encode())

    def merge(self, writing: WriteTransaction, write: ItemWrite, now_ms: int) -> WrittenItems:
        """Writes values; where a newer one of the same item and feature is stored, that one stays."""
        written = np.empty(write.values.shape, dtype=np.bool_)
        for place, (item_id, at_ms) in enumerate(zip(write.item_ids, write.times_ms.tolist(), strict=True)):
            key = item_id.encode()
            encoded = writing.lmdb.get(key, db=self._database)
            stored = NOTHING if encoded is None else decode_item(encoded)
            merged, written[place] = merge_features(stored, write.feature_names, write.values[place], at_ms)
            if written[place].any():
                writing.lmdb.put(key, encode_item(merged), db=self._database)
                numbers = zip(write.feature_names, write.values[place].tolist(), written[place], strict=True)
                values = {name: number for name, number, new in numbers if new}
                writing.records.append(ItemFeaturesRecord(item_id, values, at_ms, now_ms))
        return WrittenItems(write, written)

    def __iter__(self) -> Iterator[tuple[str, StoredItem]]:
        """Yields the id and the written features of each item that was written, as of one moment, in any one thread."""
        with self._environment.begin(db=self._database) as transaction, transaction.cursor() as cursor:
            for item_id, encoded in cursor:
                yield item_id.decode(), decode_item(encoded)
