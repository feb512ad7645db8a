"""Blends: the weighted sum of several models' scores, as one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, ValidationError
from torch import Tensor, nn

from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel, Unsuitable
from services.training.sequence.windows import pad_histories

_HISTORIES = 256


class Member(ModelConfig):
    """A model of a blend."""

    model: str = Field(description="Its name among the recall models.")
    weight: float = Field(default=1.0, gt=0, description="Of its scores, once all members' vary alike.")
    settings: Mapping[str, Any] = Field(default={}, description="Its own settings; the others keep their defaults.")


class BlendConfig(ModelConfig):
    """Which models are added up."""

    members: tuple[Member, ...] = Field(
        default=(Member(model="ials"), Member(model="ease")),
        min_length=2,
        description="The models, each with its weight and settings.",
        json_schema_extra={"search": False},
    )


class BlendEncoder(nn.Module):
    """The members' queries side by side, so that inner products with vectors side by side add up.

    Args:
        encoders: Of the members.
        factors: What each one's query is multiplied by.
    """

    def __init__(self, encoders: Sequence[nn.Module], factors: Sequence[float]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.factors = tuple(factors)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:
        """Computes the queries; `RecallModel.encoder` has the shapes."""
        queries = (encoder(history, user_features) for encoder in self.encoders)
        return torch.cat([query * factor for query, factor in zip(queries, self.factors, strict=True)], dim=1)


def blend_of(families: Mapping[str, RecallFamily[Any]]) -> RecallFamily[BlendConfig]:
    """Returns the family of blends of these models."""

    def fit_blend(data: RecallData, config: BlendConfig, context: FitContext) -> RecallModel:
        """Fits each member by itself, and adds up their scores where each one's standard deviation is its weight.

        Models that err apart do better together, and one index still answers: the dimension is the sum of the members'.

        Raises:
            Unsuitable: a member is no model, has no such settings, or cannot be fitted to such data.
        """
        # All settings are looked at before the first fit, which may take long.
        chosen = [_configured(families, member) for member in config.members]
        models = [family.fit(data, settings, context) for family, settings in chosen]
        factors = [
            member.weight / deviation(model, data, context)
            for member, model in zip(config.members, models, strict=True)
        ]
        vectors = np.concatenate([model.item_vectors for model in models], axis=1)
        return RecallModel(BlendEncoder([model.encoder for model in models], factors).eval(), vectors)

    return RecallFamily(
        name="blend",
        summary="The weighted sum of several models' scores, in one vector: by default ials and ease",
        config=BlendConfig,
        fit=fit_blend,
    )


def deviation(model: RecallModel, data: RecallData, context: FitContext) -> float:
    """Returns how far a model's scores are apart for one person: the root of the mean variance over items.

    Taken over some of those who did anything; 1 where a model tells no items apart.
    """
    people = np.flatnonzero(data.events.lengths)
    people = np.random.default_rng(context.seed).permutation(people)[:_HISTORIES]
    histories: list[npt.NDArray[np.int32]] = [data.events.items_of(person) for person in people.tolist()]
    variances = []
    with torch.inference_mode():
        # One at a time: histories are of every length, and there are few of them.
        for person, history in zip(people.tolist(), histories, strict=True):
            padded = torch.as_tensor(pad_histories([history], min(len(history), context.max_history)))
            query = model.encoder(padded, torch.as_tensor(data.user_features[[person]])).numpy()
            variances.append(float((query @ model.item_vectors.T).var()))
    return float(np.sqrt(np.mean(variances))) if any(variances) else 1.0


def _configured(families: Mapping[str, RecallFamily[Any]], member: Member) -> tuple[RecallFamily[Any], ModelConfig]:
    family = families.get(member.model)
    if family is None:
        raise Unsuitable(f"a blend has no model {member.model!r}; choose among {', '.join(families)}")
    try:
        return family, family.config(**member.settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unsuitable(f"setting {place!r} of {member.model} in a blend: {first['msg']}") from error
