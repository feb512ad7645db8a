"""The models of this package, as the registry lists them."""

from __future__ import annotations

from services.training.recall.model import FitContext, RecallData, RecallFamily
from services.training.recall.multimodal.config import MultimodalConfig, TowerConfig
from services.training.recall.multimodal.fitting import fit_towers
from services.training.recall.multimodal.placing import ContentRecallModel


def fit_text_cnn(data: RecallData, config: TowerConfig, context: FitContext) -> ContentRecallModel:
    """Learns item vectors from titles, categories and texts with a text-CNN.

    Raises:
        Unsuitable: no item has a word that another has too.
    """
    tower = MultimodalConfig(**config.model_dump(), text=True, image=False, text_encoder="text_cnn")
    return fit_towers(data, tower, context)


MULTIMODAL: RecallFamily[MultimodalConfig] = RecallFamily(
    name="multimodal",
    summary="An item tower over words and image, each alone or both, with log-Q correction (Yi et al., RecSys 2019)",
    config=MultimodalConfig,
    fit=fit_towers,
    content=True,
)

TEXT_CNN: RecallFamily[TowerConfig] = RecallFamily(
    name="text_cnn",
    summary="An item tower over words in their order, read by a text-CNN (Kim, EMNLP 2014)",
    config=TowerConfig,
    fit=fit_text_cnn,
    content=True,
)
