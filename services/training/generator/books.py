"""Titles, texts and attributes of invented books, from the vocabulary of their categories."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import capwords

import numpy as np
import numpy.typing as npt

from services.training.datasets import Item
from services.training.generator.vocabulary import CategoryVocabulary

_FORMATS = ("paperback", "hardcover", "e-book", "audiobook")
_FORMAT_SHARES = (0.45, 0.2, 0.25, 0.1)

# A title that is taken is drawn again so many times; then it becomes a further volume of the first.
_TITLE_ATTEMPTS = 8

# "universal" and its like start with a consonant to the ear.
_ARTICLE_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?![Uu]ni)")


def write_books(
    primary: npt.NDArray[np.int64],
    secondary: npt.NDArray[np.int64],
    years: npt.NDArray[np.int64],
    vocabulary: Sequence[CategoryVocabulary],
    rng: np.random.Generator,
) -> tuple[Item, ...]:
    """Invent one book for each entry.

    Args:
        primary: [items] rows of `vocabulary`: the category that gives the title and most of the text.
        secondary: [items] rows of `vocabulary`, or -1 for books of a single category.
        years: [items] the year in which each book came out.
        vocabulary: the categories.
        rng: where the words are drawn from.

    Returns:
        Items in the same order, with unique titles and ids "book-00001" onwards.
    """
    attributes = _attributes(years, rng)
    times_used: dict[str, int] = {}
    books = []
    for row, (first, second) in enumerate(zip(primary.tolist(), secondary.tolist(), strict=True)):
        main = vocabulary[first]
        title, words = _unused_title(main, times_used, rng)
        categories: tuple[str, ...] = (main.name,)
        sentences = _sentences(main, words, int(rng.integers(2, 4)), rng)
        if second >= 0:
            other = vocabulary[second]
            categories += (other.name,)
            sentences += _sentences(other, _draw_words(other, rng), 1, rng)
        books.append(
            Item(
                id=f"book-{row + 1:05d}",
                title=title,
                categories=categories,
                text=" ".join(sentences),
                attributes=attributes[row],
            )
        )
    return tuple(books)


def _attributes(years: npt.NDArray[np.int64], rng: np.random.Generator) -> list[dict[str, str | float]]:
    formats = rng.choice(_FORMATS, size=len(years), p=_FORMAT_SHARES)
    pages = np.clip(rng.lognormal(mean=5.7, sigma=0.35, size=len(years)), 48, 1200).round()
    return [
        {"year": float(year), "format": form, "pages": count}
        for year, form, count in zip(years.tolist(), formats.tolist(), pages.tolist(), strict=True)
    ]


def _unused_title(
    category: CategoryVocabulary, times_used: dict[str, int], rng: np.random.Generator
) -> tuple[str, Mapping[str, str]]:
    """Draw a title, count it in `times_used`, and return it with the words it was made of."""
    for _ in range(_TITLE_ATTEMPTS):
        words = _draw_words(category, rng)
        in_title_case = {slot: word if slot == "place" else capwords(word) for slot, word in words.items()}
        title = _filled(_pick(category.titles, rng), in_title_case)
        if title not in times_used:
            break
    times_used[title] = times_used.get(title, 0) + 1
    return (title if times_used[title] == 1 else f"{title}, Volume {times_used[title]}"), words


def _sentences(
    category: CategoryVocabulary, words: Mapping[str, str], count: int, rng: np.random.Generator
) -> list[str]:
    """Distinct sentences of a category, all about the same words."""
    order = rng.permutation(len(category.sentences))[:count]
    return [_filled(category.sentences[index], words) for index in order]


def _draw_words(category: CategoryVocabulary, rng: np.random.Generator) -> dict[str, str]:
    """A word for every slot; the two nouns differ."""
    noun, other = rng.permutation(len(category.nouns))[:2]
    return {
        "adjective": _pick(category.adjectives, rng),
        "noun": category.nouns[noun],
        "other": category.nouns[other],
        "role": _pick(category.roles, rng),
        "place": _pick(category.places, rng),
    }


def _filled(pattern: str, words: Mapping[str, str]) -> str:
    return _ARTICLE_BEFORE_VOWEL.sub(r"\1n ", pattern.format_map(words))


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    # Several times faster than rng.choice, which first turns the choices into an array.
    return choices[int(rng.integers(len(choices)))]
