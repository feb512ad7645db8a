"""Items beside the snapshot, from outside: recall follows a feature store and finds what it tells of."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
from structlog.testing import capture_logs

from services.recall.live.feed import FeatureStoreFeed
from services.recall.live.following import LiveItemsFollower
from tests.contract.recall.conftest import Recall, ServeRecall, load_on_one_thread
from tests.contract.recall.item_changes import FakeItems
from tests.contract.recall.requests import (
    Candidates,
    candidates_of,
    retrieve_request,
    similar_request,
    stand_ins_of,
)
from tests.fake_server import fake_server
from tests.in_process import health_of
from tests.snapshot_factory import build_snapshot, left_pad, word_projection
from tests.snapshot_weights import Weights
from winnow.recall.v1 import recall_service_pb2 as pb

ITEMS = 200
ALL = 500
WEIGHTS = Weights.draw(ITEMS, seed=0)
TOWER, CONTENT, POPULARITY = range(3)
BEFORE_THE_SNAPSHOT_MS = 1_000_000_000_000


@dataclass(frozen=True)
class LiveRecall:
    """Recall beside a feature store.

    Attributes:
        recall: Recall, which holds `snapshot-1`.
        items: The feature store.
        follower: Follows it; the test says when to ask.
    """

    recall: Recall
    items: FakeItems
    follower: LiveItemsFollower

    async def retrieve(self, history: list[int], excluded: list[int] | None = None) -> pb.RetrieveResponse:
        """Returns everything that is found for one user."""
        request = retrieve_request([history], [excluded or []], max_candidates=ALL)
        response: pb.RetrieveResponse = await self.recall.stub.Retrieve(request)
        return response

    async def found(self, history: list[int], excluded: list[int] | None = None) -> Candidates:
        """Returns the candidates of one user."""
        return candidates_of(await self.retrieve(history, excluded))[0]

    async def alike(self, row: int) -> Candidates:
        """Returns what is like an item."""
        return candidates_of(await self.recall.stub.RetrieveSimilar(similar_request([row], ALL)))[0]


@asynccontextmanager
async def following(serve_recall: ServeRecall, items: FakeItems, target: str) -> AsyncIterator[LiveRecall]:
    """Serves recall that follows a feature store."""
    held: list[Recall] = []
    async with grpc.aio.insecure_channel(target) as channel:
        with ThreadPoolExecutor(1) as pool:
            follower = LiveItemsFollower(
                FeatureStoreFeed(channel),
                lambda: [held[0].follower.get(one).live for one in held[0].follower.ids],
                pool,
                poll_seconds=1,
            )
            async with serve_recall(follower.complete(load_on_one_thread)) as recall:
                held.append(recall)
                yield LiveRecall(recall, items, follower)


@pytest.fixture
async def live(tmp_path: Path, serve_recall: ServeRecall) -> AsyncIterator[LiveRecall]:
    """Recall and a feature store in which nothing has changed yet."""
    build_snapshot(tmp_path)
    items = FakeItems()
    async with fake_server(items.register) as target, following(serve_recall, items, target) as running:
        yield running


async def test_a_new_item_is_found_among_the_others_by_its_score(live: LiveRecall) -> None:
    """By its words in the content channel, by its like in the others, and by nobody as popular."""
    row = ITEMS + live.items.upsert("new", "Winter storm", ("drama",), "A detective and a storm.")
    await live.follower.poll()

    answer = await live.retrieve([3, 5])

    (candidates,) = candidates_of(answer)
    words = word_projection().project("winter storm category_drama detective storm")
    stand_ins = stand_ins_of(answer, ITEMS)[row]
    cosines = WEIGHTS.content_vectors[stand_ins] @ words
    place = (cosines / cosines.sum()) @ WEIGHTS.tower_vectors[stand_ins]
    history = left_pad([[3, 5]])
    taste = WEIGHTS.tower_queries(history, np.zeros((1, 6), dtype=np.float32))[0]
    assert candidates.rows.count(row) == 1
    assert candidates.found_by[candidates.rows.index(row)] == {"two_tower", "content"}
    assert candidates.score_of(row, CONTENT) == pytest.approx(WEIGHTS.content_queries(history)[0] @ words, rel=1e-4)
    assert candidates.score_of(row, TOWER) == pytest.approx(taste @ place, rel=1e-4, abs=1e-5)
    assert candidates.score_of(row, POPULARITY) == 0.0
    assert len(candidates.rows) == ITEMS + 1


async def test_the_stand_ins_are_known_items_like_it_the_most_alike_first(live: LiveRecall) -> None:
    """Only candidates beside the snapshot have stand-ins."""
    row = ITEMS + live.items.upsert("new", "Robot orchestra")
    await live.follower.poll()

    stand_ins = stand_ins_of(await live.retrieve([1]), ITEMS)

    cosines = WEIGHTS.content_vectors @ word_projection().project("robot orchestra")
    assert list(stand_ins) == [row]
    assert len(set(stand_ins[row])) == 3
    assert (cosines[stand_ins[row]] > 0).all()
    assert stand_ins[row] == sorted(stand_ins[row], key=lambda one: -cosines[one])


async def test_an_item_that_people_take_is_placed_by_what_they_take_with_it(live: LiveRecall) -> None:
    """Their histories come with their requests; the feature store need not tell of it."""
    row = ITEMS + live.items.upsert("new", "Robot orchestra")
    await live.follower.poll()
    before = await live.found([100])
    for person in range(20):
        await live.retrieve([50, 51, 52, person, row])

    await live.follower.poll()

    assert set(stand_ins_of(await live.retrieve([1]), ITEMS)[row]) == {50, 51, 52}
    after = await live.found([100])
    assert before.score_of(row, CONTENT) == after.score_of(row, CONTENT)
    assert before.score_of(row, TOWER) != after.score_of(row, TOWER)


async def test_nothing_beside_the_snapshot_means_no_stand_ins(live: LiveRecall) -> None:
    """The field is unset."""
    await live.follower.poll()
    assert not (await live.retrieve([1])).HasField("stand_in_rows")


async def test_a_changed_item_is_found_as_before_but_under_its_new_row(live: LiveRecall) -> None:
    """With the scores of its old row, which is found no more and stands in for it."""
    before = await live.found([3, 5])
    row = ITEMS + live.items.upsert("item-00007", "Another title", ("horror",))
    await live.follower.poll()

    answer = await live.retrieve([3, 5])

    (after,) = candidates_of(answer)
    assert sorted(after.rows) == sorted([row if one == 7 else one for one in before.rows])
    np.testing.assert_array_equal(after.scores[after.rows.index(row)], before.scores[before.rows.index(7)])
    assert after.found_by[after.rows.index(row)] == {"two_tower", "content", "popularity"}
    assert stand_ins_of(answer, ITEMS) == {row: [7]}


async def test_a_withdrawn_item_is_found_no_more(live: LiveRecall) -> None:
    """Neither one of the snapshot nor one beside it, nor one that was changed before, and not among items alike."""
    live.items.upsert("new", "Winter")
    live.items.upsert("item-00009", "Changed")
    await live.follower.poll()
    for item_id in ("new", "item-00009", "item-00004", "never-heard-of"):
        live.items.withdraw(item_id)
    await live.follower.poll()

    gone = {4, 9}
    assert set((await live.found([3, 5])).rows) == set(range(ITEMS)) - gone
    assert set((await live.found([])).rows) == set(range(ITEMS)) - gone
    assert set((await live.alike(3)).rows) == set(range(ITEMS)) - gone - {3}


async def test_a_withdrawn_item_returns_when_it_is_upserted_again(live: LiveRecall) -> None:
    """The last change counts."""
    live.items.withdraw("item-00004")
    live.items.upsert("new", "Winter")
    await live.follower.poll()
    live.items.withdraw("new")
    row = ITEMS + live.items.upsert("item-00004", "Back again")
    await live.follower.poll()

    assert set((await live.found([1])).rows) == {row, *range(ITEMS)} - {4}


async def test_what_the_snapshot_has_learnt_already_does_not_count(live: LiveRecall) -> None:
    """A change of an item that is older than the snapshot changes nothing; an item that it lacks is new however old."""
    live.items.upsert("item-00007", "As trained", at_ms=BEFORE_THE_SNAPSHOT_MS)
    live.items.withdraw("item-00008", at_ms=BEFORE_THE_SNAPSHOT_MS)
    row = ITEMS + live.items.upsert("new", "Winter", at_ms=BEFORE_THE_SNAPSHOT_MS)
    await live.follower.poll()

    assert set((await live.found([1])).rows) == {*range(ITEMS), row}


async def test_excluded_items_beside_the_snapshot_are_not_found(live: LiveRecall) -> None:
    """By their rows; a changed one by its old row too; rows that nobody knows exclude nothing."""
    new = ITEMS + live.items.upsert("new", "Winter")
    one = ITEMS + live.items.upsert("item-00007", "Changed")
    other = ITEMS + live.items.upsert("item-00008", "Changed")
    await live.follower.poll()

    rows = (await live.found([1], [new, one, 8, 5, ITEMS + 77, 2**32 - 1])).rows

    assert set(rows) == set(range(ITEMS)) - {5, 7, 8}
    assert {new, one, other} <= set((await live.found([1], [5, ITEMS + 77])).rows)


async def test_a_history_may_hold_items_beside_the_snapshot(live: LiveRecall) -> None:
    """A changed or withdrawn item counts as its old row, a new one as its first stand-in, an unknown one not at all."""
    new = ITEMS + live.items.upsert("new", "Winter")
    changed = ITEMS + live.items.upsert("item-00007", "Changed")
    withdrawn = ITEMS + live.items.withdraw("item-00008")
    await live.follower.poll()
    first = stand_ins_of(await live.retrieve([1]), ITEMS)[new][0]

    given = await live.found([ITEMS + 50, changed, withdrawn, new, 2**32 - 1])

    expected = await live.found([7, 8, first])
    assert given.rows == expected.rows
    np.testing.assert_array_equal(given.scores, expected.scores)


async def test_rows_that_nobody_knows_are_ignored_when_nothing_is_beside_the_snapshot(live: LiveRecall) -> None:
    """Another replica may have heard of them already."""
    given = await live.found([ITEMS, 3, ITEMS + 5], [ITEMS + 2, 4])
    expected = await live.found([3], [4])

    assert given.rows == expected.rows
    assert (await live.alike(ITEMS + 3)).rows == []


async def test_items_alike_are_found_on_both_sides(live: LiveRecall) -> None:
    """A new item finds known ones by cosine and they find it; a changed one is asked for by either row, never itself."""
    new = ITEMS + live.items.upsert("new", "Winter robot")
    other = ITEMS + live.items.upsert("other", "Winter robot", text="storm")
    changed = ITEMS + live.items.upsert("item-00007", "Changed")
    await live.follower.poll()
    words = [word_projection().project(one) for one in ("winter robot", "winter robot storm")]
    unit = WEIGHTS.content_vectors / np.linalg.norm(WEIGHTS.content_vectors, axis=1, keepdims=True)

    of_new, of_known, of_changed = await live.alike(new), await live.alike(3), await live.alike(changed)

    assert set(of_new.rows) == {*range(ITEMS), other, changed} - {7}
    assert of_new.score_of(other, 1) == pytest.approx(words[0] @ words[1], rel=1e-4)
    assert of_new.score_of(5, 1) == pytest.approx(unit[5] @ words[0], rel=1e-3, abs=1e-5)
    assert set(of_known.rows) == {*range(ITEMS), new, other, changed} - {3, 7}
    assert of_known.score_of(new, 1) == pytest.approx(unit[3] @ words[0], rel=1e-3, abs=1e-5)
    assert changed not in of_changed.rows
    assert of_changed.rows == (await live.alike(7)).rows


async def test_an_item_whose_words_nobody_knows_is_not_found(live: LiveRecall) -> None:
    """There is nothing to place it by; it was findable before its words were changed."""
    row = ITEMS + live.items.upsert("new", "Winter")
    await live.follower.poll()
    assert row in (await live.found([1])).rows
    live.items.upsert("new", "Zyzzyva")
    await live.follower.poll()

    assert row not in (await live.found([1])).rows


async def test_a_snapshot_is_served_with_what_is_beside_it(live: LiveRecall) -> None:
    """From its first request on, in its own rows, and the previous snapshot goes on being kept up."""
    number = live.items.upsert("new", "Winter")
    build_snapshot(live.recall.root, "snapshot-2", items=210, seed=2)
    await live.recall.follower.poll()

    request = retrieve_request([[1]], max_candidates=ALL, snapshot_id="snapshot-2")
    assert 210 + number in candidates_of(await live.recall.stub.Retrieve(request))[0].rows
    await live.follower.poll()
    assert ITEMS + number in (await live.found([1])).rows


async def test_changes_are_asked_for_from_where_the_last_answer_ended(live: LiveRecall) -> None:
    """All pages at once, and nothing twice."""
    for number in range(7):
        live.items.upsert(f"new-{number}", "Winter")
    live.items.asked.clear()
    await live.follower.poll()
    await live.follower.poll()

    assert live.items.asked == [0, 3, 6, 7]
    assert len((await live.found([1])).rows) == ITEMS + 7


async def test_a_snapshot_without_a_projection_takes_no_new_items(tmp_path: Path, serve_recall: ServeRecall) -> None:
    """Such as one of an earlier version; changes and withdrawals of its own items count all the same."""
    build_snapshot(tmp_path, words=False)
    items = FakeItems()
    items.upsert("new", "Winter")
    items.withdraw("item-00004")
    async with fake_server(items.register) as target, following(serve_recall, items, target) as live:
        assert set((await live.found([1])).rows) == set(range(ITEMS)) - {4}


async def test_recall_serves_without_a_feature_store_and_says_so_once(
    tmp_path: Path, serve_recall: ServeRecall
) -> None:
    """What is known stays when it goes, and it is found again when it is back."""
    build_snapshot(tmp_path)
    items = FakeItems()
    async with fake_server(items.register) as target:
        pass  # nobody listens there any more
    with capture_logs() as logs:
        async with following(serve_recall, items, target) as live:
            await live.follower.poll()
            assert await health_of(live.recall.channel, "winnow.recall.v1.RecallService") == 1
            assert len((await live.found([1])).rows) == ITEMS
    assert [log["event"] for log in logs if "changes of items" in log["event"]] == [
        "changes of items are not followed; going on without them"
    ]


async def test_stand_ins_of_a_batch_are_in_the_order_of_its_candidates(live: LiveRecall) -> None:
    """One list for each candidate beside the snapshot, over all queries; shorter ones repeat their last."""
    new = ITEMS + live.items.upsert("new", "Winter")
    changed = ITEMS + live.items.upsert("item-00007", "Changed")
    await live.follower.poll()

    answer = await live.recall.stub.Retrieve(retrieve_request([[1], [2]], [[], [new]], max_candidates=ALL))

    first, second = ([row for row in one.rows if row >= ITEMS] for one in candidates_of(answer))
    rows = np.frombuffer(answer.stand_in_rows.data, dtype="<u4").reshape(tuple(answer.stand_in_rows.shape)).tolist()
    assert (sorted(first), second) == ([new, changed], [changed])
    assert [one == [7, 7, 7] for one in rows] == [row == changed for row in [*first, *second]]
