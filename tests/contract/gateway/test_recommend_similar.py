"""RecommendSimilar asks recall alone, and answers without it."""

import grpc
import pytest

from shared.status import error_info
from shared.tensors import UINT32, decode
from tests.contract.gateway.conftest import Suite
from tests.contract.gateway.neighbours import fails
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def test_similar_items_come_in_recalls_order(suite: Suite) -> None:
    """With title and provenance, without the item itself and what is excluded."""
    request = pb.RecommendSimilarRequest(item_id="item-00010", exclude_item_ids=["item-00020"], request_id="r-1")
    response = await suite.stub.RecommendSimilar(request, timeout=60)
    assert [item.item_id for item in response.items] == ["item-00030", "item-00040"]
    assert response.items[0].title == "Title 30"
    assert list(response.items[0].channels) == [pb.ChannelHit(channel="two_tower", score=0.5)]
    assert (response.snapshot_id, response.request_id) == ("s1", "r-1")
    assert list(response.degradations) == []
    asked = suite.neighbours.request_of("RetrieveSimilar")
    assert decode(asked.item_rows, "item_rows", UINT32, [None]).tolist() == [10]
    assert suite.neighbours.request_ids == ["r-1"]


async def test_without_recall_the_items_share_a_category(suite: Suite) -> None:
    """Popular ones, and the answer says what is missing."""
    suite.neighbours.behaviours["RetrieveSimilar"] = fails(grpc.StatusCode.INTERNAL)
    response = await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="item-00010"), timeout=60)
    catalogue = suite.gateway.agreement.active.catalogue
    categories = set(catalogue[10].categories)
    assert len(response.items) == 10
    assert all(categories & set(item.categories) and item.backfilled for item in response.items)
    assert list(response.degradations) == [pb.Degradation(stage=pb.STAGE_RECALL, reason=pb.DEGRADATION_REASON_ERROR)]


async def test_an_unknown_item_is_not_found(suite: Suite) -> None:
    """NOT_FOUND names the field, and recall is not troubled."""
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await suite.stub.RecommendSimilar(pb.RecommendSimilarRequest(item_id="unknown"), timeout=60)
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND
    detail = error_info(missing.value)
    assert detail is not None
    assert (detail.reason, dict(detail.metadata)) == ("NOT_FOUND", {"field": "item_id"})
    assert suite.neighbours.calls == []
