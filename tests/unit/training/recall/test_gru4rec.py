"""GRU4Rec against its equations, worked with NumPy a step at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from services.training.queries import NextItemQueries
from services.training.recall.gru4rec import Gru4Rec, Gru4RecConfig, fit_gru4rec, like_with_like
from services.training.recall.model import Unsuitable
from tests.unit.training.recall.tiny import context, recall_data

ITEMS = 7


def model(layers: int = 1) -> Gru4Rec:
    """A small network with parameters that are far from where they start."""
    torch.manual_seed(5)
    network = Gru4Rec(ITEMS, Gru4RecConfig(dimension=3, hidden=4, layers=layers)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    return network


def step(state: np.ndarray, shown: np.ndarray, weights: dict[str, np.ndarray], layer: int) -> np.ndarray:
    """One gated recurrent unit: reset, update and candidate (Cho et al., EMNLP 2014, as torch has it)."""
    outer = weights[f"recurrence.weight_ih_l{layer}"] @ shown + weights[f"recurrence.bias_ih_l{layer}"]
    inner = weights[f"recurrence.weight_hh_l{layer}"] @ state + weights[f"recurrence.bias_hh_l{layer}"]
    (reset_x, update_x, new_x), (reset_h, update_h, new_h) = np.split(outer, 3), np.split(inner, 3)
    reset, update = (1 / (1 + np.exp(-gate)) for gate in (reset_x + reset_h, update_x + update_h))
    return (1 - update) * np.tanh(new_x + reset * new_h) + update * state


def query_after(items: list[int], network: Gru4Rec) -> np.ndarray:
    """The query after these items, one at a time."""
    weights = {name: value.detach().numpy().astype(np.float64) for name, value in network.named_parameters()}
    states = list(weights["start"])
    for item in items:
        shown = weights["item_embedding.weight"][item]
        for layer, state in enumerate(states):
            states[layer] = shown = step(state, shown, weights, layer)
    return weights["projection.weight"] @ states[-1] + weights["projection.bias"]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("items", [[], [2], [6, 0, 0, 4, 1]])
def test_a_query_is_the_state_after_every_item_in_turn(items: list[int], layers: int) -> None:
    """However much padding stands before the first; without an item it is the learned start."""
    network = model(layers)
    for padding in (1, 4) if not items else (0, 1, 4):
        history = torch.tensor([[-1] * padding + items, [3] * (padding + len(items))])
        with torch.no_grad():
            query = network(history, torch.zeros(2, 1))[0].numpy()
        np.testing.assert_allclose(query, query_after(items, network), rtol=1e-4, atol=1e-5)


def test_training_sees_at_each_position_what_serving_sees_after_it() -> None:
    """Where a history has not begun, the state is that of somebody without one."""
    network = model()
    history = torch.tensor([[-1, -1, 5, 2, 6], [4, 4, 0, 1, 3]])
    with torch.no_grad():
        states = network.states(history)
        for position in range(5):
            expected = network(history[:, : position + 1], torch.zeros(2, 1))
            torch.testing.assert_close(states[:, position], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("full_softmax_items", [100, 1])
def test_it_learns_what_follows_what(full_softmax_items: int) -> None:
    """From people who go round a circle, with every item as a rival or a sample of them."""
    starts = np.arange(60) % ITEMS
    walks = [[(start + place) % ITEMS for place in range(6)] for start in starts.tolist()]
    # Validated where hardly an item is ruled out by having been met: only who knows the way round finds all.
    firsts = tuple(np.asarray(walk[:1], dtype=np.int32) for walk in walks)
    validation = NextItemQueries(np.arange(len(walks)), firsts, np.asarray([walk[1] for walk in walks]))
    data = replace(recall_data(walks, ITEMS), validation=validation)
    config = Gru4RecConfig(
        dimension=8,
        hidden=8,
        epochs=30,
        patience=30,
        learning_rate=0.03,
        dropout=0.0,
        full_softmax_items=full_softmax_items,
        sampled_negatives=20,
    )
    fitted = fit_gru4rec(data, config, context())
    with torch.no_grad():
        scores = (
            fitted.encoder(torch.tensor([[1, 2], [5, 6], [-1, 4]]), torch.zeros(3, 1)).numpy() @ fitted.item_vectors.T
        )
    assert scores.argmax(axis=1).tolist() == [3, 0, 5]


def test_an_epoch_has_every_window_once_beside_others_of_like_length() -> None:
    """So that short histories do not wait for long ones."""
    torch.manual_seed(0)
    lengths = np.arange(40, dtype=np.int64)
    batches = list(like_with_like(lengths, 4))
    assert sorted(np.concatenate(batches).tolist()) == list(range(40))
    assert all(np.ptp(lengths[batch]) == 3 for batch in batches)
    assert [batch[0] for batch in batches] != sorted(batch[0] for batch in batches)


def test_without_events_it_is_unsuitable() -> None:
    """Rather than fitted to nothing."""
    with pytest.raises(Unsuitable, match="no events"):
        fit_gru4rec(recall_data([[], []], ITEMS), Gru4RecConfig(), context())
