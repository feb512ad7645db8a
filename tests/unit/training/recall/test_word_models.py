"""BM25 and word vectors against their formulas written out."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from services.training.recall.bm25 import Bm25Config, fit_bm25
from services.training.recall.bm25_weights import bm25_weights
from services.training.recall.described_items import DescribedItemsConfig, recall_by_likeness
from services.training.recall.model import FitRecall, ModelConfig, Unsuitable
from services.training.recall.word_vectors import WordVectorsConfig, count_beside, fit_word_vectors, item_means
from services.training.recall.words import words_of
from tests.unit.training.recall.small import context, scores, small_data

TEXTS = ("dragon sword dragon", "sword castle", "castle dragon tower", "murder clue", "clue detective murder clue", "")


def test_bm25_is_the_formula() -> None:
    """Term by term: rarity, saturation and the document's length."""
    counts = np.array([[3, 1, 0], [0, 1, 1], [0, 2, 0], [0, 0, 0]], dtype=np.float32)
    weights = bm25_weights(csr_array(counts), saturation=1.5, length_share=0.6).toarray()
    mean = counts.sum() / 4
    for document, term in np.ndindex(counts.shape):
        having = np.count_nonzero(counts[:, term])
        idf = math.log(1 + (4 - having + 0.5) / (having + 0.5))
        relative = 0.4 + 0.6 * counts[document].sum() / mean
        expected = idf * counts[document, term] * 2.5 / (counts[document, term] + 1.5 * relative)
        assert weights[document, term] == pytest.approx(expected, rel=1e-5)


def test_bm25_scores_the_cosine_of_weighted_words() -> None:
    """With every direction kept and popularity left aside, as computed from the weights themselves."""
    data = small_data(texts=TEXTS)
    config = Bm25Config(dimension=50, popularity_exponent=0.0)
    weights = bm25_weights(words_of(data.items, 100).counts(), 1.2, 0.75).toarray().astype(np.float64)
    unit = weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-12)
    single = [(item,) for item in range(len(TEXTS))]
    np.testing.assert_allclose(scores(fit_bm25(data, config, context()), single), unit @ unit.T, atol=1e-5)


def test_newer_items_and_popular_ones_count_more() -> None:
    """A history's mean halves with every half-life; a candidate is weighed by a power of its events."""
    data = small_data(met=((0, 1), (1, 2), (1, 0)), items=3)
    config = DescribedItemsConfig(half_life=1.0, popularity_exponent=0.5)
    model = recall_by_likeness(np.eye(3, dtype=np.float32), data, config)
    counts = np.array([2, 3, 1])
    np.testing.assert_allclose(scores(model, [(0, 1)])[0], np.array([1, 2, 0]) / 3 * np.sqrt(1 + counts), rtol=1e-5)


def test_words_are_read_in_order_without_stop_words() -> None:
    """An item without words has no occurrence, and keeps its row."""
    words = words_of(small_data(texts=("The Café and the SWORD", "", *TEXTS[2:])).items, 100)
    read = [[words.terms[term] for term in words.occurrences[words.documents == item]] for item in range(3)]
    assert read == [["cafe", "sword"], [], ["castle", "dragon", "tower"]]
    assert words.counts().shape == (6, len(words.terms))


def test_words_beside_each_other_are_counted_within_a_document() -> None:
    """By one over the distance, both ways, and never across documents."""
    words = words_of(small_data(texts=("a1 b1 c1", "b1 a1", "d1", "", "", "")).items, 100)
    counts = count_beside(words, window=2).toarray()
    expected = np.array([[0, 2, 0.5, 0], [2, 0, 1, 0], [0.5, 1, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(counts, expected)


def test_an_item_is_the_mean_of_its_words_rare_ones_first_without_what_all_share() -> None:
    """SIF written out."""
    words = words_of(small_data(texts=TEXTS).items, 100)
    vectors = np.random.default_rng(0).normal(size=(len(words.terms), 3)).astype(np.float32)
    frequency = np.bincount(words.occurrences) / len(words.occurrences)
    means = np.zeros((len(TEXTS), 3))
    for item in range(len(TEXTS)):
        own = words.occurrences[words.documents == item]
        if len(own):
            means[item] = np.mean([0.1 / (0.1 + frequency[term]) * vectors[term] for term in own], axis=0)
    common = np.linalg.eigh(means.T @ means)[1][:, -1]
    means -= np.outer(means @ common, common)
    expected = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    np.testing.assert_allclose(item_means(words, vectors, 0.1), expected, atol=1e-5)


def test_items_without_a_common_word_are_alike_when_their_words_stand_beside_the_same_words() -> None:
    """Six kinds of texts, each with words of its own; what of a kind shares no word is still nearer than another kind."""
    rng = np.random.default_rng(0)
    chosen = [rng.choice(10, 4, replace=False) for _ in range(120)]
    texts = [" ".join(f"{'abcdef'[item % 6]}{word}" for word in words) for item, words in enumerate(chosen)]
    data = small_data(items=120, texts=texts)
    model = fit_word_vectors(data, WordVectorsConfig(dimension=8, popularity_exponent=0.0), context())
    found = scores(model, [(item,) for item in range(120)])
    pairs = [(one, other) for one in range(120) for other in range(one) if not set(chosen[one]) & set(chosen[other])]
    alike = np.mean([found[pair] for pair in pairs if (pair[0] - pair[1]) % 6 == 0])
    unlike = np.mean([found[pair] for pair in pairs if (pair[0] - pair[1]) % 6])
    assert alike > 0.5
    assert unlike < 0.1


@pytest.mark.parametrize(("fit", "config"), [(fit_bm25, Bm25Config()), (fit_word_vectors, WordVectorsConfig())])
def test_a_catalogue_without_words_is_refused_with_a_way_out(fit: FitRecall[Any], config: ModelConfig) -> None:
    """Rather than vectors of zeros."""
    with pytest.raises(Unsuitable, match="bring some, or choose a model that learns from events alone"):
        fit(small_data(), config, context())


def test_single_words_are_too_little_for_word_vectors() -> None:
    """There is nothing that any of them stands beside."""
    with pytest.raises(Unsuitable, match="choose bm25"):
        fit_word_vectors(small_data(texts=["word"] * 6), WordVectorsConfig(), context())
