"""Requests to the feature store and its answers, in few words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.tensors import Ragged
from tests.contract.feature_store.serving import Serving
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

SNAPSHOT = "snapshot-1"

#: When the snapshots of the factory were made: 2026-01-01.
CREATED_MS = 1_767_225_600_000

_DTYPES = {pb.DATA_TYPE_FLOAT32: "<f4", pb.DATA_TYPE_UINT32: "<u4", pb.DATA_TYPE_UINT8: "u1"}


def item(row: int) -> str:
    """Returns the id of the item in a row of the snapshot."""
    return f"item-{row:05d}"


def attributes(values: Mapping[str, str | float]) -> dict[str, pb.AttributeValue]:
    """Returns attributes as messages."""
    return {
        name: pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)
        for name, value in values.items()
    }


def event(event_id: str = "e", item_id: str = item(0), **fields: Any) -> pb.Event:
    """Returns a view by user u at time 0, but for what is given."""
    given: dict[str, Any] = {"user_id": "u", "type": pb.EVENT_TYPE_VIEW} | fields
    return pb.Event(event_id=event_id, item_id=item_id, **given)


def record(*events: pb.Event) -> pb.RecordEventsRequest:
    """Returns a request to record events."""
    return pb.RecordEventsRequest(events=events)


def users(*user_ids: str, snapshot_id: str = SNAPSHOT, max_history: int = 0) -> pb.GetUsersRequest:
    """Returns a request for users."""
    return pb.GetUsersRequest(
        snapshot_id=snapshot_id, users=[pb.UserQuery(user_id=user_id) for user_id in user_ids], max_history=max_history
    )


def items(rows: Sequence[int], snapshot_id: str = SNAPSHOT) -> pb.GetItemsRequest:
    """Returns a request for items."""
    data = np.array(rows, dtype="<u4").tobytes()
    return pb.GetItemsRequest(
        snapshot_id=snapshot_id, rows=pb.Tensor(dtype=pb.DATA_TYPE_UINT32, shape=[len(rows)], data=data)
    )


def write(
    values: Sequence[Any] | NDArray[Any],
    item_ids: Sequence[str] = (item(0),),
    names: Sequence[str] = ("length",),
    at_ms: int | Sequence[int] = CREATED_MS + 1,
    snapshot_id: str = SNAPSHOT,
) -> pb.WriteItemFeaturesRequest:
    """Returns a request to write values [items, features], of one time or of one for each item."""
    matrix = np.array(values, dtype="<f4")
    return pb.WriteItemFeaturesRequest(
        snapshot_id=snapshot_id,
        item_ids=item_ids,
        feature_names=names,
        values=pb.Tensor(dtype=pb.DATA_TYPE_FLOAT32, shape=matrix.shape, data=matrix.tobytes()),
        written_at_ms=[at_ms] if isinstance(at_ms, int) else at_ms,
    )


def array(tensor: pb.Tensor) -> NDArray[Any]:
    """Returns the array in a tensor."""
    return np.frombuffer(tensor.data, dtype=_DTYPES[tensor.dtype]).reshape(tuple(tensor.shape))


def histories(answer: pb.GetUsersResponse) -> list[list[int]]:
    """Returns the rows in each user's history."""
    return [rows.tolist() for rows in Ragged(array(answer.history_rows), array(answer.history_offsets).astype(int))]


def seen(answer: pb.GetUsersResponse) -> list[list[int]]:
    """Returns the rows that each user has seen."""
    return [rows.tolist() for rows in Ragged(array(answer.seen_rows), array(answer.seen_offsets).astype(int))]


async def recorded_of(store: Serving, user_id: str) -> int:
    """Returns how many events are kept in one user's history, whether or not they are of the same item."""
    told = [answer.place async for answer in store.stub.ExportUser(pb.ExportUserRequest(user_id=user_id))]
    return told.count("history")


async def history_of(store: Serving, user_id: str, snapshot_id: str = SNAPSHOT) -> list[int]:
    """Returns the rows of all that is kept of one user's history."""
    answer = await store.stub.GetUsers(users(user_id, snapshot_id=snapshot_id, max_history=1_000))
    return histories(answer)[0]
