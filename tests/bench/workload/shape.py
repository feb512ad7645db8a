"""What the workload is: fixed numbers, so that figures of different days and machines are about the same work."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.features import UserField

DIMENSION = 64
TREES = 20
ITEM_FEATURES = 32
HIDDEN = (256, 128)
MAX_HISTORY = 50
EVENTS = 50
USERS = 5_000
RESULTS = 20

#: Items are as near to each other as those of a genre are: a cluster for each thousand, and noise around its centre.
ITEMS_IN_CLUSTER = 1_000
NOISE = 0.5

#: Together with the flag for "any attribute", 32 features: a category of 3 and 14 numbers of 2.
USER_FIELDS = (
    UserField("gender", "categorical", vocabulary=("F", "M")),
    *(UserField(f"trait_{number:02d}", "number") for number in range(14)),
)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Person:
    """One user.

    Attributes:
        id: The public id.
        attributes: By name.
        rows: uint32 [EVENTS], the items of the history, oldest first; no item twice.
    """

    id: str
    attributes: dict[str, str | float]
    rows: NDArray[np.uint32]


@dataclass(frozen=True)
class Workload:
    """Everything that is drawn.

    Attributes:
        vectors: float32 [items, DIMENSION], clustered.
        item_features: float32 [items, ITEM_FEATURES].
        popularity: float32 [items], falling as a power of the rank.
        layers: The ranker's weights and biases, from the 64 features of user and item to one score.
        people: The users.
    """

    vectors: Floats
    item_features: Floats
    popularity: Floats
    layers: Sequence[tuple[Floats, Floats]]
    people: Sequence[Person]


def item_id(row: int) -> str:
    """Returns the public id of an item."""
    return f"item-{row:08d}"


def draw(items: int, seed: int = 0) -> Workload:
    """Returns the workload of a size. A user's history is of one cluster."""
    random = np.random.default_rng(seed)
    clusters = max(4, items // ITEMS_IN_CLUSTER)
    cluster_of = np.sort(random.integers(clusters, size=items))
    centres = random.standard_normal((clusters, DIMENSION), dtype=np.float32)
    noise = random.standard_normal((items, DIMENSION), dtype=np.float32) * np.float32(NOISE)
    vectors: Floats = (centres[cluster_of] + noise).astype(np.float32) / np.float32(np.sqrt(DIMENSION))
    return Workload(
        vectors=vectors,
        item_features=random.standard_normal((items, ITEM_FEATURES), dtype=np.float32),
        popularity=(1000.0 / (1.0 + random.permutation(items))).astype(np.float32),
        layers=_layers(random),
        people=[_person(number, cluster_of, random) for number in range(USERS)],
    )


def _layers(random: np.random.Generator) -> list[tuple[Floats, Floats]]:
    widths = (1 + 3 + 14 * 2 + ITEM_FEATURES, *HIDDEN, 1)
    return [
        (
            random.standard_normal((before, after), dtype=np.float32) * np.float32(np.sqrt(2.0 / before)),
            random.standard_normal(after, dtype=np.float32) * np.float32(0.1),
        )
        for before, after in itertools.pairwise(widths)
    ]


def _person(number: int, cluster_of: NDArray[np.int64], random: np.random.Generator) -> Person:
    taste = random.choice(cluster_of)
    first, last = np.searchsorted(cluster_of, [taste, taste + 1])
    rows = (first + random.permutation(last - first)[:EVENTS]).astype(np.uint32)
    attributes: dict[str, str | float] = {"gender": "F" if random.random() < 0.5 else "M"}
    attributes |= {f"trait_{trait:02d}": round(float(value), 4) for trait, value in enumerate(random.normal(size=14))}
    return Person(f"user-{number:05d}", attributes, rows)
