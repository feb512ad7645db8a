"""The words of each category of books, read from `vocabulary.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec


@dataclass(frozen=True, slots=True)
class CategoryVocabulary:
    """What books of one category are made of.

    Attributes:
        name: the category.
        leads_to: the category to which its readers tend to go next.
        adjectives, nouns, roles, places: words for the slots of the same name, singular.
        titles, sentences: patterns with slots in braces.
    """

    name: str
    leads_to: str
    adjectives: tuple[str, ...]
    nouns: tuple[str, ...]
    roles: tuple[str, ...]
    places: tuple[str, ...]
    titles: tuple[str, ...]
    sentences: tuple[str, ...]


@cache
def load_vocabulary() -> tuple[CategoryVocabulary, ...]:
    """Every category, in the order of the file."""
    text = files(__package__).joinpath("vocabulary.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["category"], tuple[CategoryVocabulary, ...])
