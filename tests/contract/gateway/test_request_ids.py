"""One id names a request in the answer and at every neighbour."""

import re

from shared.logs import REQUEST_ID_KEY
from tests.contract.gateway.conftest import Suite
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def test_the_callers_id_is_echoed_and_passed_on(suite: Suite) -> None:
    """To all four calls, whatever printable characters it has."""
    response = await suite.recommend(request_id="shop 7/~!")
    assert response.request_id == "shop 7/~!"
    assert suite.neighbours.request_ids == ["shop 7/~!"] * 4


async def test_an_id_in_the_metadata_serves_where_the_field_is_empty(suite: Suite) -> None:
    """A proxy in front may have made one."""
    metadata = ((REQUEST_ID_KEY, "from-proxy"),)
    response = await suite.stub.Recommend(pb.RecommendRequest(user_id="ann"), metadata=metadata, timeout=60)
    assert response.request_id == "from-proxy"
    assert set(suite.neighbours.request_ids) == {"from-proxy"}


async def test_the_field_takes_precedence_over_the_metadata(suite: Suite) -> None:
    """What the caller wrote in the request is what the caller will look for."""
    metadata = ((REQUEST_ID_KEY, "from-proxy"),)
    request = pb.RecommendRequest(user_id="ann", request_id="mine")
    assert (await suite.stub.Recommend(request, metadata=metadata, timeout=60)).request_id == "mine"


async def test_the_gateway_makes_an_id_where_there_is_none(suite: Suite) -> None:
    """A new one for each request, the same at all neighbours."""
    first, second = await suite.recommend(), await suite.recommend()
    assert re.fullmatch("[0-9a-f]{32}", first.request_id)
    assert first.request_id != second.request_id
    assert suite.neighbours.request_ids == [first.request_id] * 4 + [second.request_id] * 4
