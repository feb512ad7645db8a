"""What an item is, as the tower reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from services.training.content.bag_of_words import BagOfWordsConfig, fit_content
from services.training.content.vocabulary import NO_WORD, Vocabulary
from services.training.datasets import Item
from services.training.recall.model import Unsuitable
from services.training.recall.multimodal.config import MultimodalConfig
from services.training.recall.multimodal.images import read_images
from shared.word_projection import WordProjection, document


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """Contents of some items; a modality that the tower does not read has no columns.

    Attributes:
        words: float [items, dimension], the reduced bag of words; or int64 [items, length], the words in their order.
        has_words: bool [items], False where no word is known.
        pixels: uint8 [items, 3, height, width].
        has_image: bool [items].
    """

    words: Tensor
    has_words: Tensor
    pixels: Tensor
    has_image: Tensor

    def __len__(self) -> int:
        return len(self.has_words)

    def take(self, rows: Tensor) -> Self:
        """Returns the contents of some rows (int64), in their order."""
        return type(self)(self.words[rows], self.has_words[rows], self.pixels[rows], self.has_image[rows])


class WordReader(Protocol):
    """Turns words into numbers."""

    def __call__(self, items: Sequence[Item]) -> Tensor:
        """Returns a row for each item, zero where it has no known word."""


@dataclass(frozen=True, slots=True, eq=False)
class BagReader:
    """Reads the reduced bag of words, float [items, dimension], numbers of about 1."""

    projection: WordProjection

    def __call__(self, items: Sequence[Item]) -> Tensor:
        """Reads; see `WordReader`."""
        vectors = [self.projection.project(_document(item)) for item in items]
        scaled: Tensor = torch.as_tensor(np.stack(vectors)) * self.projection.dimension**0.5
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class SequenceReader:
    """Reads the first words in their order, int64 [items, length]."""

    vocabulary: Vocabulary
    length: int

    def __call__(self, items: Sequence[Item]) -> Tensor:
        """Reads; see `WordReader`."""
        return torch.as_tensor(self.vocabulary.numbers([_document(item) for item in items], self.length))


@dataclass(frozen=True, slots=True, eq=False)
class ContentReader:
    """Reads the contents of items, known ones and new ones alike.

    Attributes:
        words: What reads words; None where they are not asked for.
        image_size: Height and width; None where images are not asked for.
    """

    words: WordReader | None
    image_size: tuple[int, int] | None

    @classmethod
    def fit(cls, items: Sequence[Item], config: MultimodalConfig, seed: int) -> Self:
        """Learns the words of a catalogue.

        Raises:
            Unsuitable: words are asked for, and no item has one that says anything.
        """
        words = _fit_words(items, config, seed) if config.text else None
        return cls(words, (config.image_height, config.image_width) if config.image else None)

    def read(self, items: Sequence[Item]) -> Contents:
        """Reads the contents of at least one item."""
        nothing = torch.zeros(len(items), 0)
        words = nothing if self.words is None else self.words(items)
        if self.image_size is None:
            pixels, has_image = nothing, torch.zeros(len(items), dtype=torch.bool)
        else:
            images = read_images(items, *self.image_size)
            pixels, has_image = torch.as_tensor(images.pixels), torch.as_tensor(images.present)
        return Contents(words, (words != NO_WORD).any(dim=1), pixels, has_image)


def check_contents(contents: Contents, config: MultimodalConfig) -> None:
    """Refuses what has nothing of what is asked for.

    Raises:
        Unsuitable: no item has a known word, or an image, and it is asked for.
    """
    if config.text and not bool(contents.has_words.any()):
        raise Unsuitable("no item has a word that another has too; bring titles or texts, or set text to false")
    if config.image and not bool(contents.has_image.any()):
        raise Unsuitable("no item has an image that can be read; bring images, or set image to false")


def _fit_words(items: Sequence[Item], config: MultimodalConfig, seed: int) -> WordReader:
    if config.text_encoder == "text_cnn":
        vocabulary = Vocabulary.of(map(_document, items), config.terms)
        return SequenceReader(vocabulary, config.text_length)
    words = BagOfWordsConfig(dimension=config.word_dimension, max_terms=config.terms)
    projection = fit_content(items, words, seed).projection
    if projection is None:
        raise Unsuitable("no item has a word in its title, categories or text; bring some, or set text to false")
    return BagReader(projection)


def _document(item: Item) -> str:
    return document(item.title, item.categories, item.text)
