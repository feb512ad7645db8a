"""Current values as requests to the feature store, each with how far in the log it reaches."""

from collections.abc import Iterable, Iterator

import numpy as np

from services.training.offline.current_values import CurrentValue
from shared.tensors import encode
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

#: The contract's limits on one request are above these, so that an answer comes soon and little is sent again.
MAX_USERS = 1_024
MAX_ITEMS = 4_096


def user_requests(values: Iterable[CurrentValue]) -> Iterator[tuple[int, int, pb.ImportUsersRequest]]:
    """Yields how far each request reaches, how many writes it carries, and the request."""
    batch: list[pb.ImportedUser] = []
    position = 0
    for value in values:
        if len(batch) == MAX_USERS:
            yield position, len(batch), pb.ImportUsersRequest(users=batch)
            batch = []
        position = value.position
        batch.append(
            pb.ImportedUser(
                user_id=value.entity_id,
                attributes={
                    name: pb.AttributeValue(text=one) if isinstance(one, str) else pb.AttributeValue(number=one)
                    for name, one in value.values.items()
                },
                # Zero would mean now.
                attributes_written_at_ms=max(1, value.written_at_ms),
            )
        )
    if batch:
        yield position, len(batch), pb.ImportUsersRequest(users=batch)


def item_requests(
    values: Iterable[CurrentValue], snapshot_id: str
) -> Iterator[tuple[int, int, pb.WriteItemFeaturesRequest]]:
    """Yields the same for features of items: a request has each item once, and the same features of all of them."""
    batch: dict[str, CurrentValue] = {}
    for value in values:
        differs = bool(batch) and next(iter(batch.values())).values.keys() != value.values.keys()
        if len(batch) == MAX_ITEMS or value.entity_id in batch or differs:
            yield _item_request(batch, snapshot_id)
            batch = {}
        batch[value.entity_id] = value
    if batch:
        yield _item_request(batch, snapshot_id)


def _item_request(batch: dict[str, CurrentValue], snapshot_id: str) -> tuple[int, int, pb.WriteItemFeaturesRequest]:
    writes = list(batch.values())
    names = sorted(writes[0].values)
    matrix = np.array([[write.values[name] for name in names] for write in writes], dtype=np.float32)
    request = pb.WriteItemFeaturesRequest(
        snapshot_id=snapshot_id,
        item_ids=list(batch),
        feature_names=names,
        values=encode(matrix, pb.Tensor),
        written_at_ms=[write.written_at_ms for write in writes],
    )
    return writes[-1].position, len(writes), request
