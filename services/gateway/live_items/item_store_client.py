"""The feature store's changes of items over gRPC."""

from collections.abc import Sequence

import grpc

from services.gateway.backend import Backend
from services.gateway.live_items.changes import ChangePage, ItemChange, NewItem, Upserted
from shared import logs
from shared.features import AttributeValue
from shared.snapshot.catalogue import CatalogueItem
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub


class ItemStoreClient:
    """An `ItemStore`.

    Args:
        channel: To the feature store.
        backend: Makes the calls.
    """

    def __init__(self, channel: grpc.aio.Channel, backend: Backend) -> None:
        self._stub = FeatureStoreServiceStub(channel)
        self._backend = backend

    async def upsert_items(self, items: Sequence[NewItem], budget: float) -> Upserted:
        """See `ItemStore`."""
        request = pb.UpsertItemsRequest(items=[_item(item) for item in items])
        response = await self._backend.call(self._stub.UpsertItems, request, budget, [logs.request_id.get()])
        return Upserted(response.added, response.updated)

    async def withdraw_items(self, item_ids: Sequence[str], budget: float) -> int:
        """See `ItemStore`."""
        request = pb.WithdrawItemsRequest(item_ids=item_ids)
        response = await self._backend.call(self._stub.WithdrawItems, request, budget, [logs.request_id.get()])
        return response.withdrawn

    async def list_item_changes(self, after: int, budget: float) -> ChangePage:
        """See `ItemStore`."""
        request = pb.ListItemChangesRequest(after_version=after)
        response = await self._backend.ask_state(self._stub.ListItemChanges, request, budget)
        return ChangePage([_change(change) for change in response.changes], response.version, response.more)


def _item(item: NewItem) -> pb.Item:
    return pb.Item(
        item_id=item.item_id,
        title=item.title,
        categories=item.categories,
        attributes={name: _attribute(value) for name, value in item.attributes},
        text=item.text,
    )


def _attribute(value: AttributeValue) -> pb.AttributeValue:
    return pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)


def _change(change: pb.ItemChange) -> ItemChange:
    attributes: dict[str, AttributeValue] = {
        name: value.text if value.WhichOneof("value") == "text" else value.number
        for name, value in change.item.attributes.items()
    }
    item = CatalogueItem(change.item.item_id, change.item.title, tuple(change.item.categories), attributes)
    return ItemChange(change.number, change.changed_at_ms, change.withdrawn, item)
