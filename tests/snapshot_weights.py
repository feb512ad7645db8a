"""The weights of a test snapshot's models, and in NumPy what its ONNX graphs compute from them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.features import UserFeatureTransform, UserField

TOWER_DIMENSION = 8
CONTENT_DIMENSION = 6
USER_FIELDS = (
    UserField("gender", "categorical", vocabulary=("F", "M")),
    UserField("age", "number", mean=35.0, deviation=12.0),
)
ITEM_FEATURES = ("popularity", "recency", "length")
OBJECTIVES = ("click", "like")

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Weights:
    """Everything that the graphs hold. U user features, F item features, O objectives.

    Attributes:
        tower_vectors: float32 [items, TOWER_DIMENSION].
        tower_users: float32 [U, TOWER_DIMENSION], from user features to the query.
        content_vectors: float32 [items, CONTENT_DIMENSION].
        item_features: float32 [items, F].
        popularity: float32 [items], no two alike.
        ranker_items: float32 [F, O].
        ranker_users: float32 [U, O].
    """

    tower_vectors: Floats
    tower_users: Floats
    content_vectors: Floats
    item_features: Floats
    popularity: Floats
    ranker_items: Floats
    ranker_users: Floats

    @classmethod
    def draw(cls, items: int, seed: int) -> Self:
        """Returns the weights of `build_snapshot` for the same number of items and the same seed."""
        random = np.random.default_rng(seed)
        users = UserFeatureTransform(USER_FIELDS).width

        def normal(*shape: int) -> Floats:
            return random.standard_normal(shape, dtype=np.float32)

        # Lengths of item vectors differ in real models: popular items are longer.
        lengths = random.uniform(0.5, 2.0, size=(items, 1)).astype(np.float32)
        return cls(
            tower_vectors=normal(items, TOWER_DIMENSION) * lengths,
            tower_users=normal(users, TOWER_DIMENSION),
            content_vectors=normal(items, CONTENT_DIMENSION),
            item_features=normal(items, len(ITEM_FEATURES)),
            popularity=(1000.0 / (1.0 + random.permutation(items))).astype(np.float32),
            ranker_items=normal(len(ITEM_FEATURES), len(OBJECTIVES)),
            ranker_users=normal(users, len(OBJECTIVES)),
        )

    def tower_queries(self, history: Rows, user_features: Floats) -> Floats:
        """Returns the two-tower encoder's queries, float32 [Q, TOWER_DIMENSION]."""
        return masked_mean(self.tower_vectors, history) + user_features @ self.tower_users

    def content_queries(self, history: Rows) -> Floats:
        """Returns the content encoder's queries, float32 [Q, CONTENT_DIMENSION]; zero for an empty history."""
        return masked_mean(self.content_vectors, history)

    def scores(
        self, history: Rows, user_features: Floats, candidates: Rows, candidate_features: Floats, candidate_query: Rows
    ) -> Floats:
        """Returns the ranker's scores, float32 [N, O]: taste for the item, plus its features, plus the user's."""
        taste = masked_mean(self.tower_vectors, history)[candidate_query] * self.tower_vectors[candidates]
        leaning = (user_features @ self.ranker_users)[candidate_query]
        scores = taste.sum(axis=1, keepdims=True) + candidate_features @ self.ranker_items + leaning
        return np.asarray(scores, dtype=np.float32)


def masked_mean(vectors: Floats, history: Rows) -> Floats:
    """Returns the mean vector of each history, float32 [Q, dimension]; zero where it is empty."""
    present = (history >= 0)[..., None]
    total = np.where(present, vectors[np.maximum(history, 0)], np.float32(0)).sum(axis=1)
    return np.asarray(total / np.maximum(present.sum(axis=1), 1), dtype=np.float32)
