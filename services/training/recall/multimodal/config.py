"""What can be chosen about models that learn item vectors from contents."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from services.training.fitting import DescentConfig


class TowerConfig(DescentConfig):
    """An item tower, and the encoder of histories above it."""

    epochs: int = Field(default=8, ge=1, description="Most passes over the data.")
    patience: int = Field(default=2, ge=1, description="Epochs without a better NDCG@10 before it stops.")
    learning_rate: float = Field(default=2e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay.")
    batch: int = Field(default=64, ge=1, description="Windows of a history in a batch.")
    dimension: int = Field(default=64, ge=4, description="Length of item vectors and queries.")
    hidden: int = Field(default=256, ge=4, description="Width of the layer that joins words and image.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout on what the tower reads and on histories.")
    heads: int = Field(default=2, ge=1, description="Attention heads over the history; must divide dimension.")
    window: int = Field(default=50, ge=1, description="Items of a history that a training example has.")
    targets: int = Field(default=1024, ge=1, description="Most next items of a batch that are learned from.")
    sampled_items: int = Field(
        default=1024, ge=2, description="Items, about, that the tower computes for a batch, drawn by popularity."
    )
    terms: int = Field(default=20_000, ge=2, description="Most words in the vocabulary.")
    word_dimension: int = Field(default=256, ge=2, description="Most dimensions kept of the bag of words.")
    embedding: int = Field(default=64, ge=1, description="Length of the text-CNN's word vectors.")
    filters: int = Field(default=32, ge=1, description="Of each width of the text-CNN.")
    text_length: int = Field(default=64, ge=1, description="Words of a text that the text-CNN reads.")

    @model_validator(mode="after")
    def _heads_divide_dimension(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"heads must divide dimension, but {self.heads} does not divide {self.dimension}")
        return self


class MultimodalConfig(TowerConfig):
    """Which contents the tower reads."""

    text: bool = Field(default=True, description="Whether to read titles, categories and texts.")
    image: bool = Field(default=True, description="Whether to read images.")
    text_encoder: Literal["bag_of_words", "text_cnn"] = Field(
        default="bag_of_words", description="What reads the words: their reduced bag, or a text-CNN over their order."
    )
    image_height: int = Field(default=48, ge=4, description="Rows of pixels that an image is scaled to.")
    image_width: int = Field(default=32, ge=4, description="Columns of pixels that an image is scaled to.")
    channels: tuple[int, ...] = Field(
        default=(16, 32, 64), min_length=1, description="Filters of each convolution over images, multiples of 4."
    )
    modality_dropout: float = Field(
        default=0.15, ge=0, lt=1, description="Share of the items whose words, or image, are hidden from a batch."
    )

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.text or self.image):
            raise ValueError("text and image are both off: there is nothing to learn from")
        if any(channels % 4 for channels in self.channels):
            raise ValueError("channels must be multiples of 4")
        return self
