"""Every recall model, by name. Adding one is a file, a line here and a line in the test of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.content.bag_of_words import BAG_OF_WORDS
from services.training.recall.blend import blend_of
from services.training.recall.bm25 import BM25
from services.training.recall.bpr import BPR
from services.training.recall.dae import DAE
from services.training.recall.ease import EASE
from services.training.recall.gru4rec import GRU4REC
from services.training.recall.ials import IALS
from services.training.recall.item_to_item import ITEM_TO_ITEM
from services.training.recall.lightgcn import LIGHTGCN
from services.training.recall.model import RecallFamily
from services.training.recall.mult_vae import MULT_VAE
from services.training.recall.multimodal.families import MULTIMODAL, TEXT_CNN
from services.training.recall.spectral import SPECTRAL
from services.training.recall.svd import SVD
from services.training.recall.two_tower.family import TWO_TOWER
from services.training.recall.word_vectors import WORD_VECTORS
from services.training.sequence.sasrec import SASREC

_SINGLE: Mapping[str, RecallFamily[Any]] = {
    family.name: family
    for family in (
        SASREC,
        BAG_OF_WORDS,
        EASE,
        SPECTRAL,
        SVD,
        IALS,
        BPR,
        ITEM_TO_ITEM,
        BM25,
        WORD_VECTORS,
        MULT_VAE,
        DAE,
        GRU4REC,
        TWO_TOWER,
        LIGHTGCN,
        MULTIMODAL,
        TEXT_CNN,
    )
}  # fmt: skip
_BLEND = blend_of(_SINGLE)

RECALL_MODELS: Mapping[str, RecallFamily[Any]] = {**_SINGLE, _BLEND.name: _BLEND}
