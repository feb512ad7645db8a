"""Whatever becomes of calls over streams and links, none ever gets what was meant for another."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from enum import Enum

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidArgument, Unavailable
from shared.exchange.links import MAX_AGE
from shared.status import error_info
from tests.contract.shared.exchanging import Exchange, exchanging
from tests.contract.shared.linking import Linked, linking
from tests.contract.shared.probe import Context
from winnow.ranking.v1 import ranking_service_pb2 as pb


class Fate(Enum):
    """What the server does with a call."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    #: Answered in spite of a cancellation, and only once a later call has come.
    LATE = "late"


@dataclass(frozen=True)
class Call:
    """A call of a group that is made at once.

    Attributes:
        fate: What the server does with it.
        timeout: Seconds; None has none.
        cancelled_after: How many turns of the loop its caller waits before giving up; None waits for the end.
        ages: Whether the streams or links are too old by then.
    """

    fate: Fate
    timeout: float | None
    cancelled_after: int | None
    ages: bool


CALLS = st.builds(
    Call,
    fate=st.sampled_from(Fate),
    timeout=st.sampled_from([None, 60.0, 0.0, 0.0003, 0.001, 0.003]),
    cancelled_after=st.none() | st.integers(0, 40),
    ages=st.booleans(),
)
GROUPS = st.lists(st.lists(CALLS, min_size=1, max_size=4), min_size=1, max_size=10)


class Server:
    """Does with each call what its name says."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    async def __call__(self, request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        """Answers with the name of the call."""
        fate = Fate(request.snapshot_id.split()[0])
        self.release()
        if fate is Fate.REFUSED:
            raise InvalidArgument(request.snapshot_id, "is refused")
        if fate is Fate.UNAVAILABLE:
            raise Unavailable(request.snapshot_id)
        if fate is Fate.LATE:
            with suppress(asyncio.CancelledError):  # it answers all the same
                await self._next.wait()
        return pb.ScoreResponse(objectives=[request.snapshot_id])

    def release(self) -> None:
        """Lets go of the calls that are late."""
        self._next.set()
        self._next = asyncio.Event()


@dataclass
class Suite:
    """A server and a client that last for many examples, on a loop of their own."""

    runner: asyncio.Runner
    server: Server
    exchange: Exchange | Linked


@pytest.fixture(scope="module", params=["streams", "links"])
def suite(request: pytest.FixtureRequest) -> Iterator[Suite]:
    """Starts them."""
    with asyncio.Runner() as runner:
        stack, server = AsyncExitStack(), Server()
        if request.param == "links":
            linked = runner.run(stack.enter_async_context(linking(server)))[1]
            yield Suite(runner, server, linked)
        else:
            exchange = runner.run(stack.enter_async_context(exchanging(server)))[1]
            yield Suite(runner, server, exchange)
        runner.run(stack.aclose())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(groups=GROUPS)
def test_no_call_gets_the_answer_of_another(suite: Suite, groups: list[list[Call]]) -> None:
    """Under failures, deadlines that pass and callers that give up at any moment; and who waits gets its own."""

    async def play() -> None:
        for number, group in enumerate(groups):
            names = [f"{call.fate.value} {number}.{place}" for place, call in enumerate(group)]
            await asyncio.gather(*(_play(suite, *one) for one in zip(group, names, strict=True)))

    suite.runner.run(play())


async def _play(suite: Suite, call: Call, name: str) -> None:
    if call.ages:
        suite.exchange.clock.seconds += MAX_AGE
    asked = asyncio.ensure_future(_ask(suite.exchange, name, call.timeout))
    for _ in range(call.cancelled_after or 0):
        await asyncio.sleep(0)
    if call.cancelled_after is not None:
        asked.cancel()
    while call.fate is Fate.LATE and not asked.done():  # nobody else may come to release it
        suite.server.release()
        await asyncio.sleep(0)
    [told] = await asyncio.gather(asked, return_exceptions=True)
    allowed: set[object] = {name}
    if call.timeout is not None and call.timeout < 1:
        allowed.add("DEADLINE_EXCEEDED")
    if isinstance(told, BaseException):
        assert isinstance(told, asyncio.CancelledError), repr(told)
        assert call.cancelled_after is not None
    else:
        assert told in allowed


async def _ask(exchange: Exchange | Linked, name: str, timeout: float | None) -> str:  # noqa: ASYNC109 - of the call
    """Returns the name that came back, from the answer or from the failure; else the status."""
    try:
        response = await exchange.stub.Score(pb.ScoreRequest(snapshot_id=name), timeout=timeout)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            info = error_info(error)
            assert info is not None
            return str(info.metadata["field"])
        return str(error.details()) if error.code() is grpc.StatusCode.UNAVAILABLE else error.code().name
    return str(response.objectives[0])
