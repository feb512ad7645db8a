"""A report compares each arm with the control, and says when nothing can be compared."""

import math

import numpy as np
import pytest

from services.cli.experiments.outcomes import TYPES, ArmOutcomes, read_outcomes
from services.cli.experiments.report import Asked, control_of, report
from services.gateway.candidates import Candidates
from services.gateway.exploration import Exploration, choose
from services.gateway.selection import ranked
from shared.event_log.records import Record
from shared.events import EventType, EventWeights
from tests.unit.cli.experiments.records import done, shown
from tests.unit.gateway.fakes import rows


def outcomes(rewards: list[float], clicks: list[float]) -> ArmOutcomes:
    """Users with two answers each."""
    users, none = len(rewards), np.zeros(len(rewards))
    events = np.zeros((users, len(TYPES)))
    events[:, TYPES.index(EventType.CLICK)] = clicks
    return ArmOutcomes(np.full(users, 2.0), np.array(rewards), events, none, none, none, none, none, degraded=1)


ARMS = {"high": outcomes([4, 6], [1, 2]), "holdout": outcomes([1, 3, 2], [0, 0, 1])}


def test_arms_are_told_with_the_control_first() -> None:
    """By hand: 10 of 4 answers and 2 users against 6 of 6 answers and 3 users."""
    found = report("variety", ARMS, "holdout", Asked())
    control, high = found.arms
    assert (control.arm, control.users, control.exposures, control.per_user) == ("holdout", 3, 6, None)
    assert (high.arm, high.users, high.exposures, high.degraded) == ("high", 2, 4, 0.25)
    assert high.events == {"click": 0.75}
    assert (high.reward_per_exposure.value, high.reward_per_user.value) == (2.5, 5.0)
    assert high.per_user is not None
    assert (high.per_user.value, high.per_user.relative) == (3.0, 1.5)
    assert high.per_exposure is not None
    # Errors 1 and sqrt(1/3) per user: together sqrt(4/3), z = 2.598.
    assert high.per_user.p_value == pytest.approx(0.0094, abs=1e-4)
    assert high.per_exposure.p_value == pytest.approx(high.per_user.p_value)  # all have as many answers
    assert (high.by_chance, found.split_p_value, found.mismatch) == (None, None, False)


def test_a_split_that_is_not_the_one_of_the_file_is_called_out() -> None:
    """Also where an arm has nobody at all."""
    many = {"a": outcomes([1.0] * 500, [0.0] * 500), "b": outcomes([1.0] * 400, [0.0] * 400)}
    assert report("x", many, "a", Asked(), shares={"a": 0.5, "b": 0.4}).mismatch is False
    assert report("x", many, "a", Asked(), shares={"a": 0.5, "b": 0.5}).mismatch is True
    assert report("x", many, "a", Asked(), shares={"a": 0.5, "b": 0.4, "c": 0.1}).mismatch is True


def test_the_control_is_the_one_wanted_or_the_one_that_is_meant() -> None:
    """The holdout before an arm that is called control before the first by name."""
    assert control_of(["b", "holdout", "control"]) == "holdout"
    assert control_of(["b", "control", "a"]) == "control"
    assert control_of(["b", "a"]) == "a"
    assert control_of(["b", "holdout"], "b") == "b"
    with pytest.raises(KeyError):
        control_of(["a"], "c")


def test_exploration_tells_what_a_uniform_draw_would_bring() -> None:
    """Answers drawn by the gateway's own draw, of five items with known rewards: their mean, within its interval.

    The first place alone is rewarded, so that what is left for the others does not matter.
    """
    chances = np.array([0.9, 0.6, 0.3, 0.1, 0.0])
    scored = ranked(Candidates.found_by_none(rows(*range(5))), chances[:, np.newaxis].astype(np.float32), [1.0])
    chance = np.random.default_rng(3)
    records: list[Record] = []
    for number in range(4000):
        chosen = choose(scored, None, 0.0, 1, Exploration(0.8, 100, f"r{number}"))
        assert chosen.propensities is not None
        [item], [propensity] = chosen.positions.tolist(), chosen.propensities.tolist()
        records.append(shown(f"r{number}", f"u{number}", "x/a", f"i{item}", propensities=(propensity,)))
        if chance.random() < chances[item]:
            records.append(done(f"u{number}", f"i{item}"))
    arms = read_outcomes(lambda: records, EventWeights(), 1000).arms["x"]
    [arm] = report("x", arms, "a", Asked()).arms
    assert arm.by_chance is not None
    assert arm.by_chance.uniform.low < chances.mean() < arm.by_chance.uniform.high
    assert arm.by_chance.uniform.high - arm.by_chance.uniform.low < 0.1
    assert arm.by_chance.shown.value > 0.6  # the order is worth something
    assert 0 < arm.by_chance.effective_items < arm.by_chance.items == 4000


def test_one_user_is_told_without_an_interval() -> None:
    """And without a warning of numpy's."""
    with np.errstate(all="raise"):
        [arm] = report("x", {"a": outcomes([1.0], [1.0])}, "a", Asked()).arms
    assert math.isnan(arm.reward_per_user.low)
