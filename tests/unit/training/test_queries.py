"""Next-item queries."""

from services.training.datasets import Interactions, leave_last_out
from services.training.queries import NextItemQueries


def queries(holdout: int = 2) -> NextItemQueries:
    """Returns queries for three users, of whom the second has too few events."""
    sequences = Interactions.build(users=[0, 0, 0, 0, 1, 2, 2, 2], items=[5, 6, 7, 8, 9, 1, 2, 3]).sequences(3)
    return NextItemQueries.from_split(leave_last_out(sequences, holdout))


def test_every_held_out_event_is_asked_for_with_all_that_came_before_it() -> None:
    """By hand: two held out of each user; the second query of a user knows the first one's answer."""
    asked = queries()

    assert asked.users.tolist() == [0, 0, 2, 2]
    assert [history.tolist() for history in asked.histories] == [[5, 6], [5, 6, 7], [1], [1, 2]]
    assert asked.targets.tolist() == [7, 8, 2, 3]


def test_a_sample_keeps_queries_whole_and_in_order() -> None:
    """Each drawn query has its own history and target; asking for more than there are gives all."""
    asked = queries()

    sample = asked.sample(3, seed=1)

    whole = [(user, history.tolist(), target) for user, history, target in _rows(asked)]
    drawn = [(user, history.tolist(), target) for user, history, target in _rows(sample)]
    assert len(sample) == 3
    assert drawn == [row for row in whole if row in drawn]
    assert asked.sample(10, seed=1) is asked


def _rows(asked: NextItemQueries) -> zip:  # type: ignore[type-arg]
    return zip(asked.users.tolist(), asked.histories, asked.targets.tolist(), strict=True)
