"""Every recall model, by name. Adding one is a file, a line here and a line in the test of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.recall.ease import EASE
from services.training.recall.model import RecallFamily
from services.training.recall.multimodal.families import MULTIMODAL, TEXT_CNN

RECALL_MODELS: Mapping[str, RecallFamily[Any]] = {
    family.name: family
    for family in (
        EASE,
        MULTIMODAL,
        TEXT_CNN,
    )
}  # fmt: skip
