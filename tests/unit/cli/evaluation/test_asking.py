"""Asking a gateway and recall for many users."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import grpc
import numpy as np
import pytest

from services.cli.evaluation.asking import UNRANKED, ask_gateway, ask_recall
from services.cli.evaluation.questions import Questions, draw_questions
from services.cli.failure import Failure
from services.training.metrics.lists import NO_ITEM
from shared.snapshot.catalogue import Catalogue, CatalogueItem
from shared.tensors import Ragged, decode_ragged, encode
from tests.contract.client.fake_gateway import FakeGateway, Refusal, recommended_item, serving
from tests.fake_server import add_method, fake_server
from tests.unit.cli.evaluation.held_out import dataset_of, item_id
from winnow.gateway.v1 import gateway_service_pb2
from winnow.recall.v1 import recall_service_pb2 as pb

USERS = 70  # more than go into one request to recall


def questions() -> Questions:
    """Every user u has met item 0 and item u % 5, and then item 9."""
    catalogue = Catalogue(CatalogueItem(item_id(row), "") for row in range(10))
    dataset = dataset_of(*([0, user % 5, 9] for user in range(USERS)))
    return draw_questions(dataset, catalogue, users=USERS, seed=0)


async def test_the_place_in_the_answer_is_the_rank() -> None:
    """Item 9 is third in every answer; ten items are asked for, once for each user."""
    gateway = FakeGateway()
    gateway.items = [recommended_item(item_id(row), "") for row in (4, 5, 9, 6)]
    async with serving(gateway) as target:
        answers = await ask_gateway(target, questions())
    assert answers.ranks.tolist() == [3] * USERS
    assert set(answers.listed) == {tuple(item_id(row) for row in (4, 5, 9, 6))}
    assert (answers.degraded, answers.snapshot_ids) == (0, frozenset({"snapshot-1"}))
    assert sorted(request.user_id for request in gateway.received) == sorted(questions().user_ids)
    assert {request.max_results for request in gateway.received} == {10}
    assert all(request.untracked for request in gateway.received)  # nobody is shown these answers


async def test_what_is_not_among_the_ten_has_no_rank() -> None:
    """And degraded answers are counted."""
    gateway = FakeGateway()
    gateway.degradations = [
        gateway_service_pb2.Degradation(
            stage=gateway_service_pb2.STAGE_RANKING, reason=gateway_service_pb2.DEGRADATION_REASON_ERROR
        )
    ]
    async with serving(gateway) as target:
        answers = await ask_gateway(target, questions())
    assert set(answers.ranks.tolist()) == {UNRANKED}
    assert answers.degraded == USERS


async def test_a_gateway_that_fails_ends_the_evaluation() -> None:
    """With its words; half an evaluation is none."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(grpc.StatusCode.INTERNAL, "internal error"))
    async with serving(gateway) as target:
        with pytest.raises(Failure, match=r"internal error \(INTERNAL\)"):
            await ask_gateway(target, questions())


class FakeRecall:
    """Finds the same rows for everybody; for more than `most_at_once` together the channel of the first fails."""

    def __init__(self, rows: list[int], most_at_once: int = 1 << 20) -> None:
        self.rows = rows
        self.most_at_once = most_at_once
        self.histories: list[list[int]] = []
        self.excluded: list[list[int]] = []

    async def retrieve(self, request: pb.RetrieveRequest, _context: Any) -> pb.RetrieveResponse:
        """Remembers what it was asked."""
        history = decode_ragged(request.history_rows, request.history_offsets, "history", None, 1 << 20)
        excluded = decode_ragged(request.excluded_rows, request.excluded_offsets, "excluded", None, 1 << 20)
        self.histories += [rows.tolist() for rows in history]
        self.excluded += [rows.tolist() for rows in excluded]
        too_many = len(history) > self.most_at_once
        rows = self.rows[1:] if too_many else self.rows
        found = Ragged.of([np.array(rows)] * len(history), np.uint32)
        return pb.RetrieveResponse(
            failed_channels=["slow"] if too_many else [],
            candidate_rows=encode(found.values, pb.Tensor),
            candidate_offsets=encode(found.offsets, pb.Tensor),
        )


def serving_recall(recall: FakeRecall) -> AbstractAsyncContextManager[str]:
    """Serves recall on a free port of loopback."""
    method = pb.DESCRIPTOR.services_by_name["RecallService"].methods_by_name["Retrieve"]
    return fake_server(partial(add_method, method, recall.retrieve))


async def test_recall_is_asked_with_the_same_histories_and_seen_items() -> None:
    """In batches, in order; its own order gives the rank."""
    recall = FakeRecall([7, 9, 3])
    asked = questions()
    async with serving_recall(recall) as target:
        found = await ask_recall(target, asked, "s", np.zeros((USERS, 1), dtype=np.float32))
    assert found.ranks.tolist() == [2] * USERS
    assert found.lists[:, :4].tolist() == [[7, 9, 3, NO_ITEM]] * USERS
    assert recall.histories == [history.tolist() for history in asked.histories]
    assert recall.excluded == [seen.tolist() for seen in asked.seen]


async def test_a_channel_that_fails_for_many_at_once_is_asked_for_fewer() -> None:
    """A slow machine must not make recall look worse than the suite, which asks for one person at a time."""
    recall = FakeRecall([9, 7], most_at_once=20)
    asked = questions()
    async with serving_recall(recall) as target:
        found = await ask_recall(target, asked, "s", np.zeros((USERS, 1), dtype=np.float32))
    assert found.ranks.tolist() == [1] * USERS
    assert found.degraded == 0
    answered = [history.tolist() for history in asked.histories]
    assert all(history in recall.histories for history in answered)


async def test_a_channel_that_fails_for_one_alone_is_counted() -> None:
    """There is no less to ask for."""
    async with serving_recall(FakeRecall([9, 7], most_at_once=0)) as target:
        found = await ask_recall(target, questions(), "s", np.zeros((USERS, 1), dtype=np.float32))
    assert found.degraded == USERS
    assert set(found.ranks.tolist()) == {UNRANKED}


async def test_recall_that_is_not_there_ends_the_evaluation() -> None:
    """It is named."""
    async with serving_recall(FakeRecall([])) as target:
        pass
    with pytest.raises(Failure, match=r"Recall at .* failed"):
        await ask_recall(target, questions(), "s", np.zeros((USERS, 1), dtype=np.float32))
