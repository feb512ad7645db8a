"""New items move to where the people who take them say that they belong."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from services.recall.channel import Rows
from services.recall.live.changes import ChangePage, FeedUnavailable
from services.recall.live.companions import Companions
from services.recall.live.following import LiveItemsFollower
from services.recall.live.live_items import LiveItems
from shared.tensors import Ragged
from tests.unit.recall.live.worlds import ITEMS, World, change

NEW, OTHER = ITEMS, ITEMS + 1
LIKED_TOGETHER = (40, 41, 42)


def learning() -> LiveItems:
    """Returns what is beside a snapshot: two new items, and a way to learn of them."""
    live = World().live_items(companions=Companions(ITEMS, max_history=50))
    live.apply(ChangePage([change(0, "new", "sea storm"), change(1, "other", "desert")], 1, more=False))
    return live


def take(live: LiveItems, row: int, times: int = 30) -> None:
    """Lets people ask who took an item amid what is liked together, each just after something else."""
    for person in range(times):
        live.learn(Ragged.of([np.array([*LIKED_TOGETHER, person, row])], np.uint32))


def stand_ins(live: LiveItems, row: int) -> Rows:
    """Returns the stand-ins of a new item."""
    assert live.delta is not None
    found: Rows = live.delta.stand_ins(np.array([row]))[0]
    return found


def test_an_item_that_was_taken_moves_and_others_stay() -> None:
    """To what is taken with it, once it is looked at; until then requests change nothing."""
    live = learning()
    before, other = stand_ins(live, NEW), stand_ins(live, OTHER)
    take(live, NEW)
    assert stand_ins(live, NEW).tolist() == before.tolist()
    live.refine()
    assert set(stand_ins(live, NEW).tolist()) == set(LIKED_TOGETHER)
    assert stand_ins(live, OTHER).tolist() == other.tolist()


def test_it_is_found_where_it_moved_to() -> None:
    """In the channels that know what people did; in that of words it stays."""
    live, world = learning(), World()
    take(live, NEW)
    before = live.delta
    live.refine()
    assert before is not None
    assert live.delta is not None
    content, other = live.delta.new.vectors
    np.testing.assert_array_equal(content, before.new.vectors[0])
    amid = world.other[list(LIKED_TOGETHER)]
    assert np.linalg.norm(other[0] - amid.mean(axis=0)) < np.linalg.norm(before.new.vectors[1][0] - amid.mean(axis=0))


def test_an_item_that_is_changed_stays_where_it_moved_to() -> None:
    """New words do not undo what people did."""
    live = learning()
    take(live, NEW)
    live.refine()
    live.apply(ChangePage([change(0, "new", "desert night")], 2, more=False))
    live.refine()
    assert set(stand_ins(live, NEW).tolist()) == set(LIKED_TOGETHER)


def test_an_item_that_was_withdrawn_begins_anew() -> None:
    """When it is upserted again, as by its words."""
    live = learning()
    before = stand_ins(live, NEW)
    take(live, NEW)
    live.apply(ChangePage([change(0, "new", withdrawn=True)], 2, more=False))
    live.refine()
    live.apply(ChangePage([change(0, "new", "sea storm")], 3, more=False))
    live.refine()
    assert stand_ins(live, NEW).tolist() == before.tolist()


def test_without_learning_words_alone_place() -> None:
    """As an operator may wish."""
    live = World().live_items()
    live.apply(ChangePage([change(0, "new", "sea storm")], 1, more=False))
    before = live.delta
    take(live, NEW)
    live.refine()
    assert live.delta is before


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The thread that builds."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


class Away:
    """A feature store that nobody reaches."""

    async def changes_after(self, version: int) -> ChangePage:
        """See `ChangeFeed`."""
        raise FeedUnavailable(f"not after {version}")


async def test_what_was_learnt_counts_from_the_next_poll_on(pool: ThreadPoolExecutor) -> None:
    """Whether or not the feature store answers it."""
    live = learning()
    take(live, NEW)
    await LiveItemsFollower(Away(), lambda: [live], pool, 1.0).poll()
    assert set(stand_ins(live, NEW).tolist()) == set(LIKED_TOGETHER)
