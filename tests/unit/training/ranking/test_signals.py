"""The signals between a history and a candidate."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from services.training.ranking.signals import SIGNALS, MatchSignals
from tests.unit.training.ranking.models import HALF_LIVES, ITEM_FEATURES, ITEMS, USER_FEATURES, random_signals

NOTHING_KNOWN = torch.zeros(1, USER_FEATURES)
Array = npt.NDArray[np.float64]


def computed(signals: MatchSignals, history: list[int], candidate: int) -> dict[str, float]:
    """Runs the module for one candidate."""
    past, rows, query = torch.tensor([history]), torch.tensor([candidate]), torch.tensor([0])
    with torch.no_grad():
        queries = signals.encoder(past, NOTHING_KNOWN)
        agreement = signals.agreement(signals.reduce(queries), rows, query)
        scores = signals.scores(queries, agreement, rows, query)
        values = signals(scores, past, rows, signals.features[rows], query)[0]
    names = [*SIGNALS, *(f"affinity {column}" for column in range(ITEM_FEATURES))]
    return dict(zip(names, values.tolist(), strict=True))


def mean(history: list[int], vectors: Array, half_life: float) -> Array:
    """The mean of the vectors in which an item that is a half-life older counts half."""
    weights = np.asarray([0.5 ** (age / half_life) for age in reversed(range(len(history)))])
    return np.asarray(weights @ vectors[history] / weights.sum())


def cosine(one: Array, other: Array) -> float:
    """The cosine of the angle between two vectors."""
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("history", [[7], [3, 9, 4], [1, 2, 3, 4, 5, 6, 8]])
def test_each_signal_is_what_its_name_says(history: list[int]) -> None:
    """Every signal, computed once more by hand from the same vectors, in NumPy."""
    signals = random_signals()
    items = signals.collaborative.numpy().astype(np.float64)
    content, source, target, features = (
        tensor.numpy().astype(np.float64)
        for tensor in (signals.content, signals.transition_source, signals.transition_target, signals.features)
    )
    with torch.no_grad():
        state = signals.encoder(torch.tensor([history]), NOTHING_KNOWN)[0].numpy()
    candidate = 11
    recent = history[-5:]
    expected = {
        "collaborative score": float(state @ items[candidate]),
        "content similarity": cosine(mean(history, content, HALF_LIVES.content), content[candidate]),
        "transition strength": float(mean(history, source, HALF_LIVES.transition) @ target[candidate]),
        "collaborative similarity to the last item": cosine(items[history[-1]], items[candidate]),
        "content similarity to the last item": cosine(content[history[-1]], content[candidate]),
        "highest collaborative similarity to a recent item": max(cosine(items[r], items[candidate]) for r in recent),
        "highest content similarity to a recent item": max(cosine(content[r], content[candidate]) for r in recent),
    }
    affinity = mean(history, features, HALF_LIVES.content) * features[candidate]
    expected |= {f"affinity {column}": float(value) for column, value in enumerate(affinity)}

    assert computed(signals, history, candidate) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_padding_changes_no_signal() -> None:
    """The signals are the same however much padding stands before the history."""
    signals = random_signals()

    assert computed(signals, [-1, -1, -1, 5, 6], 2) == pytest.approx(computed(signals, [5, 6], 2), abs=1e-5)


def test_without_a_history_nothing_is_similar() -> None:
    """All signals are finite; what compares with items is 0 on average and -1 for single items."""
    values = computed(random_signals(), [-1, -1], 4)

    assert np.isfinite(list(values.values())).all()
    assert values["content similarity"] == values["transition strength"] == 0.0
    assert {values[name] for name in SIGNALS if "item" in name} == {-1.0}


def test_a_frozen_encoder_drops_nothing_out() -> None:
    """Training mode does not reach it, and its parameters ask for no gradient."""
    signals = random_signals()

    signals.train()

    assert not any(module.training for module in signals.modules())
    assert not any(parameter.requires_grad for parameter in signals.parameters())
    assert len(signals.content) == ITEMS
