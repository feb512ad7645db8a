"""Why an item is recommended: because you watched ..."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from services.training.recall.model import RecallModel


@dataclass(frozen=True, slots=True)
class Reason:
    """An item of a history, and what it says for another item.

    Attributes:
        item: Row of the history's item.
        contribution: Its share of the score, in the score's unit; below 0 where it speaks against.
    """

    item: int
    contribution: float


def reasons(model: RecallModel, history: Sequence[int], item: int, most: int = 3) -> tuple[Reason, ...]:
    """Returns which items of a history say most for an item: the shares that add up to its score, largest first.

    Args:
        model: Whose query is the sum of what each distinct item of the history gives alone: item_to_item, ease, svd,
            spectral.
        history: Item rows.
        item: Row of the item that was recommended.
        most: How many reasons; what speaks against the item is none.

    Raises:
        ValueError: the history is more than its items to this model, so that its score has no such shares.
    """
    distinct = sorted(set(history))
    if not distinct:
        return ()
    rows = torch.as_tensor(distinct)
    nobody = torch.zeros(len(rows), 1)
    with torch.inference_mode():
        shares = model.encoder(rows[:, None], nobody).numpy() @ model.item_vectors[item]
        score = float((model.encoder(rows[None, :], nobody[:1]).numpy() @ model.item_vectors[item])[0])
    if not np.isclose(shares.sum(), score, rtol=1e-3, atol=1e-5 * float(np.abs(shares).sum()) + 1e-12):
        raise ValueError("this model's score is not the sum of what each item of the history says for it")
    order = np.argsort(-shares, kind="stable")[:most]
    return tuple(Reason(distinct[place], float(shares[place])) for place in order.tolist() if shares[place] > 0)
