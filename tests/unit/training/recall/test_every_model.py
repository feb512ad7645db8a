"""What holds for every recall model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.training.export import deviation, export_encoder
from services.training.metrics import history_mask, hit_rate, rank_of_target
from services.training.recall.judging import validation_ndcg
from services.training.recall.registry import RECALL_MODELS
from services.training.sequence.encoder import PADDING
from services.training.sequence.windows import pad_histories
from shared.snapshot.graphs import ENCODER
from tests.unit.training.recall.fitted import MAX_HISTORY, fitted, holdout, popularity_vectors, questions, recall_data

NAMES = list(RECALL_MODELS)


class Everybody(nn.Module):
    """The same query for everybody."""

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Returns a one for each query."""
        return torch.ones(len(history), 1)


# Plain likeness of words says nothing of what is wanted much and what little: it has the test after this one.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "bag_of_words"])
def test_a_model_finds_what_people_take_next_better_than_popularity_does(name: str) -> None:
    """On events that it has not seen, over the full catalogue."""
    data, test = recall_data(), holdout().test
    popular = validation_ndcg(Everybody(), popularity_vectors(), test, data.user_features, MAX_HISTORY)
    model = fitted(name)
    found = validation_ndcg(model.encoder, model.item_vectors, test, data.user_features, MAX_HISTORY)
    assert found > 1.2 * popular


@pytest.mark.parametrize("name", [name for name in NAMES if RECALL_MODELS[name].content])
def test_a_model_of_contents_hands_the_ranker_more_of_it_than_popularity_does(name: str) -> None:
    """What items are says which could be liked, not which of them will be the very next: the first tenth is looked at."""
    data, test, model = recall_data(), holdout().test, fitted(name)
    history = torch.as_tensor(pad_histories(test.histories, MAX_HISTORY))
    with torch.inference_mode():
        queries = model.encoder(history, torch.as_tensor(data.user_features[test.users])).numpy()
    seen = history_mask(test.histories, len(data.items))
    popular = np.broadcast_to(popularity_vectors()[:, 0], (len(test), len(data.items)))

    by_popularity, found = (
        hit_rate(rank_of_target(scores, test.targets, seen), len(data.items) // 10).mean()
        for scores in (popular, queries @ model.item_vectors.T)
    )

    assert found > 1.2 * by_popularity


@pytest.mark.parametrize("name", NAMES)
def test_a_model_s_graph_gives_what_its_module_gives(name: str, tmp_path: Path) -> None:
    """For one question and many, the shortest history and the longest, and for a stranger."""
    encoder = fitted(name).encoder
    history, features = questions()
    path = tmp_path / "encoder.onnx"
    export_encoder(encoder, len(recall_data().items), MAX_HISTORY, path, user_features=features.shape[1])
    graph = ENCODER.open(path, threads=1)
    for some, length in ((slice(None), MAX_HISTORY), (slice(0, 1), 1), (slice(-1, None), MAX_HISTORY), (slice(3), 7)):
        inputs = {"history": history[some, -length:].numpy(), "user_features": features[some].numpy()}
        with torch.inference_mode():
            expected = encoder(history[some, -length:], features[some]).numpy()
        assert deviation(graph, inputs, expected) <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_a_query_depends_on_its_question_alone(name: str) -> None:
    """Neither on who asks beside, nor on how much padding stands before the history."""
    encoder = fitted(name).encoder
    history, features = questions()
    with torch.inference_mode():
        together = encoder(history, features)
        alone = torch.cat([encoder(history[[row]], features[[row]]) for row in range(len(history))])
        widened = encoder(nn.functional.pad(history[:, 5:], (9, 0), value=PADDING)[:, -MAX_HISTORY:], features)
        cut = encoder(history[:, 5:], features)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(widened, cut, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_model_gives_is_finite_and_fits_together(name: str) -> None:
    """For a stranger too."""
    model = fitted(name)
    with torch.inference_mode():
        queries = model.encoder(*questions())
    assert queries.dtype is torch.float32
    assert queries.shape == (31, model.item_vectors.shape[1])
    assert bool(queries.isfinite().all())
    assert model.item_vectors.dtype == np.float32
    assert len(model.item_vectors) == len(recall_data().items)
    assert bool(np.isfinite(model.item_vectors).all())
    assert not model.encoder.training


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_what_it_is(name: str) -> None:
    """In one line, and each of its settings as well."""
    family = RECALL_MODELS[name]
    assert family.name == name
    assert family.summary
    assert "\n" not in family.summary
    assert all(setting.description for setting in family.config.model_fields.values())
