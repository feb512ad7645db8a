"""What a user does changes what the user is shown next."""

import pytest

from tests.e2e.suite import Suite
from winnow.client import Event

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_item_that_was_viewed_is_gone_from_the_next_answer(suite: Suite) -> None:
    """A recorded view takes effect before the acknowledgement: the very next answer lacks the item."""
    user_id = suite.user_ids[0]
    before = await suite.client.recommend(user_id)
    viewed = before.items[0].item_id

    recorded = await suite.client.record([Event(user_id, viewed, event_id="view-1", occurred_at=suite.now)])
    after = await suite.client.recommend(user_id)

    assert recorded.recorded == 1
    assert viewed not in [item.item_id for item in after.items]
    assert len(after.items) == len(before.items)


async def test_the_list_moves_towards_what_was_just_viewed(suite: Suite) -> None:
    """Viewing several items of one category brings more of that category to a user with another taste."""
    user_id, category = await suite.user_and_category_far_apart()
    liked = suite.items_in(category)
    before = await suite.share_of_category(user_id, category)

    await suite.client.record(
        [Event(user_id, item_id, event_id=f"spree-{item_id}", occurred_at=suite.now) for item_id in liked[:12]]
    )

    assert await suite.share_of_category(user_id, category) > before


async def test_the_same_event_sent_twice_counts_once(suite: Suite) -> None:
    """A repeated event is acknowledged as a duplicate and changes no answer."""
    user_id = suite.user_ids[1]
    item_id = (await suite.client.recommend(user_id)).items[0].item_id
    event = Event(user_id, item_id, event_id="twice", occurred_at=suite.now)

    first = await suite.client.record([event])
    once = await suite.client.recommend(user_id)
    second = await suite.client.record([event])
    twice = await suite.client.recommend(user_id)

    assert (first.recorded, first.duplicates) == (1, 0)
    assert (second.recorded, second.duplicates) == (0, 1)
    assert twice.items == once.items


async def test_a_user_nobody_knows_is_served_from_the_session(suite: Suite) -> None:
    """Session items make a stranger's answer differ from the popular one, and come back in none."""
    session = suite.items_in(suite.categories[0])[:5]

    stranger = await suite.client.recommend("nobody-has-met-me")
    visitor = await suite.client.recommend("nobody-has-met-me", session_item_ids=session)

    assert stranger.known_user is False
    assert len(stranger.items) == len(visitor.items) == 10
    assert [item.item_id for item in visitor.items] != [item.item_id for item in stranger.items]
    assert not {item.item_id for item in visitor.items} & set(session)


async def test_a_new_user_is_known_from_the_first_event(suite: Suite) -> None:
    """The first event creates the user."""
    await suite.client.record([Event("newcomer", suite.item_ids[0], event_id="first", occurred_at=suite.now)])

    assert (await suite.client.recommend("newcomer")).known_user is True
