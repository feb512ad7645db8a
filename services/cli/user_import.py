"""A data set's users for the feature store: their attributes and past events, in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import numpy as np
from rich.progress import Progress

from services.cli.failure import Failure
from services.cli.output import remarks
from services.training.datasets import Dataset, DatasetError, Sequences, leave_last_out, load_dataset
from shared.channel import channel_options
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

#: The contract's limits on one request and on one user of it.
MAX_USERS = 1_024
MAX_EVENTS_OF_USER = 20_000

# Keeps a request of long ids well below 16 MiB.
_MAX_EVENTS = 40_000
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Imported:
    """What one batch, or all, brought in: users, and events that were new."""

    users: int
    events: int


def load(folder: Path) -> Dataset:
    """Reads a data set.

    Raises:
        Failure: the folder holds none that can be used.
    """
    try:
        return load_dataset(folder)
    except DatasetError as error:
        raise Failure(str(error)) from error


def imported_users(dataset: Dataset, skip_last: int = 0) -> Iterator[pb.ImportedUser]:
    """Yields every user; one with more events than a message may hold comes several times.

    Args:
        dataset: The users, what they did, and the items they did it with.
        skip_last: How many of the newest events of each user's history to leave out; a user who has no more than these
            keeps them, as in `leave_last_out`, by which models are judged.
    """
    sequences = dataset.sequences()
    history = dataset.histories()
    if skip_last:
        history = leave_last_out(history, skip_last).train
    waved_away = sequences.where(~sequences.viewed)
    item_ids = np.array([item.id for item in dataset.items], dtype=object)
    for row, user in enumerate(dataset.users):
        attributes = {name: _attribute(value) for name, value in user.attributes.items()}
        pieces = [(source, events) for source in (history, waved_away) for events in _pieces(source, row)]
        # A user without events is known by attributes.
        for source, events in pieces or [(history, slice(0, 0))]:
            yield pb.ImportedUser(
                user_id=user.id,
                attributes=attributes,
                item_ids=item_ids[source.items[events]].tolist(),
                occurred_at_ms=source.timestamps[events].tolist(),
                types=_types(source.types[events].tolist()),
                attributes_written_at_ms=user.updated_ms or 0,
            )


def _types(types: list[int]) -> "list[pb.EventType.ValueType]":
    # The contract's numbers are those of `shared.events`. One holds for all, and most users did but one kind of thing.
    return cast("list[pb.EventType.ValueType]", types if len(set(types)) > 1 else types[:1])


def batches(users: Iterable[pb.ImportedUser]) -> Iterator[list[pb.ImportedUser]]:
    """Groups users so that each group fits in a request."""
    batch: list[pb.ImportedUser] = []
    events = 0
    for user in users:
        if batch and (len(batch) == MAX_USERS or events + len(user.item_ids) > _MAX_EVENTS):
            yield batch
            batch, events = [], 0
        batch.append(user)
        events += len(user.item_ids)
    if batch:
        yield batch


def import_all(dataset: Dataset, target: str, skip_last: int = 0) -> Imported:
    """Stores all users in the feature store at `target`, with a progress bar. Safe to repeat.

    Raises:
        Failure: the store cannot be reached, or refused a batch; those before it are stored.
    """
    users = events = 0
    with Progress(console=remarks(), transient=True) as progress:
        task = progress.add_task("Importing users", total=len(dataset.users))
        for batch in _send(target, imported_users(dataset, skip_last)):
            progress.advance(task, batch.users)
            users += batch.users
            events += batch.events
    return Imported(users, events)


def _send(target: str, users: Iterable[pb.ImportedUser]) -> Iterator[Imported]:
    with grpc.insecure_channel(target, channel_options(retry=True)) as channel:
        store = FeatureStoreServiceStub(channel)
        for batch in batches(users):
            try:
                answer = store.ImportUsers(pb.ImportUsersRequest(users=batch), timeout=_TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                raise Failure(_sentence(error, target, batch[0].user_id)) from error
            yield Imported(answer.users, answer.recorded)


def _pieces(sequences: Sequences, user: int) -> Iterator[slice]:
    start, end = int(sequences.offsets[user]), int(sequences.offsets[user + 1])
    for first in range(start, end, MAX_EVENTS_OF_USER):
        yield slice(first, min(first + MAX_EVENTS_OF_USER, end))


def _attribute(value: str | float) -> pb.AttributeValue:
    return pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)


def _sentence(error: grpc.RpcError, target: str, first_user: str) -> str:
    call: grpc.Call = error  # type: ignore[assignment]  # what gRPC raises is both
    if call.code() is grpc.StatusCode.UNAVAILABLE:
        return (
            f"The feature store at {target} cannot be reached. "
            "Start the suite with `winnow serve`, or name another with --target."
        )
    return f"The feature store at {target} refused the batch that begins with user {first_user!r}: {call.details()}."
