"""Small data for tests of single models."""

from collections.abc import Sequence

import numpy as np

from services.training.datasets import Interactions, Item, Sequences
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.recall.model import FitContext, RecallData


def events(histories: Sequence[Sequence[int]]) -> Sequences:
    """Returns what each user did, in that order."""
    users = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    items = [item for history in histories for item in history]
    return Interactions.build(users=users, items=np.asarray(items, dtype=np.int64)).sequences(len(histories))


def recall_data(
    histories: Sequence[Sequence[int]],
    items: int | Sequence[Item],
    user_features: np.ndarray | None = None,
    item_features: np.ndarray | None = None,
) -> RecallData:
    """Returns data whose validation asks for the last event of everybody who has two."""
    catalogue = (
        tuple(Item(str(row), "", (), "", {}) for row in range(items)) if isinstance(items, int) else tuple(items)
    )
    asked = [user for user, history in enumerate(histories) if len(history) > 1]
    queries = NextItemQueries(
        np.asarray(asked, dtype=np.int64),
        tuple(np.asarray(histories[user][:-1], dtype=np.int32) for user in asked),
        np.asarray([histories[user][-1] for user in asked], dtype=np.int64),
    )
    return RecallData(
        catalogue,
        np.zeros((len(catalogue), 1), dtype=np.float32) if item_features is None else item_features,
        events(histories),
        np.zeros((len(histories), 1), dtype=np.float32) if user_features is None else user_features,
        queries,
    )


def context(max_history: int = 10) -> FitContext:
    """Returns the circumstances of a small fit."""
    return FitContext(seed=0, max_history=max_history, threads=1, display=Silence())
