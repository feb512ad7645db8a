"""What changed about items, read from the feature store."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import grpc
from rich.markup import escape
from rich.table import Table

from services.cli.failure import Failure
from services.cli.output import console, print_json
from shared.channel import channel_options
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class ItemChange:
    """The last change of an item.

    Attributes:
        item_id: The item.
        withdrawn: Whether it is withdrawn.
        changed_at: When it changed, as RFC 3339.
        title: Of an item that is not withdrawn.
        categories: Of an item that is not withdrawn.
    """

    item_id: str
    withdrawn: bool
    changed_at: str
    title: str
    categories: tuple[str, ...]


def read_all(target: str) -> list[ItemChange]:
    """Returns the last change of every item that was ever upserted or withdrawn, oldest first.

    Raises:
        Failure: the store cannot be reached, or failed.
    """
    found: list[ItemChange] = []
    after, more = 0, True
    with grpc.insecure_channel(target, channel_options(retry=True)) as channel:
        store = FeatureStoreServiceStub(channel)
        while more:
            try:
                page = store.ListItemChanges(pb.ListItemChangesRequest(after_version=after), timeout=_TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                raise Failure(_sentence(error, target)) from error
            found += map(_change, page.changes)
            after, more = page.version, page.more
    return found


def show(changes: Sequence[ItemChange], as_json: bool) -> None:
    """Prints the changes."""
    if as_json:
        print_json([asdict(change) for change in changes])
        return
    if not changes:
        console().print("No item was upserted or withdrawn.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("item", style="dim")
    table.add_column("title", style="bold")
    table.add_column("categories")
    table.add_column("changed", style="dim")
    for change in changes:
        title = "[red]withdrawn[/]" if change.withdrawn else escape(change.title)
        table.add_row(escape(change.item_id), title, escape(", ".join(change.categories)), change.changed_at)
    console().print(table)


def _change(change: pb.ItemChange) -> ItemChange:
    when = datetime.fromtimestamp(change.changed_at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return ItemChange(change.item.item_id, change.withdrawn, when, change.item.title, tuple(change.item.categories))


def _sentence(error: grpc.RpcError, target: str) -> str:
    call: grpc.Call = error  # type: ignore[assignment]  # what gRPC raises is both
    if call.code() is grpc.StatusCode.UNAVAILABLE:
        return (
            f"The feature store at {target} cannot be reached. "
            "Start the suite with `winnow serve`, or name another with --target."
        )
    return f"The feature store at {target} failed: {call.details()}."
