"""Every kind of model that training knows, for those that list them."""

from __future__ import annotations

from collections.abc import Mapping

from services.training.model_settings import Family
from services.training.ranking.registry import RANKERS
from services.training.recall.registry import RECALL_MODELS

#: By what a model is for; `winnow models` shows what is here.
REGISTRIES: Mapping[str, Mapping[str, Family]] = {"recall": RECALL_MODELS, "ranking": RANKERS}
