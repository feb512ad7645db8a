"""Every recall model, by name. Adding one is a file, a line here and a line in the test of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.content.bag_of_words import BAG_OF_WORDS
from services.training.recall.ease import EASE
from services.training.recall.model import RecallFamily
from services.training.sequence.sasrec import SASREC

RECALL_MODELS: Mapping[str, RecallFamily[Any]] = {
    family.name: family
    for family in (
        SASREC,
        BAG_OF_WORDS,
        EASE,
    )
}  # fmt: skip
