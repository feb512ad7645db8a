"""From what an item is to its vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.training.content.text_cnn import TextCnn
from services.training.recall.multimodal.config import MultimodalConfig
from services.training.recall.multimodal.contents import ContentReader, Contents, SequenceReader
from services.training.recall.multimodal.image_cnn import ImageCnn

_ITEMS_AT_A_TIME = 512

#: Makes first logits of about 1/2, with states of length sqrt(dimension).
_FIRST_SCALE = 0.2


class ItemTower(nn.Module):
    """Words and image, each read by its own network, joined by a perceptron.

    In place of words or an image that are missing stands a learned vector. While it is fitted, some of those that are there
    are hidden as well, so that one modality alone is enough (as in DropoutNet, Volkovs et al., NeurIPS 2017).

    Args:
        reader: Which contents there are.
        config: Sizes and dropout.
    """

    def __init__(self, reader: ContentReader, config: MultimodalConfig) -> None:
        super().__init__()
        self.text = _TextEncoder(reader, config) if reader.words is not None else None
        self.image = _ImageEncoder(config) if reader.image_size is not None else None
        parts = [part for part in (self.text, self.image) if part is not None]
        # Hiding the only modality would leave nothing to learn from.
        self.hidden_share = config.modality_dropout if len(parts) > 1 else 0.0
        self.dropout = nn.Dropout(config.dropout)
        self.join = nn.Linear(len(parts) * config.hidden, config.hidden)
        self.norm = nn.LayerNorm(config.hidden)
        self.output = nn.Linear(config.hidden, config.dimension)
        with torch.no_grad():
            self.output.weight *= _FIRST_SCALE

    def forward(self, contents: Contents) -> Tensor:
        """Computes the vectors: float [items, dimension]. An item's depends on its own contents alone."""
        parts = []
        device = contents.has_words.device
        hidden = torch.rand(len(contents), device=device) if self.training and self.hidden_share else None
        if self.text is not None:
            shown = contents.has_words if hidden is None else contents.has_words & (hidden >= self.hidden_share)
            parts.append(self.text(contents.words, shown))
        if self.image is not None:
            shown = contents.has_image if hidden is None else contents.has_image & (hidden < 1.0 - self.hidden_share)
            parts.append(self.image(contents.pixels, shown))
        joined = nn.functional.gelu(self.norm(self.join(self.dropout(torch.cat(parts, dim=1)))))
        vectors: Tensor = self.output(joined)
        return vectors

    @torch.no_grad()
    def vectors(self, contents: Contents) -> Tensor:
        """Computes the vectors of any number of items in bounded memory: float [items, dimension]."""
        rows = torch.split(torch.arange(len(contents)), _ITEMS_AT_A_TIME)
        return torch.cat([self(contents.take(some)) for some in rows])


class _TextEncoder(nn.Module):
    def __init__(self, reader: ContentReader, config: MultimodalConfig) -> None:
        super().__init__()
        words = reader.words
        self.read: nn.Module
        if isinstance(words, SequenceReader):
            self.read = TextCnn(len(words.vocabulary.terms), config.embedding, config.filters)
            width = self.read.dimension
        else:
            self.read = nn.Dropout(config.dropout)
            width = words.projection.dimension  # type: ignore[union-attr]
        self.output = nn.Linear(width, config.hidden)
        self.missing = nn.Parameter(torch.zeros(config.hidden))

    def forward(self, words: Tensor, present: Tensor) -> Tensor:
        return torch.where(present[:, None], nn.functional.gelu(self.output(self.read(words))), self.missing)


class _ImageEncoder(nn.Module):
    def __init__(self, config: MultimodalConfig) -> None:
        super().__init__()
        self.read = ImageCnn(config.channels)
        self.output = nn.Linear(self.read.dimension, config.hidden)
        self.missing = nn.Parameter(torch.zeros(config.hidden))

    def forward(self, pixels: Tensor, present: Tensor) -> Tensor:
        return torch.where(present[:, None], nn.functional.gelu(self.output(self.read(pixels))), self.missing)
