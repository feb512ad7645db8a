"""ForgetUser passes on whom to forget, and gives the store's receipt."""

import grpc
import pytest

from shared.errors import Overloaded, StorageFull
from shared.status import error_info
from tests.contract.gateway.conftest import StartSuite, Suite
from tests.contract.gateway.neighbours import Behaviour, fails, hangs, refuses
from winnow.gateway.v1 import gateway_service_pb2 as pb

REQUEST = pb.ForgetUserRequest(user_id="ann", request_id="r-1")


async def test_the_stores_receipt_is_the_answer(suite: Suite) -> None:
    """Every place, those with nothing too, and when it was done."""
    response = await suite.stub.ForgetUser(REQUEST, timeout=60)
    assert suite.neighbours.request_of("ForgetUser").user_id == "ann"
    assert suite.neighbours.request_ids == ["r-1"]
    assert [(each.place, each.records) for each in response.erasures] == [("history", 3), ("counters", 0)]
    assert response.erased_at.ToMilliseconds() == 1_700_000_000_005
    assert response.request_id == "r-1"


@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [
        (fails(grpc.StatusCode.INTERNAL), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (refuses(Overloaded("busy")), grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (refuses(StorageFull("full")), grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL"),
    ],
)
async def test_the_stores_failure_has_a_documented_status(
    suite: Suite, behaviour: Behaviour, code: grpc.StatusCode, reason: str
) -> None:
    """Nobody is told that a user is forgotten who is not."""
    suite.neighbours.behaviours["ForgetUser"] = behaviour
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await suite.stub.ForgetUser(REQUEST, timeout=60)
    detail = error_info(failed.value)
    assert detail is not None
    assert (failed.value.code(), detail.reason) == (code, reason)


async def test_a_store_that_is_still_erasing_is_no_receipt(start_suite: StartSuite) -> None:
    """The caller is told to ask again."""
    suite = await start_suite(forget_user_budget_ms=50)
    suite.neighbours.behaviours["ForgetUser"] = hangs
    with pytest.raises(grpc.aio.AioRpcError, match="still erasing") as failed:
        await suite.stub.ForgetUser(REQUEST)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_what_was_shown_is_not_logged_after_the_erasure(suite: Suite) -> None:
    """An exposure that still waits would bring the user back into the log; those of others are logged."""
    await suite.recommend(user_id="ann", request_id="r-ann")
    await suite.recommend(user_id="bob", request_id="r-bob")
    await suite.stub.ForgetUser(REQUEST, timeout=60)
    assert suite.gateway.exposures is not None
    await suite.gateway.exposures.flush(60)
    assert [exposure.request_id for exposure in suite.neighbours.exposures] == ["r-bob"]
