"""Bag of words with BM25's weights: items whose words are alike, also those that nobody met yet."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from services.training.recall.bm25_weights import bm25_weights
from services.training.recall.described_items import DescribedItemsConfig, recall_by_likeness
from services.training.recall.factorisation import truncated_svd
from services.training.recall.model import FitContext, RecallData, RecallFamily, RecallModel
from services.training.recall.words import words_of
from shared.word_projection import directions


class Bm25Config(DescribedItemsConfig):
    """How words count, and how a history becomes a query."""

    dimension: int = Field(default=128, ge=1, description="Most dimensions kept by the singular value decomposition.")
    max_terms: int = Field(default=20_000, ge=1, description="Most terms in the vocabulary.")
    saturation: float = Field(default=1.2, gt=0, description="k1: the higher, the longer repetitions of a word add.")
    length_share: float = Field(
        default=0.75, ge=0, le=1, description="b: the higher, the less the words of long texts count."
    )


def fit_bm25(data: RecallData, config: Bm25Config, context: FitContext) -> RecallModel:
    """Weighs words by BM25 and reduces them by latent semantic analysis (Deerwester et al., JASIS 1990).

    An item's vector has length 1, or is 0 without a known word, so that an inner product of two is their cosine;
    `recall_by_likeness` makes scores of them.

    Raises:
        Unsuitable: no item has a word.
    """
    with context.display.stage("weigh words", 1) as advance:
        words = words_of(data.items, config.max_terms)
        weights = bm25_weights(words.counts(), config.saturation, config.length_share)
        components = truncated_svd(weights, config.dimension, context.seed).right
        vectors = directions(np.asarray(weights @ components))
        advance(f"{len(words.terms)} terms")
    return recall_by_likeness(vectors, data, config)


BM25 = RecallFamily(
    name="bm25",
    summary="Words weighted by BM25 (Robertson & Zaragoza, 2009), reduced by truncated SVD",
    config=Bm25Config,
    fit=fit_bm25,
    content=True,
)
