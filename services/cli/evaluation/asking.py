"""Asking the running services, many questions at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import numpy as np
from numpy.typing import NDArray

from services.cli.evaluation.questions import Questions
from services.cli.failure import Failure
from services.training.metrics.lists import NO_ITEM
from shared.channel import open_channel
from shared.tensors import Ragged, decode_ragged, with_tensors
from winnow.client import AsyncWinnowClient, WinnowError
from winnow.recall.v1 import recall_service_pb2 as pb
from winnow.recall.v1.recall_service_pb2_grpc import RecallServiceStub

#: The rank of an item that is not in the list: no metric at 10 tells it from the last of the catalogue.
UNRANKED = np.iinfo(np.int64).max

#: How many items the gateway is asked for.
RESULTS = 10

#: How many candidates recall is asked for.
MAX_CANDIDATES = 500

_IN_FLIGHT = 8
_QUERIES_AT_ONCE = 64
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Answers:
    """What the gateway recommended.

    Attributes:
        ranks: int64 [users], from 1; `UNRANKED` where the item that came next is not in the list.
        degraded: How many answers did without something.
        snapshot_ids: The snapshots that they came from.
        listed: The ids that each user was recommended, best first.
    """

    ranks: NDArray[np.int64]
    degraded: int
    snapshot_ids: frozenset[str]
    listed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Retrieved:
    """What recall found.

    Attributes:
        ranks: int64 [users], from 1, in recall's own order; `UNRANKED` where the item is not in the list.
        lists: int64 [users, `MAX_CANDIDATES`] rows, best first, `NO_ITEM` where a list has ended.
        degraded: How many lists did without a channel.
    """

    ranks: NDArray[np.int64]
    lists: NDArray[np.int64]
    degraded: int


async def ask_gateway(
    target: str, questions: Questions, results: int = RESULTS, advance: Callable[[int], None] = lambda _users: None
) -> Answers:
    """Asks for items for every user.

    Args:
        target: Where the gateway listens.
        questions: Whom to ask about.
        results: How many items; the first of a longer list are those of a shorter one.
        advance: Is told how many users more have been asked about.

    Raises:
        Failure: a call failed.
    """
    ranks = np.full(len(questions), UNRANKED)
    lists: list[tuple[str, ...]] = [()] * len(questions)
    snapshots: set[str] = set()
    degraded = 0
    waiting = iter(range(len(questions)))

    async def caller(client: AsyncWinnowClient) -> None:
        nonlocal degraded
        for user in waiting:
            result = await client.recommend(questions.user_ids[user], max_results=results, untracked=True)
            listed = lists[user] = tuple(item.item_id for item in result.items)
            if questions.target_ids[user] in listed:
                ranks[user] = listed.index(questions.target_ids[user]) + 1
            degraded += bool(result.degradations)
            snapshots.add(result.snapshot_id)
            advance(1)

    try:
        async with AsyncWinnowClient(target, timeout=_TIMEOUT_SECONDS) as client:
            await asyncio.gather(*(caller(client) for _ in range(_IN_FLIGHT)))
    except WinnowError as error:
        raise Failure(f"The gateway at {target} failed: {error.message} ({error.code.name}).") from error
    return Answers(ranks, degraded, frozenset(snapshots), tuple(lists))


async def ask_recall(
    target: str, questions: Questions, snapshot_id: str, user_features: NDArray[np.float32]
) -> Retrieved:
    """Asks recall alone, with the histories in the request.

    Many users in one request take longer than one in a request of the gateway, and a channel that takes too long is done
    without: such a request is asked again in halves, for what the running suite does not suffer from must not be measured.

    Raises:
        Failure: a call failed.
    """
    ranks = np.full(len(questions), UNRANKED)
    lists = np.full((len(questions), MAX_CANDIDATES), NO_ITEM)
    degraded = 0
    waiting = [range(start, min(start + _QUERIES_AT_ONCE, len(questions))) for start in _starts(len(questions))]
    channel = open_channel(target)
    recall = RecallServiceStub(channel)
    try:
        while waiting:
            users = waiting.pop()
            request = _retrieve_request(snapshot_id, questions, user_features, users)
            response = await recall.Retrieve(request, timeout=_TIMEOUT_SECONDS)
            if response.failed_channels and len(users) > 1:
                middle = len(users) // 2
                waiting += [users[middle:], users[:middle]]
                continue
            degraded += bool(response.failed_channels)
            found = decode_ragged(response.candidate_rows, response.candidate_offsets, "candidate", len(users), 1 << 31)
            for user, rows in zip(users, found, strict=True):
                lists[user, : len(rows)] = rows
                places = np.flatnonzero(rows == questions.targets[user])
                if len(places):
                    ranks[user] = places[0] + 1
    except grpc.aio.AioRpcError as error:
        raise Failure(f"Recall at {target} failed: {error.details()} ({error.code().name}).") from error
    finally:
        await channel.close()
    return Retrieved(ranks, lists, degraded)


def _starts(users: int) -> range:
    """Returns the first user of each request, the last request first: that is what is popped first of a list."""
    return range((users - 1) // _QUERIES_AT_ONCE * _QUERIES_AT_ONCE, -1, -_QUERIES_AT_ONCE)


def _retrieve_request(
    snapshot_id: str, questions: Questions, user_features: NDArray[np.float32], users: range
) -> pb.RetrieveRequest:
    histories = Ragged.of([questions.histories[user] for user in users], np.uint32)
    excluded = Ragged.of([questions.seen[user] for user in users], np.uint32)
    return with_tensors(
        pb.RetrieveRequest(snapshot_id=snapshot_id, max_candidates=MAX_CANDIDATES),
        history_rows=histories.values,
        history_offsets=histories.offsets,
        user_features=user_features[users.start : users.stop],
        excluded_rows=excluded.values,
        excluded_offsets=excluded.offsets,
    )
