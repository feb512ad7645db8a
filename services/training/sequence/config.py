"""What can be chosen about the sequence encoder."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from services.training.recall.model import ModelConfig


class SasrecConfig(ModelConfig):
    """Sizes, rates and limits of the sequence encoder."""

    dimension: int = Field(default=64, ge=4, description="Length of item and user vectors.")
    blocks: int = Field(default=2, ge=1, description="Self-attention blocks.")
    heads: int = Field(default=2, ge=1, description="Attention heads; must divide dimension.")
    feedforward: int = Field(default=128, ge=1, description="Width of the feed-forward layers.")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Dropout on embeddings and on what each layer adds.")
    epochs: int = Field(default=0, ge=0, description="Most passes over the data; 0 takes 10, or 6 for little data.")
    patience: int = Field(default=3, ge=1, description="Epochs without a better NDCG@10 before it stops.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Peak of the learning-rate schedule.")
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="Decoupled weight decay.",
        # Its default of 0 says nothing of where a search should look.
        json_schema_extra={"search": {"low": 1e-6, "high": 0.3, "log": True}},
    )
    text_dimension: int = Field(
        default=0,
        ge=0,
        description="Most numbers for an item's words, which its vector is then partly made of; 0 uses ids alone.",
        # The right ones depend on how much the words tell, and on how few events an item has.
        json_schema_extra={"search": {"low": 16, "high": 256, "log": True}},
    )
    max_batch: int = Field(default=64, ge=1, description="Most windows in a batch; less data, smaller batches.")
    full_softmax_items: int = Field(
        default=20_000,
        ge=1,
        description="Largest catalogue that is trained with the full softmax rather than a sampled one.",
    )
    sampled_negatives: int = Field(default=2048, ge=1, description="Negatives that a batch shares if sampled.")

    @model_validator(mode="after")
    def _heads_divide_dimension(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"heads must divide dimension, but {self.heads} does not divide {self.dimension}")
        return self
