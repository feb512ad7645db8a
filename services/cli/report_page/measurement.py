"""What an evaluation measured, before any figure is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.cli.evaluation.asking import Answers, Retrieved
from services.cli.evaluation.questions import Questions
from services.training.datasets import Dataset
from services.training.metrics.lists import NO_ITEM
from shared.snapshot.catalogue import Catalogue
from shared.snapshot.manifest import Manifest

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measurement:
    """The users, what they were asked about, and what the running suite answered.

    Attributes:
        dataset: Where the users come from.
        folder: Of the snapshot.
        manifest: Of the snapshot.
        catalogue: Of the snapshot.
        questions: The users and what came next.
        seed: That drew them.
        answers: Of the gateway.
        retrieved: Of recall, asked by itself.
        popularity: int64 [users], the rank of what came next by popularity.
        annoy_loss: By channel, the share of exact search's nearest that its index does not find.
    """

    dataset: Dataset
    folder: Path
    manifest: Manifest
    catalogue: Catalogue
    questions: Questions
    seed: int
    answers: Answers
    retrieved: Retrieved
    popularity: Rows
    annoy_loss: Mapping[str, float]

    def user_features(self) -> NDArray[np.float32]:
        """Returns what models know of each user: float32 [users, features]."""
        return self.questions.user_features(self.manifest.feature_schema.user_fields)

    def degraded(self) -> int:
        """Returns how many answers did without something, of the gateway and of recall."""
        return self.answers.degraded + self.retrieved.degraded

    def served_lists(self, size: int) -> Rows:
        """Returns the first items of each answer: int64 [users, size] rows, `NO_ITEM` where a list has ended."""
        lists = np.full((len(self.questions), size), NO_ITEM)
        for row, listed in zip(lists, self.answers.listed, strict=True):
            rows = self.catalogue.rows_of(listed[:size])
            row[: len(rows)] = rows
        return lists
