"""What is beside a snapshot, compared with brute force over everything that there is."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recall.channel import Found, Rows
from services.recall.live.changes import ChangePage, ItemChange
from services.recall.live.live_items import LiveItems
from services.recall.search_cost import SearchCosts
from tests.unit.recall.clustered import ANNOY_IS_FREE, SCAN_IS_FREE, Vectors, clustered_vectors, excluding
from tests.unit.recall.live.worlds import DIMENSION, ITEMS, WORDS, World, change, item_id

WORLD = World()
QUERIES = clustered_vectors(3, DIMENSION, seed=9)
EVERYTHING = 10 * ITEMS

#: Numbers 0 to 9 are of known items, 10 to 19 of new ones.
NUMBERS = 20
KNOWN = 10

changes = st.builds(
    lambda number, words, withdrawn: change(
        number, item_id(3 * number) if number < KNOWN else f"new-{number}", " ".join(words), withdrawn=withdrawn
    ),
    st.integers(0, NUMBERS - 1),
    st.lists(st.sampled_from((*WORDS, "unheard")), max_size=4),
    st.booleans(),
)


def apply(live: LiveItems, *pages: Sequence[ItemChange]) -> LiveItems:
    """Returns the same after some pages of changes."""
    for version, page in enumerate(pages, start=1):
        live.apply(ChangePage(page, version, more=False))
    return live


def last_of_each(history: Sequence[ItemChange]) -> list[ItemChange]:
    """Returns the last change of each item."""
    return list({one.number: one for one in history}.values())


def union(history: Sequence[ItemChange], channel: int) -> tuple[Rows, Vectors]:
    """Returns the rows and vectors of everything that is to be found in a channel, known or new, by brute force."""
    last = {one.number: one for one in history}
    vectors = (WORLD.content, WORLD.other)[channel]
    found: dict[int, Vectors] = {row: vectors[row] for row in range(ITEMS)}
    for number, one in last.items():
        if number < KNOWN:
            vector = found.pop(3 * number)
            if not one.withdrawn:
                found[ITEMS + number] = vector
        elif not one.withdrawn and len(placed := WORLD.placer.place([one])):
            found[ITEMS + number] = placed.vectors[channel][0]
    return np.array(list(found), dtype=np.int64), np.stack(list(found.values()))


def assert_best(found: Found, rows: Rows, scores: Vectors, excluded: set[int], limit: int) -> None:
    """Asserts that the best rows were found, by their scores; which of equals is not said."""
    expected = {row: score for row, score in zip(rows.tolist(), scores.tolist(), strict=True) if row not in excluded}
    assert len(set(found.rows.tolist())) == len(found.rows) == min(limit, len(expected))
    np.testing.assert_allclose(found.scores, sorted(expected.values(), reverse=True)[:limit], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.scores, [expected[row] for row in found.rows.tolist()], rtol=1e-4, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    history=st.lists(changes, max_size=25),
    excluded=st.lists(st.lists(st.integers(0, ITEMS + NUMBERS + 5), max_size=30), min_size=3, max_size=3),
    limit=st.sampled_from([1, 7, EVERYTHING]),
)
def test_the_best_of_known_and_new_items_are_found(
    history: list[ItemChange], excluded: list[list[int]], limit: int
) -> None:
    """As if all of them had always been in one catalogue, whatever changed and whatever is excluded."""
    live = apply(WORLD.live_items(), last_of_each(history))
    delta = live.delta or live.nothing
    for channel in (0, 1):
        rows, vectors = union(history, channel)
        for query, found in enumerate(delta.channels[channel].search(QUERIES, excluding(*excluded), limit)):
            # A changed item may be excluded by its old row, too.
            banned = {
                *excluded[query],
                *(ITEMS + row // 3 for row in excluded[query] if row < 3 * KNOWN and row % 3 == 0),
            }
            assert_best(found, rows, vectors @ QUERIES[query], banned, limit)


@settings(max_examples=60, deadline=None)
@given(history=st.lists(changes, max_size=25), row=st.integers(0, ITEMS + NUMBERS + 5))
def test_items_alike_are_found_among_known_and_new_ones(history: list[ItemChange], row: int) -> None:
    """By cosine, from wherever they are asked for, without the item itself."""
    live = apply(WORLD.live_items(), last_of_each(history))
    delta = live.delta or live.nothing
    last = {one.number: one for one in history}
    # A known item by its old row, whichever way it is named.
    own = 3 * (row - ITEMS) if row - ITEMS in last and row - ITEMS < KNOWN else row
    for channel in (0, 1):
        rows, vectors = union(history, channel)
        (found,) = delta.similarity_channels[channel].similar(np.array([row]), EVERYTHING)
        itself = {own, ITEMS + own // 3} if own in range(0, 3 * KNOWN, 3) else {own}
        if own < ITEMS:
            asked = (WORLD.content, WORLD.other)[channel][own]
        elif own in rows:
            asked = vectors[rows.tolist().index(own)]
        else:
            assert not len(found.rows)
            continue
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked)
        assert_best(found, rows, vectors @ asked / lengths, itself, EVERYTHING)


@settings(max_examples=40, deadline=None)
@given(history=st.lists(changes, max_size=30), cuts=st.lists(st.integers(0, 30), max_size=4))
def test_changes_that_come_in_pieces_lead_to_the_same(history: list[ItemChange], cuts: list[int]) -> None:
    """However they were cut into pages, and whatever was superseded on the way."""
    bounds = sorted({0, len(history), *(min(cut, len(history)) for cut in cuts)})
    pages = [last_of_each(history[start:end]) for start, end in pairwise(bounds)]
    at_once, in_pieces = (
        (live.delta or live.nothing)
        for live in (apply(WORLD.live_items(), last_of_each(history)), apply(WORLD.live_items(), *pages))
    )

    for one, other in zip(at_once.channels, in_pieces.channels, strict=True):
        queries = QUERIES if one.name != "popularity" else QUERIES[:, :0]
        for left, right in zip(
            one.search(queries, excluding([], [], []), EVERYTHING),
            other.search(queries, excluding([], [], []), EVERYTHING),
            strict=True,
        ):
            assert left.rows.tolist() == right.rows.tolist()
            np.testing.assert_array_equal(left.scores, right.scores)
    np.testing.assert_array_equal(at_once.new.stand_ins, in_pieces.new.stand_ins)


@pytest.mark.parametrize("costs", [SCAN_IS_FREE, ANNOY_IS_FREE])
def test_what_is_hidden_is_replaced_by_the_next_best(costs: SearchCosts) -> None:
    """Also through Annoy, and where most of what is near was withdrawn."""
    world = World(costs)
    near = np.argsort(-(world.other @ QUERIES[0]))[: ITEMS - 10].tolist()
    withdrawn = [change(number, item_id(row), withdrawn=True) for number, row in enumerate(near)]
    live = apply(world.live_items(), withdrawn)
    assert live.delta is not None

    (found,) = live.delta.channels[1].search(QUERIES[:1], excluding([]), 10)
    (alike,) = live.delta.similarity_channels[1].similar(np.array([near[0]]), 10)

    assert sorted(found.rows.tolist()) == sorted(alike.rows.tolist()) == sorted(set(range(ITEMS)) - set(near))


def test_popularity_knows_changed_items_and_no_new_ones() -> None:
    """A changed item is as popular as before; nobody has met a new one yet."""
    live = apply(
        WORLD.live_items(),
        [change(0, item_id(0), "sea"), change(1, item_id(3), withdrawn=True), change(12, "new-12", "storm")],
    )
    assert live.delta is not None

    (found,) = live.delta.channels[2].search(QUERIES[:1, :0], excluding([]), EVERYTHING)

    weights = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    assert weights.keys() == {*range(ITEMS), ITEMS} - {0, 3}
    assert weights[ITEMS] == WORLD.weights[0]


def test_a_query_without_a_preference_finds_no_new_items() -> None:
    """A history that says nothing to a channel finds nothing there; others of its batch do."""
    live = apply(WORLD.live_items(), [change(12, "new-12", "storm")])
    assert live.delta is not None
    queries = np.stack([np.zeros(DIMENSION, dtype=np.float32), QUERIES[0]])

    nothing, something = live.delta.channels[0].search(queries, excluding([], []), EVERYTHING)

    assert not len(nothing.rows)
    assert len(something.rows) == ITEMS + 1


def test_an_answer_does_not_depend_on_company() -> None:
    """A new item's score is computed for each query by itself."""
    live = apply(WORLD.live_items(), [change(number, f"new-{number}", " ".join(WORDS[:2])) for number in range(12, 18)])
    assert live.delta is not None
    channel = live.delta.channels[0]
    together = channel.search(np.repeat(QUERIES[:1], 40, axis=0), excluding(*[[]] * 40), 20)
    (alone,) = channel.search(QUERIES[:1], excluding([]), 20)

    for one in together:
        assert one.rows.tolist() == alone.rows.tolist()
        assert one.scores.tolist() == alone.scores.tolist()


def test_nothing_is_beside_a_snapshot_until_something_is() -> None:
    """Requests then cost nothing more than to see that; nor when all that came has gone again."""
    storm, withdrawn = change(12, "new-12", "storm"), change(12, "new-12", withdrawn=True)
    pages: list[list[ItemChange]] = [[], [storm], [storm, withdrawn]]

    assert [apply(WORLD.live_items(), *([one] for one in page)).delta is None for page in pages] == [True, False, True]


def test_a_number_too_large_for_a_row_is_left_out() -> None:
    """Rows travel in 32 bits."""
    live = apply(WORLD.live_items(), [change(2**32 - 1, "new", "storm"), change(2**32 - ITEMS, "newer", "storm")])
    assert live.delta is None
