"""A handful of people and items, small enough to compute by hand."""

from collections.abc import Sequence

import numpy as np
import torch

from services.training.datasets import Interactions, Item
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.recall.model import FitContext, RecallData, RecallModel
from services.training.sequence.windows import pad_histories

#: What each of seven people met, of six items; somebody met an item twice, and somebody nothing.
MET = ((0, 1, 2), (0, 1), (1, 2, 3, 1), (3, 4), (), (0, 4, 5), (2, 3, 5, 4))
ITEMS = 6


def small_data(met: Sequence[Sequence[int]] = MET, items: int = ITEMS, texts: Sequence[str] = ()) -> RecallData:
    """Returns these events of people whom and items which nothing else is known about, save the items' texts."""
    users = np.repeat(np.arange(len(met)), [len(row) for row in met])
    events = Interactions.build(users=users, items=np.concatenate([np.asarray(row, dtype=np.int64) for row in met]))
    catalogue = tuple(Item(f"i{row}", "", (), texts[row] if texts else "", {}) for row in range(items))
    one = NextItemQueries(
        np.zeros(1, dtype=np.int64), (np.asarray(met[0][:-1], dtype=np.int32),), np.asarray(met[0][-1:])
    )
    nothing = np.zeros((items, 1), dtype=np.float32)
    return RecallData(catalogue, nothing, events.sequences(len(met)), np.zeros((len(met), 1), dtype=np.float32), one)


def context() -> FitContext:
    """Returns the circumstances of a small fit."""
    return FitContext(seed=0, max_history=10, threads=1, display=Silence())


def interactions(met: Sequence[Sequence[int]] = MET, items: int = ITEMS) -> np.ndarray:
    """Returns who met what, written out: float64 [people, items]."""
    matrix = np.zeros((len(met), items))
    for person, row in enumerate(met):
        matrix[person, list(row)] = 1.0
    return matrix


def scores(model: RecallModel, histories: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns what the model gives each item after each history: float32 [histories, items]."""
    longest = max(1, *map(len, histories))
    batch = torch.as_tensor(pad_histories([np.asarray(row, dtype=np.int64) for row in histories], longest))
    with torch.inference_mode():
        return np.asarray(model.encoder(batch, torch.zeros(len(batch), 1)).numpy() @ model.item_vectors.T)
