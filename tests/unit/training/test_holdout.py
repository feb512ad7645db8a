"""What is learned from and what is judged on."""

import pytest

from services.training.datasets import DatasetError, Interactions
from services.training.holdout import Holdout


def test_each_part_lies_after_the_one_it_is_judged_against() -> None:
    """By hand: of seven events two teach recall, three the ranker, one validates and the last one tests."""
    sequences = Interactions.build(users=[0] * 7, items=[10, 11, 12, 13, 14, 15, 16]).sequences(1)

    holdout = Holdout.of(sequences, reserved=3)

    assert holdout.fit.items.tolist() == [10, 11]
    assert holdout.ranker.targets.tolist() == [12, 13, 14]
    assert [len(history) for history in holdout.ranker.histories] == [2, 3, 4]
    assert holdout.validation.histories[0].tolist() == [10, 11, 12, 13, 14]
    assert holdout.validation.targets.tolist() == [15]
    assert holdout.test.histories[0].tolist() == [10, 11, 12, 13, 14, 15]
    assert holdout.test.targets.tolist() == [16]
    assert list(holdout.sizes().values()) == [2, 3, 1, 1]


def test_what_is_held_out_changes_nothing_that_is_learned_from() -> None:
    """Other validation and test events give the same parts to fit with."""
    one, other = (
        Holdout.of(Interactions.build(users=[0] * 7, items=[10, 11, 12, 13, 14, *last]).sequences(1), reserved=3)
        for last in ([15, 16], [1, 2])
    )

    assert one.fit.items.tolist() == other.fit.items.tolist()
    assert one.ranker.targets.tolist() == other.ranker.targets.tolist()


def test_too_few_events_are_refused() -> None:
    """When nobody has enough events for every part, it says how many are needed."""
    sequences = Interactions.build(users=[0, 0, 0, 1], items=[1, 2, 3, 1]).sequences(2)

    with pytest.raises(DatasetError, match="at least one user with 6 events"):
        Holdout.of(sequences, reserved=3)
