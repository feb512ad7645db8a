"""A suite is there once its answers are whole."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from services.cli.until_whole import until_whole
from tests.contract.client.fake_gateway import FakeGateway, Refusal, serving
from winnow.client import AsyncWinnowClient
from winnow.gateway.v1 import gateway_service_pb2 as pb

RANKING_IS_AWAY = pb.Degradation(stage=pb.STAGE_RANKING, reason=pb.DEGRADATION_REASON_UNAVAILABLE)

#: Seconds that never pass in a test that succeeds.
LONG = 60.0


async def test_whole_answers_are_not_waited_for() -> None:
    """One question is enough, by somebody, so that the feature store is asked too; nothing is logged of it."""
    gateway = FakeGateway()
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        assert await until_whole(client, LONG) == []
    [request] = gateway.received
    assert request.user_id
    assert request.untracked


async def test_degraded_answers_are_waited_out() -> None:
    """The gateway has not noticed yet that a service is there."""
    gateway = FakeGateway()
    gateway.degradations = [RANKING_IS_AWAY]
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        waiting = asyncio.create_task(until_whole(client, LONG))
        while len(gateway.received) < 3:  # noqa: ASYNC110 - calls over a real socket are counted
            await asyncio.sleep(0)
        assert not waiting.done()
        gateway.degradations = []
        assert await waiting == []


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL])
async def test_a_call_that_fails_is_made_again(code: grpc.StatusCode) -> None:
    """A service may die at any time, the gateway too; whoever waits is not the one to judge."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(code))
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        assert await until_whole(client, LONG) == []
    assert len(gateway.received) == 2


async def test_what_does_not_get_whole_is_told() -> None:
    """A suite that answers without something is better than none."""
    gateway = FakeGateway()
    gateway.degradations = [RANKING_IS_AWAY]
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        assert await until_whole(client, 0.0) == ["done without ranking, because the service cannot be reached."]


async def test_a_gateway_that_fails_is_told() -> None:
    """In its own words."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(grpc.StatusCode.INTERNAL, "out of order"))
    async with serving(gateway) as target, AsyncWinnowClient(target) as client:
        assert await until_whole(client, 0.0) == ["the gateway failed: out of order (INTERNAL)."]
