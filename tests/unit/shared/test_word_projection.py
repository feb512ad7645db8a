"""Placing items by their words without the libraries that training needs."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from services.training.content.bag_of_words import BagOfWordsConfig, fit_content
from services.training.datasets import Item
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import ProjectionEntry
from shared.snapshot.projection import read_projection, write_projection
from shared.word_projection import WordProjection, directions, document

ENTRY = ProjectionEntry(words="words.json", components="components.npy")

#: Words with what is hard about words: accents in one character and in two, cases that are longer in lower case, scripts
#: without cases, ligatures, digits, underscores, apostrophes, stop words, a single letter, and characters beside words.
WORDS = (
    "Amélie", "Ame\u0301lie", "İstanbul", "STRASSE", "straße", "Ελλάδα", "ὈΔΥΣΣΕΎΣ", "Преступление", "千と千尋", "の", "ﬁlm",
    "②", "2001", "x_y", "don't", "the", "a", "Über", "naïve", "war", "war", "tale", "\U0001f3ac", "—", "\u200bzero", "\ud800",
)  # fmt: skip

texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=12).map(" ".join)


def item(number: int, title: str, text: str = "", categories: tuple[str, ...] = ()) -> Item:
    """Returns an item with words."""
    return Item(str(number), title, categories, text, {})


def words_of(one: Item) -> str:
    """Returns the document that stands for an item."""
    return document(one.title, one.categories, one.text)


def catalogue(size: int, seed: int = 0) -> list[Item]:
    """Returns items of random words, some of them many times, and one without any."""
    random = np.random.default_rng(seed)
    items = [
        item(row, " ".join(random.choice(WORDS, size=3)), " ".join(random.choice(WORDS, size=12)), ("Sci-Fi", "Drama"))
        for row in range(size)
    ]
    return [*items, item(size, "")]


@pytest.mark.parametrize("dimension", [2, 8, 128])
def test_items_come_to_lie_where_training_put_them(dimension: int) -> None:
    """To within rounding, whatever the script, also where an item has no word or one many times."""
    items = catalogue(60)
    fit = fit_content(items, BagOfWordsConfig(dimension=dimension), seed=0)
    assert fit.projection is not None

    projected = np.stack([fit.projection.project(words_of(one)) for one in items])

    np.testing.assert_allclose(projected, fit.vectors, atol=1e-5)


@settings(max_examples=200, deadline=None)
@given(
    title=texts, text=texts, categories=st.lists(st.sampled_from(["Sci-Fi", "Krimi & Thriller", "音楽"]), max_size=2)
)
def test_any_words_are_cut_into_the_terms_that_training_cuts_them_into(
    title: str, text: str, categories: list[str]
) -> None:
    """Compared with the vectorizer itself, on documents that it was not fitted on: unknown words count for nothing."""
    fitted = catalogue(30)
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", strip_accents="unicode")
    vectorizer.fit([words_of(one) for one in fitted])
    terms = vectorizer.get_feature_names_out().tolist()
    # With the identity for components a projection is the weights themselves.
    projection = WordProjection(vectorizer.token_pattern, terms, vectorizer.idf_, np.eye(len(terms), dtype=np.float32))
    words = document(title, categories, text)

    expected = vectorizer.transform([words]).toarray()[0]

    np.testing.assert_allclose(projection.project(words), expected, atol=1e-6)


def test_a_document_without_a_known_word_is_nowhere() -> None:
    """Neither an empty one nor one of strangers comes to lie anywhere."""
    projection = fit_content(catalogue(20), BagOfWordsConfig(dimension=4), seed=0).projection
    assert projection is not None

    assert not projection.project(document("", [], "")).any()
    assert not projection.project(document("Zyzzyva", ["unheard-of"], "qwertz")).any()


def test_what_rounding_leaves_is_no_direction() -> None:
    """A document that has no share in any component is nowhere, rather than wherever its rounding points."""
    np.testing.assert_allclose(directions(np.array([[1e-9, -1e-9], [3.0, 4.0]])), [[0.0, 0.0], [0.6, 0.8]], rtol=1e-6)


def test_a_projection_is_read_as_it_was_written(tmp_path: Path) -> None:
    """From its files alone it gives the same vectors."""
    items = catalogue(40)
    fit = fit_content(items, BagOfWordsConfig(dimension=8), seed=0)
    assert fit.projection is not None
    write_projection(fit.projection, tmp_path, ENTRY)

    read = read_projection(tmp_path, ENTRY, fit.projection.dimension)

    for one in items:
        np.testing.assert_array_equal(read.project(words_of(one)), fit.projection.project(words_of(one)))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (b"{}", "holds no words"),
        (b'{"token_pattern": "(", "terms": ["a", "b"], "idf": [1, 1]}', "holds no words"),
        (b'{"token_pattern": "a", "terms": ["a", "b"], "idf": [1]}', "a weight"),
        (b'{"token_pattern": "a", "terms": ["a", "a"], "idf": [1, 1]}', "twice"),
        (b'{"token_pattern": "a", "terms": ["a", "b"], "idf": [1, 1]}', "components.npy is float32"),
    ],
)
def test_files_that_are_no_projection_are_refused(tmp_path: Path, words: bytes, problem: str) -> None:
    """The snapshot is, and says which file and why."""
    (tmp_path / "words.json").write_bytes(words)
    np.save(tmp_path / "components.npy", np.zeros((3, 4), dtype=np.float32))

    with pytest.raises(SnapshotRefused, match=problem):
        read_projection(tmp_path, ENTRY, 4)
