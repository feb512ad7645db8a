"""The default ranker as one of the ranking models."""

from __future__ import annotations

from pydantic import Field

from services.training.ranking.model import RankerFamily, RankerModelConfig, RankerShape
from services.training.ranking.ranker import Ranker
from services.training.recall.model import Unsuitable


class SignalsConfig(RankerModelConfig):
    """Settings of the default ranker."""

    hidden: tuple[int, ...] = Field(default=(128, 64), min_length=1, description="Widths of the hidden layers.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout after each hidden layer.")


def build_signals(shape: RankerShape, config: SignalsConfig) -> Ranker:
    """Makes the ranker around the fitted recall models of the shape; it has one objective.

    Raises:
        Unsuitable: there are no fitted recall models, or several objectives.
    """
    if shape.signals is None:
        raise Unsuitable("signals ranks by what fitted recall models say, and none is given; choose mlp or din")
    if len(shape.objectives) > 1:
        raise Unsuitable("signals has one objective; choose mmoe or shared_bottom for several")
    return Ranker(shape.signals, len(shape.item_features), shape.user_features, config.hidden, config.dropout)


SIGNALS = RankerFamily(
    name="signals",
    summary="Hidden layers over what recall's models say of a candidate, and its features; the default",
    config=SignalsConfig,
    build=build_signals,
    several_objectives=False,
)
