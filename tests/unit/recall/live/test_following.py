"""Following changes, from a feed that the test is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from services.recall import metrics
from services.recall.live.changes import ChangePage, FeedUnavailable, ItemChange
from services.recall.live.following import LiveItemsFollower
from tests.unit.recall.live.worlds import World, change, item_id


class Feed:
    """Gives the answers that it was told to give, in turn, and then nothing new."""

    def __init__(self, *answers: ChangePage | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []

    async def changes_after(self, version: int) -> ChangePage:
        """See `ChangeFeed`."""
        self.asked.append(version)
        answer = self.answers.pop(0) if self.answers else ChangePage([], version, more=False)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The thread that builds."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def page(version: int, *changes: ItemChange, more: bool = False) -> ChangePage:
    """Returns a page."""
    return ChangePage(changes, version, more)


async def test_the_whole_way_is_gone_at_once(pool: ThreadPoolExecutor) -> None:
    """Page after page, as long as there is more."""
    live = World().live_items()
    feed = Feed(page(3, change(0, "new", "sea"), more=True), page(5, change(1, "newer", "sea"), more=True), page(5))
    await LiveItemsFollower(feed, lambda: [live], pool, 1.0).poll()

    assert feed.asked == [0, 3, 5]
    assert live.delta is not None
    assert len(live.delta.new) == 2


async def test_a_problem_is_told_once_and_so_is_its_end(pool: ThreadPoolExecutor) -> None:
    """However often it is met; what is known stays."""
    live = World().live_items()
    gone = FeedUnavailable("nobody answers")
    follower = LiveItemsFollower(
        Feed(page(1, change(0, "new", "sea")), gone, gone, RuntimeError("broken"), page(1), page(1)),
        lambda: [live],
        pool,
        1.0,
    )
    with capture_logs() as logs:
        for _ in range(6):
            await follower.poll()

    assert [log["log_level"] for log in logs] == ["warning", "info"]
    assert live.delta is not None


async def test_a_change_that_cannot_be_taken_does_not_end_the_following(pool: ThreadPoolExecutor) -> None:
    """It is told of, and what comes later is taken."""
    live = World().live_items()
    broken = ItemChange(0, "new", "sea", None, "", withdrawn=False, changed_at_ms=0)  # type: ignore[arg-type]
    feed = Feed(page(1, broken), page(2, change(1, "newer", "sea")))
    follower = LiveItemsFollower(feed, lambda: [live], pool, 1.0)
    with capture_logs() as logs:
        await follower.poll()
        await follower.poll()

    assert [log["log_level"] for log in logs] == ["error", "info"]
    assert live.delta is not None


async def test_what_is_beside_the_newest_snapshot_is_counted(pool: ThreadPoolExecutor) -> None:
    """By kind, together with when the changes were last read."""
    live = World().live_items()
    feed = Feed(
        page(
            4,
            change(0, "new", "sea"),
            change(1, item_id(3), "sea"),
            change(2, item_id(4), withdrawn=True),
            change(3, item_id(5), withdrawn=True),
        )
    )
    await LiveItemsFollower(feed, lambda: [live], pool, 1.0).poll()

    counts = {kind: metrics.LIVE_ITEMS.labels(kind)._value.get() for kind in ("new", "changed", "withdrawn")}
    assert counts == {"new": 1, "changed": 1, "withdrawn": 2}
    assert metrics.ITEM_FEED_READ._value.get() > 0
