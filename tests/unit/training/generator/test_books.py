"""Titles and texts of invented books."""

import re
from dataclasses import replace

import numpy as np

from services.training.datasets import Item
from services.training.generator.books import write_books
from services.training.generator.vocabulary import CategoryVocabulary, load_vocabulary

TINY = CategoryVocabulary(
    name="Tiny",
    leads_to="Tiny",
    adjectives=("old",),
    nouns=("apple", "universe"),
    roles=("actor",),
    places=("Ulm",),
    titles=("A {role} in {place}",),
    sentences=("A {noun} and a {other}.", "A {adjective} one.", "In {place}."),
)


def books(vocabulary: tuple[CategoryVocabulary, ...], primary: list[int], secondary: list[int]) -> tuple[Item, ...]:
    """Books of the given categories, all from the year 2000."""
    years = np.full(len(primary), 2000)
    return write_books(np.array(primary), np.array(secondary), years, vocabulary, np.random.default_rng(0))


def test_titles_and_ids_are_unique_however_few_the_words() -> None:
    """Where every title is taken, a book becomes a further volume."""
    first, second, third = books((TINY,), [0, 0, 0], [-1, -1, -1])

    assert [first.title, second.title, third.title] == [
        "An Actor in Ulm",
        "An Actor in Ulm, Volume 2",
        "An Actor in Ulm, Volume 3",
    ]
    assert [first.id, second.id, third.id] == ["book-00001", "book-00002", "book-00003"]


def test_a_taken_title_is_drawn_again_before_a_further_volume() -> None:
    """While there are words left, books have titles of their own."""
    roomy = replace(TINY, adjectives=("red", "blue", "green", "grey"), titles=("{adjective}",))

    assert {book.title for book in books((roomy,), [0] * 4, [-1] * 4)} == {"Red", "Blue", "Green", "Grey"}


def test_articles_agree_with_the_word_that_follows() -> None:
    """An apple, but a universe."""
    texts = " ".join(book.text for book in books((TINY,), [0] * 20, [-1] * 20))

    assert re.search(r"\b[Aa]n apple", texts)
    assert re.search(r"\b[Aa] universe", texts)
    assert not re.search(r"\b[Aa]n universe|\b[Aa] apple|\ba old", texts)


def test_a_book_of_two_categories_is_told_in_the_words_of_both() -> None:
    """Content models can tell the second category from the text."""
    other = replace(TINY, name="Other", sentences=("Something else.",))

    single, double = books((TINY, other), [0, 0], [-1, 1])

    assert (single.categories, double.categories) == (("Tiny",), ("Tiny", "Other"))
    assert "Something else." not in single.text
    assert double.text.endswith("Something else.")


def test_texts_have_two_to_four_sentences_and_leave_no_slot_open() -> None:
    """Every category of the real vocabulary is tried, alone and together with the next one."""
    vocabulary = load_vocabulary()
    rows = list(range(len(vocabulary)))
    written = books(vocabulary, rows * 2, [-1] * len(rows) + [(row + 1) % len(rows) for row in rows])

    for book in written:
        assert 2 <= len(re.findall(r"[.?](?: |$)", book.text)) <= 4
        assert not set("{}") & set(book.title + book.text)
        assert book.title[0].isupper()


def test_attributes_are_a_year_a_format_and_a_number_of_pages() -> None:
    """Two numbers and a word: both kinds of attribute can be filtered by."""
    (book,) = books((TINY,), [0], [-1])

    assert set(book.attributes) == {"year", "format", "pages"}
    assert book.attributes["year"] == 2000.0
    assert isinstance(book.attributes["format"], str)
    assert isinstance(book.attributes["pages"], float)
