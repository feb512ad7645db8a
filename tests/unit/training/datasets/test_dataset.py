"""What a data set refuses to be."""

from pathlib import Path

import pytest

from services.training.datasets import Dataset, DatasetError, Interactions, Item, User


def item(item_id: str) -> Item:
    """An item of which only the id matters."""
    return Item(id=item_id, title=item_id.upper(), categories=(), text="", attributes={})


def build(
    *,
    items: tuple[str, ...] = ("a", "b"),
    users: tuple[str, ...] = ("u", "v"),
    events: tuple[tuple[int, int], ...] = ((0, 0), (1, 1)),
) -> Dataset:
    """A small valid data set, in which a test replaces the part it is about."""
    return Dataset.build(
        name="small",
        items=[item(item_id) for item_id in items],
        users=[User(user_id, {}) for user_id in users],
        interactions=Interactions.build(users=[user for user, _ in events], items=[row for _, row in events]),
        path=Path("folder"),
    )


def test_a_valid_data_set_gives_one_sequence_per_user() -> None:
    """Rows of sequences are rows of users, also of a user without events."""
    dataset = build(users=("u", "v", "w"), events=((1, 0), (1, 1)))

    assert [items.tolist() for items in dataset.sequences()] == [[], [0, 1], []]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"items": ("a", "a")}, "item id 'a' occurs more than once"),
        ({"users": ("u", "u")}, "user id 'u' occurs more than once"),
        ({"items": ("a",), "events": ((0, 0),)}, "1 items are too few"),
        ({"users": ("u",), "events": ((0, 0),)}, "1 users are too few"),
        ({"events": ()}, "there are no interactions"),
        ({"events": ((0, 2),)}, "an interaction names item row 2, but there are rows 0 to 1"),
        ({"events": ((-1, 0),)}, "an interaction names user row -1, but there are rows 0 to 1"),
    ],
)
def test_a_data_set_that_cannot_be_trained_on_is_refused(parts: dict[str, tuple[str, ...]], problem: str) -> None:
    """The message says what is wrong and where it came from, and there is a remedy."""
    with pytest.raises(DatasetError) as refusal:
        build(**parts)  # type: ignore[arg-type]  # the table mixes parts of different types

    assert refusal.value.problem.startswith(problem)
    assert refusal.value.remedy
    assert str(refusal.value).startswith(f"folder: {problem}")


def test_an_error_names_file_and_line_before_the_problem() -> None:
    """The form is the one that editors turn into a link."""
    error = DatasetError("it is wrong", remedy="Mend it.", path=Path("events.jsonl"), line=3)

    assert str(error) == "events.jsonl:3: it is wrong. Mend it."


def test_an_error_without_a_place_is_just_the_problem_and_the_remedy() -> None:
    """Data that came from no file has no place to name."""
    assert str(DatasetError("it is wrong", remedy="Mend it.")) == "it is wrong. Mend it."
