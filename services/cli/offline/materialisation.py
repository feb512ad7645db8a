"""Moving the offline store's current values to an online store."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
from rich.progress import Progress

from services.cli.failure import Failure
from services.cli.offline.failing import sentences
from services.cli.offline.requests import item_requests, user_requests
from services.cli.output import remarks
from services.training.offline.current_values import Values, current_values
from services.training.offline.store import OfflineStore
from shared.channel import channel_options
from shared.durable_files import replace_file
from shared.feature_views.durations import parse_duration
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

PROGRESS_FILE = "materialized.json"
_TIMEOUT_SECONDS = 60.0


class Reached(msgspec.Struct):
    """How far one online store has what the offline store has, by position in the log."""

    attributes: int = 0
    item_features: int = 0


class Materialised(msgspec.Struct):
    """What was sent.

    Attributes:
        users: Writes of users' attributes.
        items: Writes of items' features.
        refused: Writes of items' features that the store refused, by its reason.
    """

    users: int = 0
    items: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)


def materialise(store: OfflineStore, target: str, since: str) -> Materialised:
    """Sends what is new since the last time, or what was written since a moment.

    Every value goes with the time at which it came to be, so that the store keeps a newer one that it has; sending it
    twice changes nothing. How far it came is kept after each request: when cut off, it goes on from there.

    Args:
        store: Where the values are.
        target: Of the feature store.
        since: A moment as RFC 3339 or a length of time before now; empty for what is new to this target.

    Raises:
        Failure: the store cannot be reached or refused users, or `since` is no moment.
    """
    since_ms = _moment(since) if since else 0
    sent = Materialised()
    with sentences(), _calling(target) as stub, Progress(console=remarks(), transient=True) as progress:
        places = _Places(store.folder / PROGRESS_FILE, target)
        for table in ("attributes", "item_features"):
            after = 0 if since else getattr(places.reached, table)
            count, values = current_values(store, table, after=after, since_ms=since_ms)
            task = progress.add_task(table.replace("_", " ").capitalize(), total=count)
            if not count:
                continue
            requests: Iterator[Any] = (
                user_requests(values) if table == "attributes" else item_requests(values, _snapshot(stub, target))
            )
            send = _send_users if table == "attributes" else _send_items
            for position, writes, request in requests:
                send(stub, request, writes, sent)
                places.move(table, position)
                progress.advance(task, writes)
    return sent


def _send_users(stub: FeatureStoreServiceStub, request: Any, writes: int, sent: Materialised) -> None:
    stub.ImportUsers(request, timeout=_TIMEOUT_SECONDS)
    sent.users += writes


def _send_items(stub: FeatureStoreServiceStub, request: Any, writes: int, sent: Materialised) -> None:
    try:
        stub.WriteItemFeatures(request, timeout=_TIMEOUT_SECONDS)
        sent.items += writes
    except grpc.RpcError as error:
        call: grpc.Call = error  # type: ignore[assignment]  # what gRPC raises is both
        if call.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        # A feature that the snapshot no longer has must not keep the others back.
        sent.refused[f"{', '.join(request.feature_names)}: {call.details()}"] += writes


def _snapshot(stub: FeatureStoreServiceStub, target: str) -> str:
    held = stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest(), timeout=_TIMEOUT_SECONDS).snapshot_ids
    if not held:
        raise Failure(f"The feature store at {target} holds no snapshot, whose features items could have. Train one.")
    newest: str = held[0]
    return newest


class _Places:
    """How far each target has come, in a file beside the manifest."""

    def __init__(self, path: Path, target: str) -> None:
        self._path = path
        self._target = target
        try:
            self._all = msgspec.json.decode(path.read_bytes(), type=dict[str, Reached])
        except FileNotFoundError:
            self._all = {}
        except msgspec.MsgspecError as error:
            raise Failure(f"{path} cannot be read: {error}. Remove it to send everything anew.") from error
        self.reached = self._all.setdefault(target, Reached())

    def move(self, table: Values, position: int) -> None:
        setattr(self.reached, table, max(position, getattr(self.reached, table)))
        replace_file(self._path, msgspec.json.encode(self._all))


@contextmanager
def _calling(target: str) -> Iterator[FeatureStoreServiceStub]:
    with grpc.insecure_channel(target, channel_options(retry=True)) as channel:
        try:
            yield FeatureStoreServiceStub(channel)
        except grpc.RpcError as error:
            call: grpc.Call = error  # type: ignore[assignment]  # what gRPC raises is both
            if call.code() is grpc.StatusCode.UNAVAILABLE:
                problem = f"The feature store at {target} cannot be reached. What was sent is stored; run this again."
            else:
                problem = f"The feature store at {target} refused what was sent: {call.details()}."
            raise Failure(problem) from error


def _moment(text: str) -> int:
    """Milliseconds since 1970 of a moment, or of a length of time before now."""
    readers: tuple[Callable[[str], float], ...] = (
        lambda written: datetime.datetime.fromisoformat(written).timestamp(),
        lambda written: datetime.datetime.now(datetime.UTC).timestamp() - parse_duration(written),
    )
    for read in readers:
        try:
            return max(0, int(read(text) * 1000))
        except ValueError:
            continue
    raise Failure(f"--since {text!r} is neither a moment such as 2026-05-04T17:31:05Z nor a time such as 7d.", 2)
