"""What is drawn by chance is drawn with the probability that is told of it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.gateway.candidates import Candidates
from services.gateway.exploration import Chosen, Exploration, choose, exploration_of
from services.gateway.selection import Scored, in_recall_order, select
from services.gateway.treatment import Policy, Treatment
from tests.unit.gateway.fakes import rows

#: Two of one category, two of another.
CATEGORIES = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
TOTALS = (2.0, 1.5, 1.0, -0.5)
DRAWS = 20_000


def scored(*totals: float) -> Scored:
    """Ranked candidates with these totals."""
    column = np.array(totals)[:, np.newaxis].astype(np.float32)
    return Scored(Candidates.found_by_none(rows(*range(len(totals)))), np.array(totals), column)


def draw(
    found: Scored,
    seed: str,
    temperature: float = 1.0,
    *,
    count: int = 2,
    candidates: int = 100,
    categories: NDArray[np.float32] | None = None,
    diversity: float = 0.0,
) -> Chosen:
    """Draws once."""
    return choose(found, categories, diversity, count, Exploration(temperature, candidates, seed))


def probabilities(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """The softmax, spelt out."""
    powers = np.exp(worth)
    result: NDArray[np.float64] = powers / powers.sum()
    return result


def test_without_exploration_the_best_are_shown_and_nothing_is_left_to_chance() -> None:
    """As selection chooses them, with no propensity to tell."""
    chosen = choose(scored(*TOTALS), None, 0.0, 2, None)
    assert (chosen.positions.tolist(), chosen.propensities) == ([0, 1], None)
    assert exploration_of(Treatment(Policy(), seed="r")) is None


def test_the_same_request_is_answered_alike() -> None:
    """A retry does not show something else; other requests do."""
    found = scored(*np.linspace(0, 1, 50).tolist())
    first, again = draw(found, "request-1", count=10), draw(found, "request-1", count=10)
    assert first.positions.tolist() == again.positions.tolist()
    assert len({tuple(draw(found, f"request-{number}", count=10).positions.tolist()) for number in range(20)}) == 20


@pytest.mark.parametrize(
    ("categories", "diversity"), [(None, 0.0), (CATEGORIES, 0.5)], ids=["by score", "with variety"]
)
@pytest.mark.parametrize("temperature", [0.7, 2.0])
def test_every_order_comes_as_often_as_its_propensities_say(
    categories: NDArray[np.float32] | None, diversity: float, temperature: float
) -> None:
    """Over all orders of four candidates: a chi-square test of 20,000 draws against the products of propensities."""
    found = scored(*TOTALS)
    seen: Counter[tuple[int, ...]] = Counter()
    told: dict[tuple[int, ...], float] = {}
    for number in range(DRAWS):
        chosen = draw(found, f"r{number}", temperature, count=4, categories=categories, diversity=diversity)
        order = tuple(chosen.positions.tolist())
        assert chosen.propensities is not None
        seen[order] += 1
        told[order] = float(np.prod(chosen.propensities))
    cells = [(seen[order], DRAWS * p) for order, p in told.items() if DRAWS * p >= 5]
    rest = (DRAWS - sum(times for times, _ in cells), DRAWS - sum(expected for _, expected in cells))
    assert len(cells) > 15
    statistic = sum((times - expected) ** 2 / expected for times, expected in [*cells, rest] if expected >= 1)
    assert statistic < 51.2  # what chance exceeds once in a thousand times with 24 degrees of freedom


def test_propensities_are_those_of_the_softmax_among_what_is_left() -> None:
    """Worked out by hand, in standard deviations of the totals."""
    chosen = draw(scored(*TOTALS), "some request", 0.7, count=4)
    worth = np.array(TOTALS) / np.std(TOTALS) / 0.7
    left = list(range(4))
    assert chosen.propensities is not None
    for position, propensity in zip(chosen.positions.tolist(), chosen.propensities.tolist(), strict=True):
        expected = probabilities(worth[left])[left.index(position)]
        assert propensity == pytest.approx(expected)
        left.remove(position)
    assert chosen.propensities[-1] == 1.0  # nothing else was left


def test_variety_changes_the_odds_by_what_stands_above() -> None:
    """The second place is drawn by what the items are worth once the first is there."""
    chosen = draw(scored(*TOTALS), "r", count=2, categories=CATEGORIES, diversity=0.5)
    relevance = (np.array(TOTALS) + 0.5) / 2.5
    first, second = chosen.positions.tolist()
    worth = (0.5 * relevance - 0.5 * (CATEGORIES @ CATEGORIES[first])) / relevance.std()
    worth[first] = -np.inf
    assert chosen.propensities is not None
    assert chosen.propensities[1] == pytest.approx(probabilities(worth)[second])


@pytest.mark.parametrize("diversity", [0.0, 0.3])
def test_a_low_temperature_shows_what_would_be_shown_without(diversity: float) -> None:
    """The draw is then certain, whatever the scores."""
    found = scored(*TOTALS)
    chosen = draw(found, "r", 1e-9, count=4, categories=CATEGORIES, diversity=diversity)
    assert chosen.positions.tolist() == select(found, CATEGORIES, diversity, 4).tolist()
    assert chosen.propensities is not None
    assert chosen.propensities.tolist() == [1.0] * 4


def test_only_the_best_are_drawn_from() -> None:
    """And as many as are shown, where that is more."""
    found = scored(*np.linspace(1, 0, 50).tolist())
    for number in range(50):
        assert set(draw(found, f"r{number}", 10.0, count=3, candidates=5).positions.tolist()) <= set(range(5))
        assert set(draw(found, f"r{number}", 10.0, count=9, candidates=5).positions.tolist()) == set(range(9))


def test_what_was_not_ranked_is_not_explored() -> None:
    """Without ranking the answer is in recall's order; that is not the time to try things."""
    chosen = choose(in_recall_order(Candidates.found_by_none(rows(1, 2, 3))), None, 0.0, 3, Exploration(5.0, 100, "r"))
    assert (chosen.positions.tolist(), chosen.propensities) == ([0, 1, 2], None)


def test_what_could_not_be_scored_comes_last_and_by_no_chance() -> None:
    """Given what is above, nothing else could be there."""
    chosen = draw(scored(-np.inf, 1.0, -np.inf, 2.0), "r", 5.0, count=4)
    assert set(chosen.positions[:2].tolist()) == {1, 3}
    assert chosen.positions[2:].tolist() == [0, 2]
    assert chosen.propensities is not None
    assert chosen.propensities[1:].tolist() == [1.0] * 3


@settings(max_examples=300, deadline=None)
@given(
    totals=st.lists(st.floats(-1e12, 1e12) | st.just(-np.inf), max_size=30),
    temperature=st.floats(0, 10, exclude_min=True),
    diversity=st.sampled_from([0.0, 0.4, 1.0]),
    count=st.integers(1, 40),
    candidates=st.integers(2, 40),
)
def test_every_answer_is_full_and_every_propensity_a_probability(
    totals: list[float], temperature: float, diversity: float, count: int, candidates: int
) -> None:
    """Whatever the scores: no candidate twice, and each propensity in (0, 1]."""
    categories = np.eye(3, dtype=np.float32)[np.arange(len(totals)) % 3]
    chosen = draw(
        scored(*totals), "r", temperature, count=count, candidates=candidates, categories=categories,
        diversity=diversity,
    )  # fmt: skip
    assert len(set(chosen.positions.tolist())) == len(chosen.positions) == min(count, len(totals))
    assert chosen.propensities is not None
    assert len(chosen.propensities) == len(chosen.positions)
    assert ((chosen.propensities > 0) & (chosen.propensities <= 1)).all()
