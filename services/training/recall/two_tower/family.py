"""Fitting the two-tower model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from services.training.datasets import Sequences
from services.training.fitting import fit_epochs
from services.training.recall.judging import validation_ndcg
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel, Unsuitable
from services.training.recall.two_tower.config import TwoTowerConfig
from services.training.recall.two_tower.content import ItemContent
from services.training.recall.two_tower.model import TwoTowerEncoder, TwoTowers, WindowBatch
from services.training.sequence.windows import cut_windows

# With a single window there would be nobody else to compare with.
_FEWEST_WINDOWS = 8


def fit_two_tower(data: RecallData, config: TwoTowerConfig, context: FitContext) -> RecallModel:
    """Learns towers for people and items whose vectors agree where a person met an item (Yi et al., RecSys 2019).

    The encoder is a `TwoTowerEncoder`, which also places items that were not trained on.

    Raises:
        Unsuitable: there are no events.
    """
    if not len(data.events.items):
        raise Unsuitable("two_tower learns from who met what, and there are no events")
    content = ItemContent.fit(data.items, data.item_features, config.text_dimension, context.seed)
    torch.manual_seed(context.seed)
    towers = TwoTowers(data, content, config)
    length = min(config.window, context.max_history)
    windows = len(cut_windows(data.events, length))
    size = max(_FEWEST_WINDOWS, round(config.batch * windows / len(data.events.items)))

    def judge() -> float:
        embedded, vectors = towers.tables()
        encoder = TwoTowerEncoder(towers, embedded, content).eval()
        return validation_ndcg(encoder, vectors.numpy(), data.validation, data.user_features, context.max_history)

    epochs = fit_epochs(
        towers,
        name="fit two towers",
        batches=lambda: window_batches(data, length, size),
        steps=-(-windows // size),
        loss=towers.loss,
        judge=judge,
        config=config,
        context=context,
    )
    embedded, vectors = towers.tables()
    return RecallModel(TwoTowerEncoder(towers, embedded, content).eval(), vectors.numpy(), epochs)


def window_batches(data: RecallData, length: int, size: int) -> Iterator[WindowBatch]:
    """Gives every event as a target at least once, cut in other places each time, in batches of `size` windows."""
    # Seeded from torch's generator, so that its state alone decides how a fit goes on.
    seed = int(torch.randint(2**62, ()))
    cut = cut_windows(data.events, length, np.random.default_rng(seed))
    people = _people(data.events, length, seed)
    for rows in torch.split(torch.randperm(len(cut)), size):
        chosen = rows.numpy().reshape(-1)
        yield WindowBatch(
            torch.as_tensor(cut.history[chosen]),
            torch.as_tensor(cut.target[chosen]),
            torch.as_tensor(people[chosen]),
            torch.as_tensor(data.user_features[people[chosen]]),
        )


def _people(events: Sequences, length: int, seed: int) -> npt.NDArray[np.int64]:
    """Whose each window is, int64 [windows]: the same cuts through who did it instead of what it was."""
    named = cut_windows(replace(events, items=events.users), length, np.random.default_rng(seed))
    # The last place of a window is never padding.
    return named.target[:, -1]


TWO_TOWER = RecallFamily(
    name="two_tower",
    summary="Towers over history and attributes, and over ids, features and words (Yi et al., RecSys 2019)",
    config=TwoTowerConfig,
    fit=fit_two_tower,
)
