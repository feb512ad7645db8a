"""Requests that come at once travel together, and are answered as if each had come alone."""

import asyncio

import pytest

from tests.e2e.suite import Suite
from winnow.client import RecommendResult

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_users_asked_for_at_once_get_what_each_gets_alone(suite: Suite) -> None:
    """Forty requests in flight, with histories and filters of their own: the same items in the same order."""
    users = list(enumerate(suite.user_ids[:40]))

    async def ask(place: int, user_id: str) -> RecommendResult:
        excluded = suite.item_ids[place : place + 5]
        return await suite.client.recommend(user_id, max_results=5 + place % 7, exclude_item_ids=excluded)

    alone = [await ask(place, user_id) for place, user_id in users]
    together = await asyncio.gather(*(ask(place, user_id) for place, user_id in users))

    assert len({tuple(item.item_id for item in result.items) for result in alone}) > 30
    for one, same in zip(alone, together, strict=True):
        assert not same.degradations
        assert [item.item_id for item in same.items] == [item.item_id for item in one.items]
        scores = [item.score for item in one.items]
        assert [item.score for item in same.items] == pytest.approx(scores, rel=1e-4, abs=1e-4)
