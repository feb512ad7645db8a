"""Every model of clicks, by name: the baselines, and every ranking model that can do without a history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.ctr.click_rate import CLICK_RATE
from services.training.ctr.model import ClickFamily
from services.training.ctr.ranker_clicks import click_family
from services.training.ranking.fields import FirstOrder
from services.training.ranking.model import RankerFamily, RankerModelConfig
from services.training.ranking.registry import RANKERS

LOGISTIC = RankerFamily(
    name="logistic",
    summary="Logistic regression on all columns: what pairs of columns must add to",
    config=RankerModelConfig,
    build=lambda shape, config: FirstOrder(shape),  # noqa: ARG005 - the contract's signature
)
# What ranks by recall's models, by the order of a history or by texts has nothing to go by: the rows have none of them.
_NEED_MORE = {"signals", "gbdt", "gru", "din", "text_cnn"}

CLICK_MODELS: Mapping[str, ClickFamily[Any]] = {
    family.name: family
    for family in (
        CLICK_RATE,
        click_family(LOGISTIC),
        *(click_family(family) for name, family in RANKERS.items() if name not in _NEED_MORE),
    )
}
