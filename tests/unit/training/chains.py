"""A small data set with one truth: the next item is nearly always the one after the last, around a circle."""

import numpy as np

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, Interactions, Item, User

ITEMS = 40
USERS = 120
EVENTS = 14
_WORDS = ("river", "mountain", "engine", "garden")


def chain_dataset(seed: int = 0, noise: float = 0.1) -> Dataset:
    """Returns 120 users who walk around a circle of 40 items; a step leads anywhere with the chance `noise`."""
    rng = np.random.default_rng(seed)
    walks = []
    for _ in range(USERS):
        walk = [int(rng.integers(ITEMS))]
        while len(walk) < EVENTS:
            step = int(rng.integers(ITEMS)) if rng.random() < noise else (walk[-1] + 1) % ITEMS
            if step not in walk:
                walk.append(step)
            elif len(set(walk)) + 1 < ITEMS:
                walk.append(next(item for item in rng.permutation(ITEMS).tolist() if item not in walk))
        walks.append(walk)
    return Dataset.build(
        name="chains",
        items=[
            Item(
                str(row), f"Item {row}", (_WORDS[row // 10],), f"about the {_WORDS[row // 10]}", {"year": 1990.0 + row}
            )
            for row in range(ITEMS)
        ],
        users=[User(str(user), {"group": "ab"[user % 2], "age": 20.0 + user % 30}) for user in range(USERS)],
        interactions=Interactions.build(users=np.repeat(np.arange(USERS), EVENTS), items=np.concatenate(walks)),
    )


#: The settings with which a sequence encoder learns the circle in seconds.
SEQUENCE: dict[str, object] = {
    "dimension": 16, "blocks": 1, "feedforward": 16, "epochs": 12, "dropout": 0.1, "learning_rate": 0.02,
}  # fmt: skip


def tiny_channels(**sequence: object) -> dict[str, object]:
    """Returns the default channels with small models; `sequence` are settings of the sequence encoder."""
    return {
        "collaborative": {"model": "sasrec", "quota": 0.7, "settings": {**SEQUENCE, **sequence}},
        "content": {"model": "bag_of_words", "quota": 0.15, "settings": {"dimension": 8}},
        "popularity": {"quota": 0.15},
    }


def tiny_config(**chosen: object) -> TrainingConfig:
    """Returns a configuration that fits the chains in a few seconds on one thread."""
    return TrainingConfig.model_validate(
        {
            "threads": 1,
            "candidates": 30,
            "max_history": 8,
            "channels": tiny_channels(),
            "transitions": {"dimension": 8},
            "ranker": {"negatives": 12, "reserved": 2, "settings": {"hidden": (16,), "epochs": 2}},
            "index": {"neighbours": 10, "trees": 5, "queries": 50},
            **chosen,
        }
    )  # fmt: skip
