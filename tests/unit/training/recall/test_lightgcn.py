"""LightGCN against the paper's matrices, dense and layer by layer."""

import numpy as np
import pytest
import torch

from services.training.recall.bipartite_graph import BipartiteGraph
from services.training.recall.lightgcn import LightGcn, LightGcnConfig, Triples, draw_triples, fit_lightgcn
from services.training.recall.model import Unsuitable
from tests.unit.training.recall.tiny import context, events, recall_data

#: One met an item twice, one met nothing, and nobody met item 4.
HISTORIES = [[0, 1, 0], [1, 2, 3], [], [3]]
PEOPLE, ITEMS, DEPTH = 4, 5, 3


def normalised_adjacency() -> np.ndarray:
    """D^-1/2 A D^-1/2 of people and items, without its empty rows."""
    adjacency = np.zeros((PEOPLE + ITEMS, PEOPLE + ITEMS))
    for person, items in enumerate(HISTORIES):
        for item in items:
            adjacency[person, PEOPLE + item] = adjacency[PEOPLE + item, person] = 1.0
    degrees = adjacency.sum(axis=1)
    root = np.diag([degree**-0.5 if degree else 0.0 for degree in degrees])
    return root @ adjacency @ root


def model(depth: int = DEPTH, **chosen: object) -> LightGcn:
    """A model that has not been fitted."""
    torch.manual_seed(2)
    config = LightGcnConfig(dimension=3, layers=depth, l2=0.01).model_copy(update=chosen)
    return LightGcn(BipartiteGraph(events(HISTORIES), ITEMS), config)


def layers(network: LightGcn) -> list[np.ndarray]:
    """The vectors of people and items after 0 to K steps."""
    result = [network.vectors.detach().numpy().astype(np.float64)]
    for _ in range(network.depth):
        result.append(normalised_adjacency() @ result[-1])
    return result


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_vectors_are_the_mean_over_the_layers(depth: int) -> None:
    """Of people and of items, the person and the item without an edge among them."""
    network = model(depth)
    expected = np.mean(layers(network), axis=0)
    people, items = network.smoothed()
    np.testing.assert_allclose(people.detach().numpy(), expected[:PEOPLE], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(items.detach().numpy(), expected[PEOPLE:], rtol=1e-5, atol=1e-6)


def test_the_loss_has_the_gradient_of_the_dense_computation() -> None:
    """Through all layers, and with the lengths of the batch's own vectors."""
    network = model()
    triples = Triples(torch.tensor([0, 1, 3]), torch.tensor([1, 2, 3]), torch.tensor([4, 0, 0]))
    loss = network.loss(triples)
    (gradient,) = torch.autograd.grad(loss, network.vectors)
    adjacency = torch.as_tensor(normalised_adjacency())
    vectors = network.vectors.detach().double().requires_grad_()
    powers = [torch.linalg.matrix_power(adjacency, power) for power in range(DEPTH + 1)]
    mean = sum(powers[1:], start=powers[0]) @ vectors / (DEPTH + 1)
    expected = torch.zeros((), dtype=torch.float64)
    for person, met, unmet in zip(triples.people, PEOPLE + triples.met, PEOPLE + triples.unmet, strict=True):
        expected = expected - torch.log(torch.sigmoid(mean[person] @ mean[met] - mean[person] @ mean[unmet])) / 3
        expected = expected + 0.01 / 6 * sum(vectors[row] @ vectors[row] for row in (person, met, unmet))
    (exact,) = torch.autograd.grad(expected, vectors)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(gradient.numpy(), exact.numpy(), rtol=1e-4, atol=1e-7)


def test_by_softmax_what_was_met_is_told_from_many_items_by_cosine() -> None:
    """The loss and its gradient by a dense computation; what is served compares by cosine too."""
    network = model(loss="softmax", temperature=0.2, negatives=2)
    triples = Triples(torch.tensor([0, 1, 3]), torch.tensor([1, 2, 3]), torch.tensor([4, 2, 0]))
    loss = network.loss(triples)
    (gradient,) = torch.autograd.grad(loss, network.vectors)
    adjacency = torch.as_tensor(normalised_adjacency())
    vectors = network.vectors.detach().double().requires_grad_()
    powers = [torch.linalg.matrix_power(adjacency, power) for power in range(DEPTH + 1)]
    mean = sum(powers[1:], start=powers[0]) @ vectors / (DEPTH + 1)
    mean = mean / mean.square().sum(dim=1, keepdim=True).sqrt()
    expected = torch.zeros((), dtype=torch.float64)
    # The whole batch is compared with its first two unmet items, 4 and 2, and person 1 with 4 alone: they met 2.
    for person, met, others in ((0, 1, (4, 2)), (1, 2, (4,)), (3, 3, (4, 2))):
        scores = torch.stack([mean[person] @ mean[PEOPLE + item] / 0.2 for item in (met, *others)])
        expected = expected - (scores[0] - scores.exp().sum().log()) / 3
    (exact,) = torch.autograd.grad(expected, vectors)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(gradient.numpy(), exact.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(network.item_vectors(), mean[PEOPLE:].detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_history_places_a_person_of_the_training_where_the_graph_does_but_for_their_own_vector() -> None:
    """Exactly the mean over the layers without layer 0, which is theirs alone; padding and order do not matter."""
    network = model()
    expected = np.sum(layers(network)[1:], axis=0)[:PEOPLE] / (DEPTH + 1)
    history = torch.tensor([[-1, 0, 1, 0], [-1, 3, 1, 2], [-1, -1, -1, -1], [-1, -1, -1, 3]])
    with torch.no_grad():
        queries = network.encoder()(history, torch.zeros(4, 1)).numpy()
        own = network.vectors[:PEOPLE].numpy() / (DEPTH + 1)
        smoothed = network.smoothed()[0].numpy()
    np.testing.assert_allclose(queries, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(queries, smoothed - own, rtol=1e-4, atol=1e-6)


def test_somebody_new_is_placed_as_if_they_had_joined_the_graph() -> None:
    """By the formula: e_j(k) / sqrt(|H| d_j) over items and layers, with the degrees that the training left."""
    network = model()
    degrees = np.array([1, 2, 1, 2])
    steps = [layer[PEOPLE:] for layer in layers(network)[:-1]]
    expected = sum(step[item] / np.sqrt(2 * degrees[item]) for step in steps for item in (0, 3)) / (DEPTH + 1)
    with torch.no_grad():
        query = network.encoder()(torch.tensor([[0, 3]]), torch.zeros(1, 1)).numpy()[0]
    np.testing.assert_allclose(query, expected, rtol=1e-5, atol=1e-6)


def test_an_item_that_nobody_met_says_nothing_about_who_meets_it_later() -> None:
    """The query keeps its direction, so that the order of the answers is the same."""
    encoder = model().encoder()
    with torch.no_grad():
        with_it, without = encoder(torch.tensor([[0, 3, 4], [-1, 0, 3]]), torch.zeros(2, 1))
    torch.testing.assert_close(with_it * (3 / 2) ** 0.5, without)


def test_an_epoch_has_every_edge_once_beside_an_item_that_the_person_did_not_meet() -> None:
    """A repeated item is one edge."""
    torch.manual_seed(0)
    histories = [[person, person + 1, person] for person in range(50)]
    graph = BipartiteGraph(events(histories), 60)
    drawn = list(draw_triples(graph, 16))
    people, met, unmet = (torch.cat([getattr(batch, name) for batch in drawn]) for name in ("people", "met", "unmet"))
    pairs = list(zip(people.tolist(), met.tolist(), strict=True))
    assert sorted(pairs) == [(person, person + later) for person in range(50) for later in (0, 1)]
    assert not set(zip(people.tolist(), unmet.tolist(), strict=True)) & set(pairs)
    assert len(set(unmet.tolist())) > 20


def test_without_events_it_is_unsuitable() -> None:
    """Rather than fitted to nothing."""
    with pytest.raises(Unsuitable, match="no events"):
        fit_lightgcn(recall_data([[], []], ITEMS), LightGcnConfig(), context())
