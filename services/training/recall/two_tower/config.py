"""Settings of the two-tower model."""

from __future__ import annotations

from pydantic import Field

from services.training.fitting import DescentConfig


class TwoTowerConfig(DescentConfig):
    """The size of the towers and what training hides from them."""

    dimension: int = Field(default=64, ge=1, description="Length of item and user vectors.")
    hidden: int = Field(default=128, ge=1, description="Width of each tower's hidden layer.")
    text_dimension: int = Field(default=64, ge=2, description="Most numbers that stand for an item's words.")
    half_life: float = Field(default=5.0, gt=0, description="Items after which an item of a history counts half.")
    temperature: float = Field(default=0.08, gt=0, description="What cosines are divided by.")
    id_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Share of items that a batch sees without an embedding of their own."
    )
    attribute_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Share of people that a batch sees without their attributes."
    )
    window: int = Field(default=100, ge=1, description="Longest history that training looks at.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Peak of the learning-rate schedule.")
    epochs: int = Field(default=15, ge=1, description="Most passes over the data.")
    batch: int = Field(default=2048, ge=2, description="Events in a batch, about: each is the others' negative.")
