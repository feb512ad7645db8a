"""Quotas that are learned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.training.config import MergeConfig
from services.training.merge_weights import contributions, learn_quotas
from services.training.merged_places import MergedPlaces

QUERIES = 400
SIZE = 10
CONFIGURED = {"poor": 0.8, "good": 0.2}


def lists(good: float) -> MergedPlaces:
    """A channel that never finds the target, and one that has it somewhere in the first ten in so many cases."""
    rng = np.random.default_rng(0)
    nothing = np.tile(np.arange(100, 110), (QUERIES, 1))
    place = rng.integers(SIZE, size=QUERIES)
    found = np.tile(np.arange(200, 210), (QUERIES, 1))
    hit = rng.random(QUERIES) < good
    found[hit, place[hit]] = 0
    return MergedPlaces.of([nothing, found], np.zeros(QUERIES, dtype=np.int64))


def test_the_channel_that_finds_more_gets_more() -> None:
    """And the figures are those of the merged lists."""
    places = lists(good=0.9)

    fit = learn_quotas(places, CONFIGURED, SIZE, QUERIES, MergeConfig())

    assert fit.quotas["good"] > 0.8
    assert sum(fit.quotas.values()) == pytest.approx(1.0, abs=1e-3)
    assert fit.configured == (places.places(list(CONFIGURED.values())) <= SIZE).mean()
    assert fit.learned == (places.places(list(fit.quotas.values())) <= SIZE).mean() > fit.configured + 0.3
    assert fit.table() == {"configured": fit.configured, "learned": fit.learned, "queries": QUERIES}


def test_no_channel_is_learned_away() -> None:
    """It keeps the least share, for what validation does not ask about."""
    fit = learn_quotas(lists(good=1.0), {"poor": 1e-3, "good": 1.0}, SIZE, QUERIES, MergeConfig(min_share=0.03))
    assert fit.quotas == {"poor": 1e-3, "good": 1.0}, "nothing is better, so nothing changes"

    fit = learn_quotas(lists(good=1.0), CONFIGURED, SIZE, QUERIES, MergeConfig(min_share=0.03))
    assert fit.quotas["poor"] >= 0.03


def test_quotas_stay_where_too_little_would_be_gained() -> None:
    """They do not follow the noise of a few queries."""
    fit = learn_quotas(lists(good=0.9), CONFIGURED, SIZE, QUERIES, MergeConfig(min_gain=0.9))

    assert fit.quotas == CONFIGURED
    assert fit.learned == fit.configured


def test_what_a_channel_adds_is_what_would_be_missing_without_it() -> None:
    """By hand: three queries, a list of two; one target is known to both channels, one to each alone, found if in time."""
    left = np.asarray([[1, 2], [1, 2], [8, 9]])
    right = np.asarray([[1, 3], [4, 5], [7, 6]])
    places = MergedPlaces.of([left, right], np.asarray([1, 2, 7]))

    # Merged by 3 to 1, two places are the left list's: the first two targets are there, the last is not.
    assert contributions(places, {"left": 3.0, "right": 1.0}, size=2) == {
        "left": {"quota": 0.75, "alone": pytest.approx(2 / 3), "adds": pytest.approx(0.0)},
        "right": {"quota": 0.25, "alone": pytest.approx(2 / 3), "adds": pytest.approx(0.0)},
    }
    # By 1 to 1.5 the lists take turns, and with four places all is there; the left list alone has not the last target.
    both = contributions(places, {"left": 1.0, "right": 1.5}, size=4)
    assert {name: one["adds"] for name, one in both.items()} == pytest.approx({"left": 1 / 3, "right": 1 / 3})


@given(
    quotas=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=8),
    target=st.integers(0, 7),
)
def test_learned_quotas_are_shares_that_leave_everybody_the_least(quotas: list[float], target: int) -> None:
    """From any configured quotas, where one channel finds everything in its last place."""
    found = [np.asarray([[10 * channel + place for place in range(1, 6)]]) for channel in range(len(quotas))]
    found[target % len(quotas)][0, -1] = 0
    configured = {str(channel): quota for channel, quota in enumerate(quotas)}

    places = MergedPlaces.of(found, np.asarray([0]))
    fit = learn_quotas(places, configured, 5, 1, MergeConfig(min_share=0.02))

    if fit.quotas != configured:
        assert sum(fit.quotas.values()) == pytest.approx(1.0, abs=1e-3)
        assert min(fit.quotas.values()) >= 0.02
        assert fit.learned > fit.configured
