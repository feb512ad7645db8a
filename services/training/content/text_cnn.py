"""A convolutional network over the words of a text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from services.training.content.vocabulary import NO_WORD


class TextCnn(nn.Module):
    """Filters that each look for a phrase, and how strongly the text has it anywhere (Kim, EMNLP 2014).

    A window begins at each word and reaches past the end of a short text, where words are zero. So what a text gives
    depends neither on how much padding follows it nor on the other texts of the batch.

    Args:
        terms: Words of the vocabulary.
        embedding: Length of the words' vectors, which are learned here.
        filters: Of each width.
        widths: Words in a phrase.
    """

    def __init__(self, terms: int, embedding: int, filters: int, widths: Sequence[int] = (3, 4, 5)) -> None:
        super().__init__()
        self.words = nn.Embedding(terms + 1, embedding, padding_idx=NO_WORD)
        self.widths = tuple(widths)
        self.filters = filters
        self.phrases = nn.ModuleList(nn.Conv1d(embedding, filters, width) for width in widths)

    @property
    def dimension(self) -> int:
        """Length of what a text becomes."""
        return self.filters * len(self.widths)

    def forward(self, numbers: Tensor) -> Tensor:
        """Computes each text's features.

        Args:
            numbers: int64 [texts, length], the words in their order, from 1, padded on the right with `NO_WORD`.

        Returns:
            float [texts, filters of all widths], at least 0; 0 for a text without words.
        """
        embedded = self.words(numbers).transpose(1, 2)
        begins = (numbers != NO_WORD)[:, None, :]
        found = []
        for width, phrase in zip(self.widths, self.phrases, strict=True):
            windows = phrase(nn.functional.pad(embedded, (0, width - 1)))
            # After the rectifier nothing is below 0: a window that begins behind the text never is the strongest.
            found.append((torch.relu(windows) * begins).amax(dim=2))
        return torch.cat(found, dim=1)
