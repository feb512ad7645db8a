"""Fully connected layers, as every deep ranking model has them."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field
from torch import nn

from services.training.ranking.model import RankerModelConfig


class DeepConfig(RankerModelConfig):
    """Settings of models with embeddings and hidden layers."""

    dimension: int = Field(default=16, ge=1, description="Length of the vectors of fields and items.")
    hidden: tuple[int, ...] = Field(default=(128, 64), min_length=1, description="Widths of the hidden layers.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout after each hidden layer.")
    batch_norm: bool = Field(default=False, description="Whether hidden layers are normalised over the batch.")


def hidden_layers(inputs: int, config: DeepConfig) -> nn.Sequential:
    """Returns the hidden layers: float [n, inputs] to float [n, last width].

    Args:
        inputs: Width of what goes in.
        config: Widths, normalisation and dropout.
    """
    layers: list[nn.Module] = []
    for width, next_width in pairwise((inputs, *config.hidden)):
        layers.append(nn.Linear(width, next_width))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(next_width))
        layers += [nn.ReLU(), nn.Dropout(config.dropout)]
    return nn.Sequential(*layers)


def perceptron(inputs: int, outputs: int, config: DeepConfig) -> nn.Sequential:
    """Returns the hidden layers and a linear one: float [n, inputs] to float [n, outputs]."""
    return nn.Sequential(*hidden_layers(inputs, config), nn.Linear(config.hidden[-1], outputs))
