"""What the models do not know is ranked as what is most like it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.candidates import Candidates
from services.gateway.live_items.stand_ins import RankedRows, known_user, with_stand_ins
from services.gateway.neighbours import User
from tests.unit.gateway.fakes import plain_items, rows, snapshot_of
from tests.unit.gateway.live_items.items import live, upserted

PLAIN = snapshot_of(plain_items(6))


def candidates(stand_ins: list[list[int]] | None, *candidate_rows: int) -> Candidates:
    """Returns candidates with these stand-ins."""
    found = Candidates.found_by_none(rows(*candidate_rows))
    if stand_ins is None:
        return found
    return Candidates(found.rows, found.found_by, found.channel_scores, (), np.array(stand_ins, np.uint32))


def scores_of(ranked: RankedRows) -> list[list[float]]:
    """Scores every row by itself and by ten times itself; returns what that makes of the candidates."""
    values = np.stack([ranked.rows, 10.0 * ranked.rows], axis=1).astype(np.float32)
    scores: list[list[float]] = ranked.reduce(values).tolist()
    return scores


def test_without_live_candidates_nothing_is_changed() -> None:
    """The very arrays go out and come back."""
    found = candidates(None, 3, 1)
    ranked = RankedRows.of(found)
    scores = np.ones((2, 1), np.float32)
    assert ranked.rows is found.rows
    assert ranked.reduce(scores) is scores


def test_a_live_candidate_has_the_mean_of_its_stand_ins() -> None:
    """Each row is asked for once, whoever it stands in for; others have their own score, to the last bit."""
    ranked = RankedRows.of(candidates([[3, 3], [1, 3], [1, 2]], 3, 7, 8))
    assert ranked.rows.tolist() == [1, 2, 3]
    assert scores_of(ranked) == [[3, 30], [2, 20], [1.5, 15]]


def test_a_repeated_last_stand_in_counts_once() -> None:
    """A short list is filled up with its last, which must not weigh more for it."""
    assert scores_of(RankedRows.of(candidates([[1, 4, 4, 4]], 7))) == [[2.5, 25]]


def test_the_least_alike_are_left_out_where_too_many_rows_would_be_asked_for() -> None:
    """What ranking takes in one question is bounded."""
    ranked = RankedRows.of(candidates([[1, 2], [3, 4]], 7, 8), limit=3)
    assert ranked.rows.tolist() == [1, 3]
    assert scores_of(ranked) == [[1, 10], [3, 30]]


def test_a_stand_in_without_a_usable_score_spoils_only_those_it_stands_in_for() -> None:
    """They sink, as a candidate with a broken score of its own does."""
    ranked = RankedRows.of(candidates([[1, 2], [2, 3], [4, 4]], 7, 8, 4))
    values = np.array([[1], [np.nan], [3], [np.inf]], np.float32)
    assert np.isfinite(ranked.reduce(values)).tolist() == [[False], [False], [False]]
    assert np.isfinite(ranked.reduce(np.array([[np.nan], [1], [3], [4]], np.float32))).tolist() == [
        [False],
        [True],
        [True],
    ]


lists = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True), min_size=1, max_size=8)


@given(lists)
def test_the_mean_is_that_of_the_lists(stand_ins: list[list[int]]) -> None:
    """Whatever their lengths and whatever they share."""
    width = max(map(len, stand_ins))
    padded = [one + one[-1:] * (width - len(one)) for one in stand_ins]
    ranked = RankedRows.of(candidates(padded, *range(100, 100 + len(padded))))
    assert sorted(set(ranked.rows.tolist())) == ranked.rows.tolist()
    assert np.allclose(scores_of(ranked), [[np.mean(one), 10 * np.mean(one)] for one in stand_ins])


def test_taking_candidates_takes_their_stand_ins() -> None:
    """Filters and cuts keep each with its own."""
    taken = candidates([[3], [1], [2]], 3, 7, 8).take(np.array([2, 0]))
    assert taken.stand_ins is not None
    assert taken.stand_ins.tolist() == [[2], [3]]


def test_without_recall_a_changed_item_stands_in_for_itself() -> None:
    """As the snapshot knew it; of a new one nobody can say what it is like, so it is left out."""
    snapshot = live(PLAIN, upserted(0, "new"), upserted(1, "i3"))
    popular = with_stand_ins(Candidates.found_by_none(snapshot.popular_rows), snapshot)
    assert popular.rows.tolist() == [0, 1, 2, 7, 4, 5]
    assert RankedRows.of(popular).rows.tolist() == [0, 1, 2, 3, 4, 5]
    known = Candidates.found_by_none(rows(1, 2))
    assert with_stand_ins(known, snapshot) is known
    assert with_stand_ins(known, PLAIN) is known


def test_ranking_is_not_told_of_a_history_that_models_do_not_know() -> None:
    """The rest of it stays, in its order; who has none of it is left alone."""
    user = User(np.zeros(1, np.float32), rows(1, 9, 2), rows(9), known=True)
    assert known_user(user, 6).history.tolist() == [1, 2]
    assert known_user(user, 6).seen.tolist() == [9]
    plain = User(np.zeros(1, np.float32), rows(1, 2), rows(), known=True)
    assert known_user(plain, 6) is plain
    nobody = User(np.zeros(1, np.float32), rows(), rows(), known=False)
    assert known_user(nobody, 6) is nobody
