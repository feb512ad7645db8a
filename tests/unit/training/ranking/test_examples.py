"""Examples for the ranker."""

import numpy as np

from services.training.metrics.lists import NO_ITEM
from services.training.ranking.examples import TARGET_COLUMN, draw_examples
from services.training.recall_lists import ListedQueries


def listed(targets: list[int], places: int = 40) -> ListedQueries:
    """Every query has the list 100, 101, 102 and so on."""
    count = len(targets)
    return ListedQueries(
        users=np.arange(count),
        history=np.arange(count)[:, None],
        lists=np.tile(np.arange(100, 100 + places), (count, 1)),
        targets=np.asarray(targets),
    )


def test_the_target_stands_first_and_is_no_negative() -> None:
    """Column 0 is the target; where it was drawn as well, nothing stands."""
    examples = draw_examples(listed([103, 120]), negatives=200, seed=0)

    assert examples.candidates[:, TARGET_COLUMN].tolist() == [103, 120]
    negatives = np.delete(examples.candidates, TARGET_COLUMN, axis=1)
    assert not (negatives == np.asarray([[103], [120]])).any()
    assert (negatives == NO_ITEM).any()
    assert set(negatives[negatives != NO_ITEM].tolist()) <= set(range(100, 140))


def test_what_recall_did_not_list_makes_no_example() -> None:
    """Only the queries whose target can be ranked remain, with their users and histories."""
    examples = draw_examples(listed([103, 7, 139]), negatives=5, seed=0)

    assert examples.users.tolist() == [0, 2]
    assert examples.history.tolist() == [[0], [2]]
    assert len(examples) == 2


def test_an_ended_list_gives_no_items() -> None:
    """Where a list is shorter, what is drawn from its end is `NO_ITEM`."""
    short = listed([100])
    short.lists[0, 3:] = NO_ITEM

    examples = draw_examples(short, negatives=100, seed=0)

    assert set(examples.candidates[0].tolist()) == {100, 101, 102, NO_ITEM}


def test_the_logs_say_how_often_a_candidate_is_drawn() -> None:
    """Over many draws, the counts of each candidate are near what `log_expected` says, and fall along the list."""
    count, negatives = 4000, 30
    examples = draw_examples(listed([100] * count), negatives, seed=0)
    drawn = examples.candidates[:, 1:].ravel()
    expected = np.exp(examples.log_expected[:, 1:]).ravel()

    frequencies = [np.count_nonzero(drawn == item) / count for item in (101, 110, 139)]
    promised = [expected[drawn == item][0] for item in (101, 110, 139)]

    np.testing.assert_allclose(frequencies, promised, rtol=0.05)
    assert frequencies[0] > frequencies[1] > frequencies[2]
    assert not examples.log_expected[:, TARGET_COLUMN].any()
