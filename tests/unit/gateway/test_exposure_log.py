"""What is shown gets to the log whole and once, or is counted as dropped; no answer waits for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from services.gateway import exposure_log
from services.gateway.answer import Answer, Recommendation
from services.gateway.degradation import Degradation, NeighbourFailed, Reason, Stage
from services.gateway.exposure import Exposure, exposure_of
from services.gateway.exposure_log import ExposureLog
from shared.snapshot.catalogue import CatalogueItem

ANSWER = Answer(
    items=[
        Recommendation(CatalogueItem("i1", "One"), 2.5, {}, (("content", 0.5),), propensity=0.25),
        Recommendation(CatalogueItem("i2", "Two"), 1.5, {}, (("two_tower", 0.5), ("content", 0.1))),
        Recommendation(CatalogueItem("i3", "Three"), backfilled=True),
    ],
    snapshot_id="s1",
    degradations=[Degradation(Stage.RECALL, Reason.ERROR, "a"), Degradation(Stage.RECALL, Reason.ERROR, "b")],
    timings=[],
    removed={},
    arm="variety/high",
)


@dataclass
class FakeSink:
    """Keeps what it is given.

    Attributes:
        failures: Why the next calls fail, one each.
        logged: The request ids of each batch.
        held: While set, calls wait for it to be cleared.
    """

    failures: list[Reason] = field(default_factory=list)
    logged: list[list[str]] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.free.set()

    async def log_exposures(self, exposures: Sequence[Exposure], budget: float) -> None:
        """Keeps the request ids."""
        assert budget > 0
        self.called.set()
        await self.free.wait()
        if self.failures:
            raise NeighbourFailed(self.failures.pop(0))
        self.logged.append([one.request_id for one in exposures])


def dropped(reason: str) -> float:
    """How many exposures this process counted as dropped for a reason."""
    return REGISTRY.get_sample_value("winnow_gateway_exposures_dropped_total", {"reason": reason}) or 0.0


def test_an_exposure_says_what_was_shown_and_why() -> None:
    """Lists in the order of the places; a bit for each channel; a degraded stage once."""
    assert exposure_of(ANSWER, "ann", "r1", 7) == Exposure(
        request_id="r1",
        user_id="ann",
        snapshot_id="s1",
        arm="variety/high",
        shown_at_ms=7,
        item_ids=["i1", "i2", "i3"],
        scores=[2.5, 1.5, 0.0],
        propensities=[0.25, 1.0, 1.0],
        channels=["content", "two_tower"],
        found_by=[0b01, 0b11, 0],
        degraded=["recall"],
    )


async def test_what_is_offered_while_a_call_is_under_way_goes_together() -> None:
    """In the order of the answers."""
    sink = FakeSink()
    exposures = ExposureLog(sink, 100, gathering=0)
    following = asyncio.create_task(exposures.follow())
    sink.free.clear()
    exposures.offer(ANSWER, "ann", "r0")
    await sink.called.wait()
    for number in range(1, 4):
        exposures.offer(ANSWER, "ann", f"r{number}")
    sink.free.set()
    await exposures.flush(10)
    following.cancel()
    assert sink.logged == [["r0"], ["r1", "r2", "r3"]]


async def test_a_batch_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message does not grow with what waits."""
    monkeypatch.setattr(exposure_log, "BATCH", 2)
    sink = FakeSink()
    exposures = ExposureLog(sink, 100)
    for number in range(5):
        exposures.offer(ANSWER, "ann", f"r{number}")
    await exposures.flush(10)
    assert sink.logged == [["r0", "r1"], ["r2", "r3"], ["r4"]]


@pytest.mark.parametrize("reason", [Reason.UNAVAILABLE, Reason.DEADLINE, Reason.OVERLOADED])
async def test_what_cannot_be_logged_now_is_logged_later(reason: Reason, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of the feature store loses nothing."""
    monkeypatch.setattr(exposure_log, "RETRY_SECONDS", 0)
    sink = FakeSink([reason, reason])
    exposures = ExposureLog(sink, 100, gathering=0)
    exposures.offer(ANSWER, "ann", "r0")
    following = asyncio.create_task(exposures.follow())
    async with asyncio.timeout(20):
        while not sink.logged:  # noqa: ASYNC110 - the sink's own event is set before it fails
            await asyncio.sleep(0)
    following.cancel()
    assert sink.logged == [["r0"]]


async def test_what_is_refused_is_dropped_and_counted() -> None:
    """It would be refused again, and hold up what comes after it."""
    sink = FakeSink([Reason.ERROR])
    exposures = ExposureLog(sink, 100)
    exposures.offer(ANSWER, "ann", "r0")
    before = dropped("refused")
    await exposures.flush(10)
    exposures.offer(ANSWER, "ann", "r1")
    await exposures.flush(10)
    assert (sink.logged, dropped("refused") - before) == ([["r1"]], 1)


async def test_what_finds_no_room_is_dropped_and_counted() -> None:
    """Memory does not grow while the feature store is away; the oldest are kept."""
    sink = FakeSink()
    exposures = ExposureLog(sink, 2)
    before = dropped("full")
    for number in range(5):
        exposures.offer(ANSWER, "ann", f"r{number}")
    assert dropped("full") - before == 3
    await exposures.flush(10)
    assert sink.logged == [["r0", "r1"]]


async def test_an_answer_without_items_shows_nothing() -> None:
    """There is nothing to log of it."""
    sink = FakeSink()
    exposures = ExposureLog(sink, 2)
    exposures.offer(Answer([], "s1", [], [], {}), "ann", "r0")
    await exposures.flush(10)
    assert sink.logged == []


async def test_the_end_waits_no_longer_than_it_may() -> None:
    """What could not be sent is counted."""
    sink = FakeSink([Reason.UNAVAILABLE] * 10)
    exposures = ExposureLog(sink, 10)
    exposures.offer(ANSWER, "ann", "r0")
    before = dropped("shutdown")
    async with asyncio.timeout(20):
        await exposures.flush(0.01)
    exposures.close()
    assert (sink.logged, dropped("shutdown") - before) == ([], 1)


async def test_what_was_being_sent_when_the_end_came_is_sent_again() -> None:
    """Nobody knows whether it is in the log; readers take the first of a request id."""
    sink = FakeSink()
    sink.free.clear()
    exposures = ExposureLog(sink, 10, gathering=0)
    exposures.offer(ANSWER, "ann", "r0")
    following = asyncio.create_task(exposures.follow())
    await sink.called.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    sink.free.set()
    await exposures.flush(10)
    assert sink.logged == [["r0"]]


async def test_what_waits_about_a_user_is_dropped_when_the_user_is_forgotten() -> None:
    """Of nobody else, and what is on its way has arrived by then, so that an erasure finds it."""
    sink = FakeSink()
    sink.free.clear()
    exposures = ExposureLog(sink, 10, gathering=0)
    before = dropped("forgotten")
    exposures.offer(ANSWER, "ann", "on its way")
    following = asyncio.create_task(exposures.follow())
    await sink.called.wait()
    exposures.offer(ANSWER, "ann", "r1")
    exposures.offer(ANSWER, "bob", "r2")
    discarding = asyncio.create_task(exposures.discard("ann"))
    await asyncio.sleep(0)
    assert not discarding.done()
    sink.free.set()
    await discarding
    await exposures.flush(10)
    following.cancel()
    assert (sink.logged, dropped("forgotten") - before) == ([["on its way"], ["r2"]], 1)
