"""The words of items, as matrices of counts and as sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

from services.training.datasets import Item
from services.training.recall.model import Unsuitable
from shared.word_projection import document


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Which words stand for which items, in order; words that are not in the vocabulary are left out.

    Attributes:
        terms: The vocabulary, in alphabetical order.
        occurrences: int64 [n], a row of `terms` each: the documents one after the other.
        documents: int64 [n], the item that each occurrence stands for, non-decreasing.
        items: How many items there are, with or without words.
    """

    terms: tuple[str, ...]
    occurrences: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    items: int

    def counts(self) -> csr_array:
        """Returns how often each term occurs in each item's words: float32 [items, terms], places in order."""
        ones = np.ones(len(self.occurrences), dtype=np.float32)
        counts = csr_array((ones, (self.documents, self.occurrences)), shape=(self.items, len(self.terms)))
        counts.sum_duplicates()
        return counts


def words_of(items: Sequence[Item], max_terms: int) -> Words:
    """Reads titles, categories and texts as the content channel does: no accents, no capitals, no stop words.

    Args:
        items: The catalogue in the order of its rows.
        max_terms: How many terms the vocabulary may have: the most frequent.

    Raises:
        Unsuitable: no item has a word.
    """
    texts = [document(item.title, item.categories, item.text) for item in items]
    vectorizer = CountVectorizer(max_features=max_terms, stop_words="english", strip_accents="unicode")
    try:
        vocabulary = vectorizer.fit(texts).vocabulary_
    except ValueError:
        raise Unsuitable(
            "no item has a word in its title, categories or text; bring some, or choose a model that learns from events alone"
        ) from None
    analyze = vectorizer.build_analyzer()
    found = [[vocabulary[term] for term in analyze(text) if term in vocabulary] for text in texts]
    lengths = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
    flat = np.fromiter((term for terms in found for term in terms), dtype=np.int64, count=int(lengths.sum()))
    return Words(tuple(sorted(vocabulary)), flat, np.repeat(np.arange(len(items)), lengths), len(items))
