"""Word embeddings learnt from the items' own words: words that stand beside the same words are alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_array, diags_array

from services.training.pair_information import positive_information
from services.training.recall.described_items import DescribedItemsConfig, recall_by_likeness
from services.training.recall.factorisation import truncated_svd
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel, Unsuitable
from services.training.recall.words import Words, words_of
from shared.word_projection import directions


class WordVectorsConfig(DescribedItemsConfig):
    """How words get vectors, items get theirs from them, and a history becomes a query."""

    dimension: int = Field(default=128, ge=1, description="Most dimensions of a word's vector.")
    max_terms: int = Field(default=20_000, ge=2, description="Most terms in the vocabulary.")
    window: int = Field(default=5, ge=1, description="How many words to each side still stand beside a word.")
    smoothing: float = Field(
        default=1e-3, gt=0, description="a: a word with frequency p counts a / (a + p) in an item's mean."
    )


def fit_word_vectors(data: RecallData, config: WordVectorsConfig, context: FitContext) -> RecallModel:
    """Places items at the weighted mean of their words' vectors (SIF; Arora et al., ICLR 2017).

    A word's vector comes from the positive pointwise mutual information of words that stand beside each other, decomposed:
    what skip-gram with negative sampling factorises too (Levy & Goldberg, NIPS 2014), in closed form.

    Raises:
        Unsuitable: no item has a word, or no two words stand beside each other.
    """
    with context.display.stage("learn word vectors", 1) as advance:
        words = words_of(data.items, config.max_terms)
        beside = count_beside(words, config.window)
        if not beside.nnz:
            raise Unsuitable("no two words stand beside each other; bring longer titles or texts, or choose bm25")
        information = csr_array(positive_information(beside).astype(np.float32))
        factors = truncated_svd(information, config.dimension, context.seed)
        vectors = item_means(words, factors.left * np.sqrt(factors.values), config.smoothing)
        advance(f"{len(words.terms)} terms")
    return recall_by_likeness(vectors, data, config)


def count_beside(words: Words, window: int) -> csr_array:
    """Counts how often each two words stand in one document, by one over the distance: float64 [terms, terms], symmetric."""
    counts = csr_array((len(words.terms), len(words.terms)), dtype=np.float64)
    for distance in range(1, window + 1):
        same = words.documents[:-distance] == words.documents[distance:]
        pairs = (words.occurrences[:-distance][same], words.occurrences[distance:][same])
        counts = counts + csr_array((np.full(len(pairs[0]), 1.0 / distance), pairs), shape=counts.shape)
    return csr_array(counts + counts.T)


def item_means(words: Words, vectors: npt.NDArray[np.float32], smoothing: float) -> npt.NDArray[np.float32]:
    """Averages words over items, rare words counting more, and takes out what all items have in common.

    Args:
        words: Of the items.
        vectors: float32 [terms, dimension].
        smoothing: a of SIF.

    Returns:
        float32 [items, dimension] of length 1, or 0 without a word.
    """
    frequency = np.bincount(words.occurrences, minlength=len(words.terms)) / len(words.occurrences)
    counts = words.counts().astype(np.float64)
    share = diags_array(1.0 / np.maximum(counts.sum(axis=1), 1.0))
    means = share @ counts @ (smoothing / (smoothing + frequency)[:, None] * vectors)
    if vectors.shape[1] > 1:
        common = np.linalg.svd(means, full_matrices=False)[2][:1]
        means = means - means @ common.T @ common
    return directions(means)


WORD_VECTORS = RecallFamily(
    name="word_vectors",
    summary="Word embeddings of the items' own words (PPMI and SVD), averaged with SIF (Arora et al., ICLR 2017)",
    config=WordVectorsConfig,
    fit=fit_word_vectors,
    content=True,
)
