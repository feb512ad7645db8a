"""Small ranking models with random parameters."""

import torch

from services.training.ranking.ranker import Ranker
from services.training.ranking.signals import HalfLives, MatchSignals
from services.training.ranking.spaces import ItemSpaces
from services.training.sequence.config import SasrecConfig
from services.training.sequence.encoder import SequenceEncoder

ITEMS = 30
ITEM_FEATURES = 3
USER_FEATURES = 2
MAX_HISTORY = 7
HALF_LIVES = HalfLives(content=4.0, transition=2.0)


def random_signals(seed: int = 0) -> MatchSignals:
    """Returns signals over 30 items with random vectors in every space."""
    torch.manual_seed(seed)
    encoder = SequenceEncoder(ITEMS, SasrecConfig(dimension=8, feedforward=8), MAX_HISTORY)
    spaces = ItemSpaces(
        collaborative=encoder.item_embedding.weight.detach(),
        content=torch.nn.functional.normalize(torch.randn(ITEMS, 5)),
        transition_source=torch.randn(ITEMS, 4),
        transition_target=torch.randn(ITEMS, 4),
        features=torch.randn(ITEMS, ITEM_FEATURES),
    )
    return MatchSignals(encoder, spaces, HALF_LIVES)


def random_ranker(seed: int = 0) -> Ranker:
    """Returns a ranker, in evaluation mode, all of whose parameters are random."""
    ranker = Ranker(random_signals(seed), ITEM_FEATURES, USER_FEATURES, hidden=(6, 4), dropout=0.5)
    with torch.no_grad():
        for parameter in ranker.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    return ranker.eval()
