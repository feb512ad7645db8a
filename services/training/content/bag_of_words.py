"""Item vectors from words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from services.training.config import ContentConfig
from services.training.datasets import Item


def fit_content_vectors(items: Sequence[Item], config: ContentConfig, seed: int) -> npt.NDArray[np.float32]:
    """Computes latent semantic vectors (Deerwester et al., JASIS 1990) from titles, categories and texts.

    Args:
        items: The catalogue in the order of its rows.
        config: How many terms and dimensions.
        seed: Of the randomised decomposition.

    Returns:
        float32 [items, dimension] of length 1, or 0 where an item has no known word; their inner product is the cosine.
        The dimension is the largest that the data allow, up to `config.dimension`, and at least 1.
    """
    documents = [_document(item) for item in items]
    vectorizer = TfidfVectorizer(
        max_features=config.max_terms, sublinear_tf=True, stop_words="english", strip_accents="unicode"
    )
    try:
        weights = vectorizer.fit_transform(documents)
    except ValueError:
        # An empty vocabulary: nothing is known about any item, and every cosine is 0.
        return np.zeros((len(items), 1), dtype=np.float32)
    if weights.shape[1] == 1:
        return np.asarray(weights.toarray(), dtype=np.float32)
    dimension = min(config.dimension, *weights.shape)
    reduced = TruncatedSVD(dimension, random_state=seed).fit_transform(weights)
    return np.asarray(normalize(reduced), dtype=np.float32)


def _document(item: Item) -> str:
    # A category is one term, whatever it is made of, and no word of the text can be mistaken for it.
    categories = " ".join("category_" + "".join(filter(str.isalnum, category)) for category in item.categories)
    return f"{item.title} {categories} {item.text}"
