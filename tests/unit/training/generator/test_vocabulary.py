"""The words that books are made of."""

import string

import pytest

from services.training.generator.vocabulary import CategoryVocabulary, load_vocabulary

SLOTS = {"adjective", "noun", "other", "role", "place"}


def test_there_are_sixteen_categories_with_names_of_their_own() -> None:
    """A name that occurs twice would make two categories one in every filter."""
    names = [category.name for category in load_vocabulary()]

    assert len(names) == len(set(names)) == 16


def test_every_category_leads_to_another() -> None:
    """The simulated sequences follow these arrows."""
    names = {category.name for category in load_vocabulary()}

    for category in load_vocabulary():
        assert category.leads_to in names - {category.name}


@pytest.mark.parametrize("category", load_vocabulary(), ids=lambda category: category.name)
def test_patterns_use_known_slots_and_words_do_not_repeat(category: CategoryVocabulary) -> None:
    """A misspelt slot would fail in the middle of a book, and a repeated word is a slip."""
    for pattern in category.titles + category.sentences:
        slots = {slot for _, slot, _, _ in string.Formatter().parse(pattern) if slot is not None}
        assert slots <= SLOTS
    for words in (category.adjectives, category.nouns, category.roles, category.places, category.sentences):
        assert len(words) == len(set(words))
    assert len(category.sentences) >= 3, "a text takes up to three sentences of its category"
