"""Services are killed and stopped under load: callers are answered, and the suite mends itself."""

import asyncio
import itertools
import os
import signal

import pytest
import pytest_asyncio

from tests.e2e.suite import Suite
from tests.e2e.traffic import PATIENCE_SECONDS, traffic
from winnow.client import Event, WinnowError

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The stage that each backend carries.
STAGE_OF = {"feature_store": "user_features", "recall": "recall", "ranking": "ranking"}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def settled(suite: Suite) -> None:
    """Lets each test begin with a suite that is whole, even after one that failed halfway."""
    await suite.settled()


@pytest.mark.parametrize("victim", STAGE_OF)
async def test_a_killed_backend_degrades_answers_and_fails_none(suite: Suite, victim: str) -> None:
    """With one backend killed every call is answered and names the stage; it recovers, the others untouched."""
    others = {name: suite.pid(name) for name in suite.services if name != victim}
    async with traffic(suite.client, suite.user_ids) as stream:
        os.kill(suite.pid(victim), signal.SIGKILL)
        await stream.until(lambda: stream.degraded_at(STAGE_OF[victim]) > 0)
        await stream.more_whole_answers(50)

    assert not stream.failed
    assert {name: suite.pid(name) for name in others} == others


@pytest.mark.parametrize("stopped", STAGE_OF)
async def test_a_backend_stopped_under_load_ends_with_status_0_and_fails_no_call(suite: Suite, stopped: str) -> None:
    """SIGTERM drains: what was accepted is answered, the exit status is 0, and callers see no error."""
    async with traffic(suite.client, suite.user_ids) as stream:
        os.kill(suite.pid(stopped), signal.SIGTERM)
        await suite.heard(f"{stopped} exited with status 0")
        await stream.more_whole_answers(50)

    assert not stream.failed


async def test_a_gateway_stopped_under_load_answers_every_call_that_it_accepted(suite: Suite) -> None:
    """Calls in flight at SIGTERM are answered; later ones are refused before they begin, which is safe to retry."""
    calls = [asyncio.create_task(suite.call(user_id)) for user_id in suite.user_ids[:200]]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)  # all have been sent, most are in flight
    os.kill(suite.pid("gateway"), signal.SIGTERM)
    outcomes = await asyncio.gather(*calls)
    await suite.heard("gateway exited with status 0")

    assert outcomes.count("OK") > 1
    refused = [outcome for outcome in outcomes if outcome != "OK"]
    assert all(outcome.startswith("UNAVAILABLE: failed to connect") for outcome in refused), refused
    await suite.until_whole()


async def test_no_acknowledged_event_is_lost_when_the_feature_store_is_killed(suite: Suite) -> None:
    """The store is killed in the middle of RecordEvents: every event that was acknowledged is there afterwards."""
    enough = 100
    acknowledged: list[Event] = []

    async def record_until_the_store_is_killed(writer: int) -> None:
        numbers = itertools.count()
        while len(acknowledged) < enough:
            number = next(numbers)
            item_id = suite.item_ids[number % len(suite.item_ids)]
            event = Event(f"writer-{writer}", item_id, event_id=f"{writer}-{number}", occurred_at=suite.now)
            try:
                await suite.client.record([event])
            except WinnowError:
                if len(acknowledged) < enough:
                    raise
            else:
                acknowledged.append(event)
                if len(acknowledged) == enough:
                    os.kill(suite.pid("feature_store"), signal.SIGKILL)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(record_until_the_store_is_killed(writer) for writer in range(8)))
    await suite.until_whole()

    again = await suite.client.record(acknowledged)

    assert again.recorded == 0
    assert again.duplicates == len(acknowledged)
