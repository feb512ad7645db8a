"""What each architecture computes, done again one candidate at a time without torch."""

from itertools import combinations

import numpy as np
import pytest

from services.training.ranking.person_item import PersonItem
from tests.unit.training.ranking.tiny import (
    CANDIDATES,
    FEATURES,
    HISTORIES,
    QUERY,
    USERS,
    array,
    build,
    field_vectors,
    first_order,
    linear,
    scores,
    stack,
)

SMALL = {"dimension": 3, "hidden": (5, 4)}


def close(given: np.ndarray, expected: np.ndarray) -> None:
    """Both are the same but for rounding."""
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-4)


def pairs(fields: np.ndarray) -> np.ndarray:
    """The inner product of every two fields, summed: float [4]."""
    return np.asarray([sum(row[a] @ row[b] for a, b in combinations(range(len(row)), 2)) for row in fields])


def person_item(part: PersonItem, power: float) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of persons and candidates: float [4, dimension] each."""
    past, users, items = (array(table.weight) for table in (part.history, part.users, part.items))
    persons = []
    for candidate, query, history in zip(CANDIDATES.tolist(), QUERY.tolist(), HISTORIES, strict=True):
        others = [item for item in history if item != candidate]
        done = past[others].sum(axis=0) / len(others) ** power if others else np.zeros(past.shape[1])
        persons.append(done + USERS[query].numpy() @ users)
    assert part.features is not None
    return np.asarray(persons), items[CANDIDATES] + linear(part.features, FEATURES.numpy())


def test_fm_adds_the_inner_products_of_all_pairs_of_fields() -> None:
    """To its linear part, as in equation 1 of the paper."""
    model = build("fm", dimension=3)
    close(scores(model), first_order(model) + pairs(field_vectors(model.embedding)))


def test_deepfm_adds_hidden_layers_over_the_same_vectors() -> None:
    """To the factorisation machine."""
    model = build("deepfm", **SMALL)
    fields = field_vectors(model.embedding)
    close(scores(model), first_order(model) + pairs(fields) + stack(model.deep, fields.reshape(4, -1))[:, 0])


def test_mlp_has_hidden_layers_over_all_fields() -> None:
    """Side by side."""
    model = build("mlp", **SMALL)
    close(scores(model), stack(model.deep, field_vectors(model.embedding).reshape(4, -1))[:, 0])


def test_wide_deep_adds_the_mean_weight_of_the_pairs_of_history_and_candidate() -> None:
    """Each found by its hash, to a linear part and hidden layers."""
    model = build("wide_deep", crosses=97, **SMALL)
    weights = array(model.crosses.weight)[:, 0]
    crossed = [
        np.mean([weights[(item * 1_000_003 + candidate) % 97] for item in history]) if history else 0.0
        for candidate, history in zip(CANDIDATES.tolist(), HISTORIES, strict=True)
    ]
    deep = stack(model.deep, field_vectors(model.embedding).reshape(4, -1))[:, 0]
    close(scores(model), first_order(model) + np.asarray(crossed) + deep)


def test_dcn_v2_multiplies_its_input_by_a_linear_function_of_each_layer() -> None:
    """As in equation 1 of the paper, beside hidden layers."""
    model = build("dcn_v2", cross_layers=2, **SMALL)
    inputs = field_vectors(model.embedding).reshape(4, -1)
    crossed = inputs
    for layer in model.cross.layers:
        crossed = inputs * linear(layer, crossed) + crossed
    close(scores(model), linear(model.last, np.concatenate([crossed, stack(model.deep, inputs)], axis=1))[:, 0])


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_mf_is_an_inner_product_of_the_person_and_the_candidate(power: float) -> None:
    """A person is the scaled sum of the other items of the history, and of their attributes."""
    model = build("mf", dimension=3, power=power)
    person, item = person_item(model.vectors, power)
    close(scores(model), first_order(model) + (person * item).sum(axis=1))


def test_neumf_weighs_the_product_beside_hidden_layers() -> None:
    """Each of which has vectors of its own, as in equation 12 of the paper."""
    model = build("neumf", **SMALL)
    person, item = person_item(model.factors, 0.5)
    deep = stack(model.deep, np.concatenate(person_item(model.inputs, 0.5), axis=1))
    close(scores(model), linear(model.last, np.concatenate([person * item, deep], axis=1))[:, 0])


def test_gru_reads_the_history_from_its_oldest_item_to_its_newest() -> None:
    """By the equations of the gated recurrent unit; a person without a history has a state of zeros."""
    model = build("gru", **SMALL)
    cell, vectors = model.recurrent, array(model.embedding.history.weight)
    states = []
    for history in HISTORIES:
        state = np.zeros(3)
        for item in history:
            seen = vectors[item] @ array(cell.weight_ih_l0).T + array(cell.bias_ih_l0)
            kept = state @ array(cell.weight_hh_l0).T + array(cell.bias_hh_l0)
            reset, update = 1 / (1 + np.exp(-(seen + kept)[:6].reshape(2, 3)))
            state = (1 - update) * np.tanh(seen[6:] + reset * kept[6:]) + update * state
        states.append(state)
    state, item = np.asarray(states), array(model.embedding.items.weight)[CANDIDATES]
    inputs = np.concatenate([field_vectors(model.embedding).reshape(4, -1), state, state * item], axis=1)
    close(scores(model), stack(model.deep, inputs)[:, 0])


@pytest.mark.parametrize("newest", [2, 50])
def test_din_sums_the_newest_items_by_weights_that_the_candidate_gives_them(newest: int) -> None:
    """The weight of an item is a small network of the item, the candidate and their product, and is not normalised."""
    model = build("din", attention_hidden=2, attention_items=newest, **SMALL)
    unit, vectors = model.attention, array(model.embedding.items.weight)
    slope = array(unit.activation.weight)
    interests = []
    for candidate, history in zip(CANDIDATES.tolist(), HISTORIES, strict=True):
        interest = np.zeros(3)
        for item in history[-newest:]:
            hidden = linear(unit.from_item, vectors[item]) + linear(unit.from_candidate, vectors[candidate])
            hidden = hidden + linear(unit.from_product, vectors[item] * vectors[candidate])
            interest += linear(unit.weight, np.where(hidden > 0, hidden, slope * hidden)) * vectors[item]
        interests.append(interest)
    interest = np.asarray(interests)
    fields = field_vectors(model.embedding).reshape(4, -1)
    inputs = np.concatenate([fields, interest, interest * vectors[CANDIDATES]], axis=1)
    close(scores(model), stack(model.deep, inputs)[:, 0])


def test_shared_bottom_has_a_tower_over_shared_layers() -> None:
    """One for each objective."""
    model = build("shared_bottom", tower=2, **SMALL)
    bottom = stack(model.bottom, field_vectors(model.embedding).reshape(4, -1))
    close(scores(model), stack(model.towers[0], bottom)[:, 0])


def test_mmoe_mixes_experts_by_the_softmax_of_a_gate() -> None:
    """And puts a tower on the mixture, as in equation 6 of the paper."""
    model = build("mmoe", tower=2, experts=3, **SMALL)
    fields = field_vectors(model.embedding).reshape(4, -1)
    gate = np.exp(linear(model.gates[0], fields))
    gate /= gate.sum(axis=1, keepdims=True)
    mixed = sum(gate[:, [place]] * stack(expert, fields) for place, expert in enumerate(model.experts))
    close(scores(model), stack(model.towers[0], mixed)[:, 0])
