"""The two-tower model: its loss by hand, and what content and attributes do alone."""

from functools import cache

import numpy as np
import pytest
import torch

from services.training.datasets import Item
from services.training.recall.model import RecallModel, Unsuitable
from services.training.recall.two_tower.config import TwoTowerConfig
from services.training.recall.two_tower.content import ItemContent
from services.training.recall.two_tower.family import fit_two_tower, window_batches
from services.training.recall.two_tower.loss import in_batch_softmax
from services.training.recall.two_tower.model import TwoTowerEncoder, TwoTowers
from services.training.sequence.encoder import PADDING
from tests.unit.training.recall.tiny import context, recall_data

SIDES = 2
ITEMS = 40
#: Items that nobody met, one of each side.
UNMET = (38, 39)


def catalogue() -> list[Item]:
    """Items about the sea and about the hills by turns."""
    words = ("harbour sail wave", "summit ridge snow")
    return [Item(str(row), f"{words[row % SIDES]} {row}", (), "", {}) for row in range(ITEMS)]


def data_of_two_sides() -> tuple[list[list[int]], np.ndarray]:
    """People who like one of the two, and say so."""
    rng = np.random.default_rng(4)
    sides = np.arange(120) % SIDES
    histories = [(SIDES * rng.choice(19, size=6, replace=False) + side).tolist() for side in sides.tolist()]
    return histories, np.eye(SIDES, dtype=np.float32)[sides]


@cache
def fitted() -> RecallModel:
    """The model of people and items of two sides."""
    histories, user_features = data_of_two_sides()
    config = TwoTowerConfig(dimension=8, hidden=16, text_dimension=4, epochs=12, patience=12, batch=128)
    return fit_two_tower(recall_data(histories, catalogue(), user_features), config, context())


def liking(history: list[int], user_features: list[float], vectors: np.ndarray) -> np.ndarray:
    """How much somebody likes items."""
    with torch.no_grad():
        query = fitted().encoder(torch.tensor([history]), torch.tensor([user_features])).numpy()
    return (query @ vectors.T)[0]


def test_the_loss_compares_with_what_others_met_and_corrects_for_popularity() -> None:
    """Own events and the target itself are no rivals; a rival's logit is reduced by the log of its share."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(5, 5)).astype(np.float32)
    targets, people, share = [3, 1, 3, 0, 2], [0, 0, 1, 1, 2], np.array([0.4, 0.1, 0.4, 0.2, 0.05])
    expected = []
    for row in range(5):
        rivals = [at for at in range(5) if people[at] != people[row] and targets[at] != targets[row]]
        corrected = {at: float(logits[row, at]) - np.log(share[at]) for at in [row, *rivals]}
        expected.append(np.log(sum(np.exp(value) for value in corrected.values())) - corrected[row])
    loss = in_batch_softmax(
        torch.as_tensor(logits),
        torch.tensor(targets),
        torch.tensor(people),
        torch.as_tensor(np.log(share), dtype=torch.float32),
    )
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_query_is_what_the_tower_s_equations_give() -> None:
    """Means of the history's embedded items, even and by recency, beside the attributes, through a hidden layer."""
    encoder = fitted().encoder
    weights = {name: value.numpy().astype(np.float64) for name, value in encoder.state_dict().items()}
    history, features = [4, 7, 4], np.array([0.3, -1.0])
    rows = weights["embedded"][history]
    fading = 2.0 ** (-np.array([2, 1, 0]) / TwoTowerConfig().half_life)
    given = np.concatenate([rows.mean(axis=0), fading @ rows / fading.sum(), features])
    hidden = np.maximum(weights["user.hidden.0.weight"] @ given + weights["user.hidden.0.bias"], 0)
    query = weights["user.hidden.2.weight"] @ hidden + weights["user.hidden.2.bias"]
    expected = query / np.linalg.norm(query) / TwoTowerConfig().temperature
    with torch.no_grad():
        asked = encoder(torch.tensor([[-1, -1, *history]]), torch.as_tensor(features, dtype=torch.float32)[None])
    np.testing.assert_allclose(asked[0].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_training_sees_at_each_position_what_serving_sees_after_it() -> None:
    """Where a history has not begun, the query is that of somebody without one."""
    histories, user_features = data_of_two_sides()
    data = recall_data(histories, catalogue(), user_features)
    content = ItemContent.fit(data.items, data.item_features, 4, seed=0)
    torch.manual_seed(0)
    towers = TwoTowers(data, content, TwoTowerConfig(dimension=8, hidden=16)).eval()
    embedded, _ = towers.tables()
    encoder = TwoTowerEncoder(towers, embedded, content).eval()
    batch = next(iter(window_batches(data, 8, 5)))
    with torch.no_grad():
        queries = towers.queries(batch, embedded[batch.history.clamp(min=0)])
        for position in range(8):
            expected = encoder(batch.history[:, : position + 1], batch.user_features)
            torch.testing.assert_close(queries[:, position], expected, rtol=1e-4, atol=1e-4)


def test_batches_have_every_event_as_a_target_with_the_person_who_did_it() -> None:
    """Windows are shuffled and cut anew, and still belong to whom they belong."""
    histories, user_features = data_of_two_sides()
    torch.manual_seed(0)
    met: dict[int, set[int]] = {}
    for batch in window_batches(recall_data(histories, catalogue(), user_features), 4, 7):
        for person, features, target in zip(batch.people, batch.user_features, batch.target, strict=True):
            np.testing.assert_array_equal(features.numpy(), user_features[int(person)])
            met.setdefault(int(person), set()).update(target[target != PADDING].tolist())
    assert met == {person: set(history) for person, history in enumerate(histories)}


def test_items_that_nobody_met_are_found_by_their_words() -> None:
    """Those of the catalogue, and those that came after training."""
    new = [Item("sea", "sail on a wave", (), "", {}), Item("hill", "ridge under snow", (), "", {})]
    encoder = fitted().encoder
    assert isinstance(encoder, TwoTowerEncoder)
    vectors = encoder.vectors_of(new, np.zeros((2, 1), dtype=np.float32))
    assert vectors.dtype == np.float32
    for side, history in enumerate(([2, 4, 8], [3, 7, 9])):
        for two in (fitted().item_vectors[list(UNMET)], vectors):
            wanted = liking(history, [0.0, 0.0], two)
            assert wanted[side] > wanted[1 - side] + 1.0


def test_an_item_without_events_stands_where_its_content_puts_it() -> None:
    """An embedding that was never learned has no say; one that was learned has."""
    encoder = fitted().encoder
    assert isinstance(encoder, TwoTowerEncoder)
    placed = encoder.vectors_of(catalogue(), np.zeros((ITEMS, 1), dtype=np.float32))
    away = np.abs(placed - fitted().item_vectors).max(axis=1)
    assert away[list(UNMET)].max() < 1e-4
    assert away[:38].min() > 1e-3


def test_somebody_without_a_history_is_known_by_attributes() -> None:
    """What each side likes comes first."""
    for side in range(SIDES):
        wanted = liking([PADDING], np.eye(SIDES)[side].tolist(), fitted().item_vectors[:38])
        assert (np.argsort(-wanted)[:10] % SIDES == side).all()


def test_without_events_it_is_unsuitable() -> None:
    """Rather than fitted to nothing."""
    with pytest.raises(Unsuitable, match="no events"):
        fit_two_tower(recall_data([[], []], 3), TwoTowerConfig(), context())
