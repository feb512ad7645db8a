"""Item vectors from words, and how to place an item that is not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from services.training.content.encoder import ContentEncoder
from services.training.datasets import Item
from services.training.popularity import popularity_prior
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel
from shared.word_projection import WordProjection, directions, document


class BagOfWordsConfig(ModelConfig):
    """Bag-of-words vectors of the items and how a history becomes a query."""

    dimension: int = Field(default=128, ge=2, description="Most dimensions kept by the singular value decomposition.")
    max_terms: int = Field(default=20_000, ge=2, description="Most terms in the vocabulary.")
    half_life: float = Field(default=10.0, gt=0, description="Items after which an item counts half.")
    popularity_exponent: float = Field(
        default=0.0,
        ge=0,
        description="An item's vector is multiplied by (1 + its events) to this power; 0: likeness alone.",
        json_schema_extra={"search": {"low": 0.0, "high": 1.5}},
    )


@dataclass(frozen=True, slots=True, eq=False)
class ContentFit:
    """What was learnt from the items' words.

    Attributes:
        vectors: float32 [items, dimension] of length 1, or 0 where an item has no known word; their inner product is the
            cosine. The dimension is the largest that the data allow, up to the configured one, and at least 1.
        projection: Gives the same vectors for the same words; None where no item has a word.
    """

    vectors: npt.NDArray[np.float32]
    projection: WordProjection | None


def fit_content(items: Sequence[Item], config: BagOfWordsConfig, seed: int) -> ContentFit:
    """Computes latent semantic vectors (Deerwester et al., JASIS 1990) from titles, categories and texts.

    Args:
        items: The catalogue in the order of its rows.
        config: How many terms and dimensions.
        seed: Of the randomised decomposition.
    """
    documents = [document(item.title, item.categories, item.text) for item in items]
    vectorizer = TfidfVectorizer(
        max_features=config.max_terms, sublinear_tf=True, stop_words="english", strip_accents="unicode"
    )
    try:
        weights = vectorizer.fit_transform(documents)
    except ValueError:
        # An empty vocabulary: nothing is known about any item, and every cosine is 0.
        return ContentFit(np.zeros((len(items), 1), dtype=np.float32), None)
    if weights.shape[1] == 1:
        components = np.ones((1, 1), dtype=np.float32)
    else:
        dimension = min(config.dimension, *weights.shape)
        fitted = TruncatedSVD(dimension, random_state=seed).fit(weights).components_
        # Rounded as they are kept, and only then applied: what a snapshot's projection gives later is then the same.
        components = np.ascontiguousarray(fitted.T, dtype=np.float32)
    projection = WordProjection(
        token_pattern=vectorizer.token_pattern,
        terms=vectorizer.get_feature_names_out().tolist(),
        idf=np.asarray(vectorizer.idf_, dtype=np.float64),
        components=components,
    )
    return ContentFit(directions(np.asarray(weights @ components.astype(np.float64))), projection)


def fit_bag_of_words(data: RecallData, config: BagOfWordsConfig, context: FitContext) -> RecallModel:
    """Places items by their words, and people by the newest items of their histories.

    What people did teaches it nothing but how popular an item is, where it is told to look at that.
    """
    with context.display.stage("fit bag of words", 1) as advance:
        fit = fit_content(data.items, config, context.seed)
        advance("")
    encoder = ContentEncoder(torch.as_tensor(fit.vectors), config.half_life)
    prior = popularity_prior(data.events, len(data.items), config.popularity_exponent)
    return RecallModel(encoder.eval(), fit.vectors * prior[:, None], projection=fit.projection)


BAG_OF_WORDS = RecallFamily(
    name="bag_of_words",
    summary="TF-IDF of titles, categories and texts, reduced by truncated SVD (Deerwester et al., JASIS 1990)",
    config=BagOfWordsConfig,
    fit=fit_bag_of_words,
    content=True,
)
