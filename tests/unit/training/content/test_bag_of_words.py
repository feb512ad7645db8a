"""Item vectors from words."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from services.training.content.bag_of_words import BagOfWordsConfig, fit_content
from services.training.datasets import Item


def item(title: str, *categories: str, text: str = "") -> Item:
    """Returns an item with a title, categories and a text."""
    return Item(title, title, categories, text, {})


def test_alike_words_give_near_vectors() -> None:
    """A film's sequel in the same genre is nearer to it than a film about something else."""
    items = [
        item("Toy Tale", "Animation", text="toys come alive in the nursery"),
        item("Toy Tale 2", "Animation", text="the toys travel to rescue a toy"),
        item("Cold Harbour", "Crime", text="a detective hunts a killer"),
        item("Night Harbour", "Crime", text="a killer hunts a detective"),
        item("Sea Storm", "Drama", text="sailors fight the sea"),
    ]

    vectors = fit_content(items, BagOfWordsConfig(dimension=4), seed=0).vectors
    cosine = vectors @ vectors.T

    assert cosine[0, 1] > max(cosine[0, 2:])
    assert cosine[2, 3] > max(cosine[2, [0, 1, 4]])


def test_with_every_dimension_kept_the_cosines_are_those_of_the_tf_idf_weights() -> None:
    """The decomposition at full rank only turns the space: cosines equal those of weights computed separately."""
    words = ["alpha beta", "beta gamma", "gamma delta", "delta alpha gamma", "epsilon", "epsilon alpha"]
    items = [item(title) for title in words]
    weights = TfidfVectorizer(sublinear_tf=True).fit_transform(words).toarray()

    vectors = fit_content(items, BagOfWordsConfig(dimension=128), seed=0).vectors

    # Six items of five different words: five dimensions hold them all.
    assert vectors.shape == (6, 5)
    np.testing.assert_allclose(vectors @ vectors.T, weights @ weights.T, atol=1e-5)


@pytest.mark.parametrize("count", [2, 9])
def test_vectors_have_length_one_or_zero(count: int) -> None:
    """An item with words has a vector of length 1; one without any known word the zero vector."""
    items = [item(f"word{row} common", text="and more") for row in range(count)]
    items.append(item("", text="the"))

    lengths = np.linalg.norm(fit_content(items, BagOfWordsConfig(dimension=16), seed=0).vectors, axis=1)

    np.testing.assert_allclose(lengths[:-1], 1.0, rtol=1e-5)
    assert lengths[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_catalogue_without_words_has_zero_vectors() -> None:
    """Nothing is known, and nothing is alike."""
    vectors = fit_content([item(""), item("the")], BagOfWordsConfig(), seed=0).vectors

    assert vectors.shape == (2, 1)
    assert not vectors.any()


def test_a_single_word_is_enough() -> None:
    """Items that share the only term are the same."""
    vectors = fit_content([item("lonely"), item("lonely"), item("")], BagOfWordsConfig(), seed=0).vectors

    np.testing.assert_allclose(np.abs(vectors), [[1.0], [1.0], [0.0]])
    assert vectors[0] == vectors[1]


def test_a_category_is_not_a_word_of_the_text() -> None:
    """A genre called War and a text that mentions a war are different terms."""
    items = [item("alpha", "War"), item("beta", text="war"), item("gamma", "War"), item("delta", text="war")]

    vectors = fit_content(items, BagOfWordsConfig(dimension=6), seed=0).vectors

    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.3
