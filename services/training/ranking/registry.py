"""Every ranking model, by name. Adding one is a file, a line here and a line in the test of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.ranking.dcn_v2 import DCN_V2
from services.training.ranking.deepfm import DEEPFM
from services.training.ranking.din import DIN
from services.training.ranking.fm import FM
from services.training.ranking.gbdt import GBDT
from services.training.ranking.gru import GRU
from services.training.ranking.mf import MF
from services.training.ranking.mlp import MLP
from services.training.ranking.mmoe import MMOE, SHARED_BOTTOM
from services.training.ranking.model import RankerFamily
from services.training.ranking.neumf import NEUMF
from services.training.ranking.signals_model import SIGNALS
from services.training.ranking.text_cnn import TEXT_CNN
from services.training.ranking.wide_deep import WIDE_DEEP

RANKERS: Mapping[str, RankerFamily[Any]] = {
    family.name: family
    for family in (
        SIGNALS,
        MF,
        FM,
        NEUMF,
        MLP,
        WIDE_DEEP,
        DEEPFM,
        DCN_V2,
        GRU,
        DIN,
        SHARED_BOTTOM,
        MMOE,
        GBDT,
        TEXT_CNN,
    )
}
