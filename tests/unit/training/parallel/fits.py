"""Small fits of every kind, in one process or in several.

`python -m tests.unit.training.parallel.fits RESULT`, which torchrun starts several times, does them all; each process writes
what it came to into RESULT, a folder.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from services.training.datasets import Item
from services.training.holdout import Holdout
from services.training.models import Features, fit_features
from services.training.optimisation import Epoch
from services.training.parallel.ranks import ALONE, Ranks, open_ranks
from services.training.placement import Placement
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.ranking.examples import RankingExamples
from services.training.ranking.labels import LabelledRows, fit_labels
from services.training.ranking.listwise import fit_lists
from services.training.ranking.model import RankerShape, RankingData
from services.training.ranking.on_recall import OnRecall
from services.training.ranking.ranker import Ranker
from services.training.ranking.registry import RANKERS
from services.training.ranking.shown import ShownLists
from services.training.ranking.signals import HalfLives, MatchSignals
from services.training.ranking.signals_model import SignalsConfig
from services.training.ranking.spaces import ItemSpaces
from services.training.ranking.user_slots import user_slots
from services.training.recall.model import FitContext, RecallData
from services.training.recall.registry import RECALL_MODELS
from services.training.recall_lists import ListedQueries
from services.training.sequence.config import SasrecConfig
from services.training.sequence.encoder import SequenceEncoder
from services.training.sequence.windows import pad_histories
from tests.unit.training.chains import ITEMS, chain_dataset, tiny_config

MAX_HISTORY = 8
_PARTS = ("source", "shore", "bridge", "stone", "tower", "wall", "gate", "path", "field", "tree")
#: Examples of a batch of what ranks.
_BATCH = 17
_SMALL = {"epochs": 2, "patience": 2, "dropout": 0.0}

#: Batches of odd sizes, the last of which may have a single example: nothing is left of it for the second process.
#: Settings without anything random in the loss: what processes draw there is not what one process would.
RECALL: dict[str, dict[str, object]] = {
    "sasrec": {"epochs": 3, "dropout": 0.0, "dimension": 16, "max_batch": 17},
    "gru4rec": {**_SMALL, "dimension": 16, "hidden": 16, "batch": 17},
    "bpr": {"epochs": 2, "dimension": 16, "batch": 7},
    "dae": {**_SMALL, "latent": 16, "batch": 7},
    "lightgcn": {"epochs": 2, "dimension": 16, "batch": 99},
    "two_tower": {"epochs": 2, "dimension": 16, "hidden": 16, "id_dropout": 0.0, "attribute_dropout": 0.0, "batch": 99},
    "text_cnn": {**_SMALL, "dimension": 16, "hidden": 16, "embedding": 8, "filters": 4, "text_length": 8, "window": 8},
}  # fmt: skip
RANKING = ("lists", "signals", "on recall", "labels")

#: Settings with something random in the loss too.
RANDOM: dict[str, tuple[str, dict[str, object]]] = {
    "sasrec, sampled": ("sasrec", {"epochs": 2, "dimension": 16, "full_softmax_items": 1, "sampled_negatives": 9}),
    "mult_vae": ("mult_vae", {"epochs": 2, "hidden": (16,), "latent": 16, "batch": 7}),
    "two_tower, dropout": ("two_tower", {"epochs": 2, "dimension": 16, "hidden": 16, "batch": 99}),
    "multimodal": ("multimodal", {"image": False, "epochs": 2, "dimension": 16, "hidden": 16, "sampled_items": 20}),
}  # fmt: skip
#: What is tried on another device: all but recurrent networks, whose parameters torch will not exchange for others, and
#: trees, which descend no gradient.
ELSEWHERE = (
    *(name for name in RECALL if name != "gru4rec"),
    *RANDOM,
    *RANKING,
    *(f"lists by {name}" for name in RANKERS if name not in {"gru", "gbdt", "signals", "mlp"}),
)


@dataclass(frozen=True)
class Fitted:
    """What a fit came to."""

    parameters: dict[str, Tensor]
    epochs: tuple[Epoch, ...]


def fit(name: str, context: FitContext, batch: int | None = None) -> Fitted:
    """Does the fit of that name.

    Args:
        name: One of `RECALL`, `RANDOM`, `RANKING` and `ELSEWHERE`.
        context: The circumstances.
        batch: Examples of a batch, where it is not to be the usual.
    """
    ranked_together = batch or _BATCH
    if name.startswith("lists"):
        return _fit_lists(context, name.removeprefix("lists").removeprefix(" by ") or "mlp", ranked_together)
    if name == "signals":
        return _fit_signals(context, ranked_together)
    if name == "on recall":
        return _fit_on_recall(context, ranked_together)
    if name == "labels":
        return _fit_labels(context, ranked_together)
    model_name, settings = RANDOM.get(name) or (name, RECALL[name])
    family = RECALL_MODELS[model_name]
    if batch is not None:
        settings = settings | {knob: batch for knob in ("batch", "max_batch") if knob in family.config.model_fields}
    model = family.fit(recall_data(), family.config(**settings), context)
    vectors = torch.as_tensor(model.item_vectors)
    return Fitted({**model.encoder.state_dict(), "item vectors": vectors}, model.epochs)


def on_cpu(ranks: Ranks = ALONE) -> FitContext:
    """Returns the circumstances of a fit."""
    return FitContext(0, MAX_HISTORY, 1, Silence(), placement=Placement(ranks=ranks))


def main(result: str) -> None:
    """Does all of them in this process and its peers."""
    torch.set_num_threads(1)
    with open_ranks(os.environ) as ranks:
        fitted = {name: fit(name, on_cpu(ranks)) for name in (*RECALL, *RANKING)}
    # Not as instances of a class: here it is one of `__main__`.
    torch.save(
        {name: (one.parameters, one.epochs) for name, one in fitted.items()}, Path(result) / f"{ranks.number}.pt"
    )


@cache
def _holdout() -> Holdout:
    return Holdout.of(chain_dataset().histories(), reserved=2)


@cache
def _features() -> Features:
    return fit_features(chain_dataset(), _holdout(), tiny_config())


@cache
def _items() -> tuple[Item, ...]:
    """No two share all their words: where scores are tied, the order of a list goes by what rounding left."""
    return tuple(
        replace(item, text=f"{item.text}: the {_PARTS[row % len(_PARTS)]}")
        for row, item in enumerate(chain_dataset().items)
    )


@cache
def recall_data() -> RecallData:
    """What recall models learn from."""
    found = _features()
    validation = _holdout().validation
    return RecallData(_items(), found.items.matrix, _holdout().fit, found.users, validation)


def _shape() -> RankerShape:
    return RankerShape(ITEMS, _features().user_fields, _features().items.names, items_described=_items())


def _candidates(queries: NextItemQueries) -> np.ndarray:
    drawn = np.random.default_rng(0).integers(ITEMS, size=(len(queries), 6))
    return np.concatenate([queries.targets[:, None], drawn], axis=1)


def _fit_lists(context: FitContext, name: str, batch: int) -> Fitted:
    """Listwise, with lists that were shown beside recall's, fewer than there are steps."""
    family = RANKERS[name]
    wanted = {**_SMALL, "hidden": (8,), "dimension": 8, "batch": batch}
    config = family.config(**{key: value for key, value in wanted.items() if key in family.config.model_fields})
    torch.manual_seed(0)
    model = family.build(_shape(), config)
    return Fitted(model.state_dict(), fit_lists(model, _ranking_data(), config, context))


def _fit_signals(context: FitContext, batch: int) -> Fitted:
    """The default ranker, around a sequence encoder that is not fitted."""
    torch.manual_seed(0)
    ranker = Ranker(_signals(), _features().items.matrix.shape[1], _features().users.shape[1], (8,), 0.0)
    config = SignalsConfig(epochs=2, hidden=(8,), dropout=0.0, batch=batch)
    epochs = fit_lists(ranker, _ranking_data(), config, context)
    # What moves all scores alike has a gradient of nothing but rounding, and Adam steps as far along that.
    moves_all_alike = f"head.{len(ranker.head) - 1}.bias"
    return Fitted({name: value for name, value in ranker.state_dict().items() if name != moves_all_alike}, epochs)


def _fit_on_recall(context: FitContext, batch: int) -> Fitted:
    """A ranking model that is added to the scores of such an encoder."""
    config = RANKERS["mf"].config(epochs=2, dimension=8, batch=batch)
    torch.manual_seed(0)
    model = OnRecall(RANKERS["mf"].build(_shape(), config), _signals())
    return Fitted(model.state_dict(), fit_lists(model, _ranking_data(), config, context))


def _signals() -> MatchSignals:
    encoder = SequenceEncoder(ITEMS, SasrecConfig(dimension=8, feedforward=8), MAX_HISTORY)
    vectors, features = encoder.item_embedding.weight.detach(), torch.as_tensor(_features().items.matrix)
    spaces = ItemSpaces(
        collaborative=vectors, content=features, transition_source=vectors, transition_target=vectors, features=features
    )
    return MatchSignals(encoder, spaces, HalfLives(4.0, 2.0))


def _ranking_data() -> RankingData:
    queries, validation = _holdout().ranker, _holdout().validation
    history, candidates = pad_histories(queries.histories, MAX_HISTORY), _candidates(queries)
    examples = RankingExamples(queries.users, history, candidates, np.zeros(candidates.shape, dtype=np.float32))
    gains = np.random.default_rng(1).random((5, candidates.shape[1])).astype(np.float32)
    shown = ShownLists(queries.users[:5], history[:5], candidates[:5], gains)
    judged = ListedQueries(
        validation.users,
        pad_histories(validation.histories, MAX_HISTORY),
        _candidates(validation),
        validation.targets,
    )
    return RankingData(_shape(), examples, judged, _features().tables(), shown)


def _fit_labels(context: FitContext, batch: int) -> Fitted:
    """Two objectives, of which one is known for few rows: the parts' means are over different numbers of labels."""
    rows = _labelled(_holdout().ranker)
    config = RANKERS["mmoe"].config(**_SMALL, hidden=(8,), dimension=8, batch=batch)
    torch.manual_seed(0)
    shape = RankerShape(ITEMS, _features().user_fields, _features().items.names, objectives=("click", "like"))
    model = RANKERS["mmoe"].build(shape, config)
    features = torch.as_tensor(_features().items.matrix)
    epochs = fit_labels(model, rows, rows, features, kind="binary", config=config, context=context)
    return Fitted(model.state_dict(), epochs)


def _labelled(queries: NextItemQueries) -> LabelledRows:
    rng = np.random.default_rng(2)
    labels = rng.integers(2, size=(len(queries), 2)).astype(np.float32)
    labels[rng.random(len(queries)) < 0.7, 1] = np.nan
    about = torch.as_tensor(_features().users[queries.users])
    return LabelledRows(
        user_slots(about, _features().user_fields),
        torch.as_tensor(pad_histories(queries.histories, MAX_HISTORY)),
        torch.as_tensor(queries.targets.astype(np.int64)),
        torch.as_tensor(labels),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
