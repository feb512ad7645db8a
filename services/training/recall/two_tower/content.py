"""What is known of an item apart from who met it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.training.content.bag_of_words import BagOfWordsConfig, fit_content
from services.training.datasets import Item
from shared.word_projection import WordProjection, document


@dataclass(frozen=True, slots=True, eq=False)
class ItemContent:
    """The features and words of items as numbers.

    Attributes:
        matrix: float32 [items, width], the item features and then the words' vector.
        projection: Gives the words' vectors; None where no item of the catalogue has a word.
    """

    matrix: npt.NDArray[np.float32]
    projection: WordProjection | None

    @classmethod
    def fit(cls, items: Sequence[Item], item_features: npt.NDArray[np.float32], text_dimension: int, seed: int) -> Self:
        """Learns from a catalogue what its words tell.

        Args:
            items: In the order of their rows.
            item_features: float32 [items, item features], normalised.
            text_dimension: Most numbers that stand for an item's words.
            seed: Of the randomised decomposition of the words.
        """
        words = fit_content(items, BagOfWordsConfig(dimension=text_dimension), seed)
        return cls(_beside(item_features, words.vectors), words.projection)

    def of(self, items: Sequence[Item], item_features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the numbers of items that may be new: float32 [items, width].

        Args:
            items: Any.
            item_features: float32 [items, item features], normalised as those of the catalogue.
        """
        width = self.matrix.shape[1] - item_features.shape[1]
        words = np.zeros((len(items), width), dtype=np.float32)
        if self.projection is not None:
            for row, item in enumerate(items):
                words[row] = self.projection.project(document(item.title, item.categories, item.text))
        return _beside(item_features, words)


def _beside(features: npt.NDArray[np.float32], words: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    # Word vectors have length 1 whatever their width: at this scale a number of theirs weighs as much as a feature.
    scale = np.float32(np.sqrt(words.shape[1]))
    return np.concatenate([features, words * scale], axis=1, dtype=np.float32)
