"""Every ranking model, fitted to a small data set once for all tests."""

from functools import cache

import numpy as np
import torch

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.generator import GeneratorConfig, generate
from services.training.holdout import Holdout
from services.training.metrics import history_mask, ndcg
from services.training.metrics.lists import NO_ITEM
from services.training.models import Features, fit_features
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.ranking.examples import RankingExamples
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.model import FittedRanker, RankerShape, RankingData
from services.training.ranking.registry import RANKERS
from services.training.ranking.signals import HalfLives, MatchSignals
from services.training.ranking.spaces import ItemSpaces
from services.training.recall.model import FitContext, ModelConfig
from services.training.recall_lists import ListedQueries, order_lists, rank_in_lists
from services.training.sequence.config import SasrecConfig
from services.training.sequence.encoder import SequenceEncoder
from services.training.sequence.windows import pad_histories
from services.training.transitions import fit_transition_vectors

MAX_HISTORY = 20
ITEMS = 200
NEGATIVES = 24

#: Settings that fit a small data set in seconds; what a model does not have is left out.
QUICK: dict[str, object] = {
    "epochs": 6, "learning_rate": 0.01, "weight_decay": 0.0, "hidden": (32,), "dropout": 0.0, "dimension": 16,
    "attention_hidden": 16, "experts": 2, "tower": 8, "crosses": 40_000, "trees": 60, "min_rows": 20,
    "embedding": 16, "filters": 16, "words": 24,
}  # fmt: skip

#: What learns products from sums alone takes more passes.
PATIENT = ("mlp", "shared_bottom", "mmoe")


def quick(name: str) -> ModelConfig:
    """Settings of a model that suit the small data set."""
    config = RANKERS[name].config
    asked = {**QUICK, "epochs": 8} if name in PATIENT else QUICK
    made: ModelConfig = config(**{knob: value for knob, value in asked.items() if knob in config.model_fields})
    return made


@cache
def dataset() -> Dataset:
    """A small generated data set."""
    return generate(GeneratorConfig(users=900, items=ITEMS, events=18_000)).dataset


@cache
def holdout() -> Holdout:
    """It, cut by time."""
    return Holdout.of(dataset().histories(), reserved=8)


@cache
def features() -> Features:
    """The features of its users and items."""
    return fit_features(dataset(), holdout(), TrainingConfig())


@cache
def ranking_data() -> RankingData:
    """Events that recall was not fitted on, each among items drawn at random."""
    queries = holdout().ranker
    rng = np.random.default_rng(0)
    drawn = rng.integers(ITEMS, size=(len(queries), NEGATIVES))
    drawn[drawn == queries.targets[:, None]] = NO_ITEM
    candidates = np.concatenate([queries.targets[:, None], drawn], axis=1)
    examples = RankingExamples(
        queries.users,
        pad_histories(queries.histories, MAX_HISTORY),
        candidates,
        np.zeros(candidates.shape, dtype=np.float32),
    )
    validation = listed(holdout().validation.sample(300, seed=0))
    return RankingData(shape(), examples, validation, features().tables())


def shape() -> RankerShape:
    """What architectures must know of the data set."""
    found = features()
    return RankerShape(ITEMS, found.user_fields, found.items.names, signals=signals(), items_described=dataset().items)


@cache
def signals() -> MatchSignals:
    """What fitted transitions say of candidates; the encoder is not fitted, so that it takes no time."""
    torch.manual_seed(0)
    transitions = fit_transition_vectors(holdout().fit, ITEMS, TrainingConfig().transitions, seed=0)
    matrix = torch.as_tensor(features().items.matrix)
    encoder = SequenceEncoder(ITEMS, SasrecConfig(dimension=8, feedforward=8), MAX_HISTORY)
    spaces = ItemSpaces(
        collaborative=encoder.item_embedding.weight.detach(),
        content=torch.nn.functional.normalize(matrix),
        transition_source=torch.as_tensor(transitions.source),
        transition_target=torch.as_tensor(transitions.target),
        features=matrix,
    )
    return MatchSignals(encoder, spaces, HalfLives(content=4.0, transition=2.0))


def listed(queries: NextItemQueries) -> ListedQueries:
    """Queries whose candidates are everything but the history."""
    masked = history_mask(queries.histories, ITEMS)
    masked[np.arange(len(queries)), queries.targets] = False
    everything = np.where(masked, NO_ITEM, np.arange(ITEMS))
    return ListedQueries(queries.users, pad_histories(queries.histories, MAX_HISTORY), everything, queries.targets)


def judged(scores: np.ndarray, queries: ListedQueries) -> float:
    """NDCG@10 of lists ordered by scores, float [lists, places]."""
    ordered = order_lists(queries.lists, scores)
    return float(ndcg(rank_in_lists(ordered, queries.targets, missed=ITEMS + 1), 10).mean())


def fit(name: str, seed: int = 0, data: RankingData | None = None) -> FittedRanker:
    """A ranking model, fitted to some of the data, or to all of them."""
    context = FitContext(seed=seed, max_history=MAX_HISTORY, threads=1, display=Silence())
    return fit_ranker_family(RANKERS[name], data or ranking_data(), quick(name), context)


@cache
def fitted(name: str) -> FittedRanker:
    """A ranking model, fitted once."""
    return fit(name)
