"""Every recall model, by name. Adding one is a file, a line here and a line in the test of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.recall.dae import DAE
from services.training.recall.ease import EASE
from services.training.recall.gru4rec import GRU4REC
from services.training.recall.lightgcn import LIGHTGCN
from services.training.recall.model import RecallFamily
from services.training.recall.mult_vae import MULT_VAE
from services.training.recall.two_tower.family import TWO_TOWER

RECALL_MODELS: Mapping[str, RecallFamily[Any]] = {
    family.name: family
    for family in (
        EASE,
        MULT_VAE,
        DAE,
        GRU4REC,
        TWO_TOWER,
        LIGHTGCN,
    )
}  # fmt: skip
