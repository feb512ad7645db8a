"""Batches travel over streams that stay open, and everything else as calls."""

from typing import Any

import grpc
import pytest

from tests.contract.gateway.conftest import StartSuite, Suite
from winnow.gateway.v1 import gateway_service_pb2 as pb

BATCHED = {"GetUsers", "Retrieve", "GetItems", "Score"}


async def test_what_every_request_asks_goes_over_streams(suite: Suite) -> None:
    """And nothing else does, such as what is asked now and then."""
    await suite.recommend()
    await suite.explain("item-00010")
    await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="item-00010"))
    assert set(suite.neighbours.methods) > BATCHED
    assert suite.neighbours.streamed == BATCHED


@pytest.mark.parametrize("settings", [{"streams": "off"}, {"batch_requests": 1}])
async def test_streams_can_be_turned_off(start_suite: StartSuite, settings: dict[str, Any]) -> None:
    """With batching, or by themselves; the answers are the same."""
    suite, same = await start_suite(), await start_suite(**settings)
    expected, answered = await suite.recommend(), await same.recommend()
    assert answered.items == expected.items
    assert set(same.neighbours.methods) == BATCHED
    assert not same.neighbours.streamed


async def test_the_gateway_itself_offers_no_streams(suite: Suite) -> None:
    """It is public: what it answers is in its contract."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await suite.channel.stream_stream("/winnow.exchange.v1.ExchangeService/Exchange")().read()
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
