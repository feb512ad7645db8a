"""A small data set over the catalogue of a small real snapshot."""

from __future__ import annotations

from services.training.datasets import Dataset, Interactions, Item, User


def dataset_of(*histories: list[int], items: int = 10, waved_away: frozenset[tuple[int, int]] = frozenset()) -> Dataset:
    """A data set in which user u met the items `histories[u]` in this order, but waved the given (user, item)s away.

    Its items stand in the reverse order of the catalogue's rows: nothing may rely on the two being equal.
    """
    pairs = [(user, item) for user, history in enumerate(histories) for item in history]
    return Dataset.build(
        name="factory",
        items=[Item(item_id(row), f"Title {row}", (), "", {}) for row in reversed(range(items))],
        users=[User(f"u{user}", {"age": 30.0}) for user in range(len(histories))],
        interactions=Interactions.build(
            users=[user for user, _ in pairs],
            items=[items - 1 - item for _, item in pairs],
            viewed=[pair not in waved_away for pair in pairs],
        ),
    )


def item_id(row: int) -> str:
    """The id of a row of the catalogue, as the snapshot factory names it."""
    return f"item-{row:05d}"
