"""A feature store that tells of changes of items, as the tests make them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from tests.fake_server import add_method
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

#: After the snapshots of the tests were made.
LATER_MS = 1_800_000_000_000

_METHOD = pb.DESCRIPTOR.services_by_name["FeatureStoreService"].methods_by_name["ListItemChanges"]


class FakeItems:
    """Keeps the last change of each item, and lists them a few at a time."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.asked: list[int] = []
        self._changes: dict[str, pb.ItemChange] = {}
        self._version = 0

    def upsert(
        self, item_id: str, title: str = "", categories: tuple[str, ...] = (), text: str = "", at_ms: int = LATER_MS
    ) -> int:
        """Adds or changes an item; returns its number."""
        item = pb.Item(item_id=item_id, title=title, categories=categories, text=text)
        return self._change(pb.ItemChange(item=item, changed_at_ms=at_ms))

    def withdraw(self, item_id: str, at_ms: int = LATER_MS) -> int:
        """Withdraws an item; returns its number."""
        return self._change(pb.ItemChange(item=pb.Item(item_id=item_id), withdrawn=True, changed_at_ms=at_ms))

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the method to a server."""
        add_method(_METHOD, self.list_item_changes, server)

    async def list_item_changes(self, request: pb.ListItemChangesRequest, _context: Any) -> pb.ListItemChangesResponse:
        """Answers a call."""
        return self.changes_after(request, None)

    def changes_after(self, request: pb.ListItemChangesRequest, _context: Any) -> pb.ListItemChangesResponse:
        """Lists at most three changes, so that there is often more."""
        self.asked.append(request.after_version)
        changes = sorted(self._changes.values(), key=lambda change: change.version)
        later = [change for change in changes if change.version > request.after_version]
        listed = later[: min(3, request.max_changes)]
        version = listed[-1].version if listed else request.after_version
        return pb.ListItemChangesResponse(changes=listed, version=version, more=len(later) > len(listed))

    def _change(self, change: pb.ItemChange) -> int:
        self._version += 1
        change.version = self._version
        change.number = self.numbers.setdefault(change.item.item_id, len(self.numbers))
        self._changes[change.item.item_id] = change
        return change.number


@contextmanager
def synchronous_server(items: FakeItems, pool: ThreadPoolExecutor) -> Iterator[str]:
    """Serves it on threads of this process, for a test without an event loop; gives the address."""
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    add_method(_METHOD, items.changes_after, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
