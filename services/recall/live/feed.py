"""Changes of items over gRPC."""

import grpc

from services.recall.live.changes import ChangePage, FeedUnavailable, ItemChange
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

#: Changes to ask for at once: the largest items that the contract allows fit that often in a message.
PAGE = 250

#: Longer than any page takes. Nobody waits for it but a snapshot that is being loaded.
TIMEOUT_SECONDS = 5.0


class FeatureStoreFeed:
    """A `ChangeFeed`.

    Args:
        channel: To the feature store.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = FeatureStoreServiceStub(channel)

    async def changes_after(self, version: int) -> ChangePage:
        """See `ChangeFeed`."""
        request = pb.ListItemChangesRequest(after_version=version, max_changes=PAGE)
        try:
            response = await self._stub.ListItemChanges(request, timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise FeedUnavailable(f"{error.code().name}: {error.details()}") from error
        return ChangePage([_change(change) for change in response.changes], response.version, response.more)


def _change(change: pb.ItemChange) -> ItemChange:
    item = change.item
    return ItemChange(
        number=change.number,
        item_id=item.item_id,
        title=item.title,
        categories=tuple(item.categories),
        text=item.text,
        withdrawn=change.withdrawn,
        changed_at_ms=change.changed_at_ms,
    )
