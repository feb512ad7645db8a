"""An event counts for the answer that brought it about, once, and for no other."""

from collections.abc import Sequence

import pytest

from services.cli.experiments.outcomes import TYPES, ArmOutcomes, Outcomes, read_outcomes
from shared.event_log.records import AttributesRecord, Record
from shared.events import EventType, EventWeights
from tests.unit.cli.experiments.records import done, shown

HOUR = 3_600_000


def outcomes(*records: Record, weights: str = "", within: int = HOUR, since: int = 0) -> Outcomes:
    """Joins records."""
    return read_outcomes(lambda: records, EventWeights.parse(weights), within, since)


def one_arm(*records: Record, weights: str = "", within: int = HOUR, since: int = 0) -> ArmOutcomes:
    """Joins records of one arm, `x/a`."""
    found = outcomes(*records, weights=weights, within=within, since=since)
    return found.arms["x"]["a"]


def counts(arm: ArmOutcomes) -> dict[str, float]:
    """Events by type, without those that there are none of."""
    return {kind.name: total for kind, total in zip(TYPES, arm.events.sum(axis=0).tolist(), strict=True) if total}


def test_events_are_weighed_and_counted_by_user() -> None:
    """Worked out by hand: ann 1 + 3, bob nothing, cid -3 and half a minute of dwelling."""
    arm = one_arm(
        shown("r1", "ann", "x/a", "i1", "i2"),
        shown("r2", "ann", "x/a", "i3", at=10),
        shown("r3", "bob", "x/a", "i1"),
        shown("r4", "cid", "x/a", "i1", "i2", degraded=("ranking",)),
        AttributesRecord("ann", {"age": 3}, 0, 0),
        done("ann", "i1", EventType.CLICK, at=20),
        done("ann", "i3", EventType.LIKE, at=20),
        done("cid", "i1", EventType.DISLIKE, at=20),
        done("cid", "i2", EventType.DWELL, at=20, dwell=30.0),
        done("cid", "i9", EventType.PURCHASE, at=20),  # was never shown
        done("dora", "i1", at=20),  # was shown nothing
    )
    assert arm.exposures.tolist() == [2, 1, 1]
    assert arm.rewards.tolist() == [4.0, 0.0, -2.5]
    assert counts(arm) == {"CLICK": 1, "LIKE": 1, "DISLIKE": 1, "DWELL": 1}
    assert (len(arm), arm.degraded) == (3, 1)


@pytest.mark.parametrize(
    ("event", "rewards"),
    [
        pytest.param(done("ann", "i1", at=25), [0, 0, 1], id="the last answer before it"),
        pytest.param(done("ann", "i1", at=20), [0, 0, 1], id="at the moment of it"),
        pytest.param(done("ann", "i1", at=15), [0, 1, 0], id="not one after it"),
        pytest.param(done("ann", "i2", at=25), [1, 0, 0], id="one that showed the item"),
        pytest.param(done("ann", "i1", at=25, by="r1"), [1, 0, 0], id="the one it names"),
        pytest.param(done("ann", "i1", at=15, by="r3"), [0, 0, 1], id="the one it names, where clocks differ"),
        pytest.param(done("ann", "i1", at=25, by="r9"), [0, 0, 0], id="none, where that is not in the log"),
        pytest.param(done("ann", "i2", at=25, by="r2"), [0, 0, 0], id="none, where that did not show the item"),
        pytest.param(done("ann", "i1", at=25, by="of bob"), [0, 0, 0], id="none, where that was shown to another"),
        pytest.param(done("ann", "i1", at=20 + HOUR), [0, 0, 1], id="up to the end of the time"),
        pytest.param(done("ann", "i1", at=21 + HOUR), [0, 0, 0], id="none after it"),
        pytest.param(done("ann", "i1", at=21 + HOUR, by="r3"), [0, 0, 0], id="none after it, named or not"),
    ],
)
@pytest.mark.parametrize("event_first", [True, False])
def test_an_event_belongs_to(event: Record, rewards: Sequence[float], event_first: bool) -> None:
    """Wherever it stands in the log: three answers in three experiments, to see which it was."""
    answers = [
        shown("r1", "ann", "one/a", "i1", "i2", at=0),
        shown("r2", "ann", "two/a", "i1", at=10),
        shown("r3", "ann", "three/a", "i1", at=20),
        shown("of bob", "bob", "four/a", "i1", at=0),
    ]
    found = outcomes(*([event, *answers] if event_first else [*answers, event])).arms
    assert [found[name]["a"].rewards.sum() for name in ("one", "two", "three")] == list(rewards)
    assert found["four"]["a"].rewards.sum() == 0


def test_an_event_after_an_answer_outside_experiments_is_not_credited_to_one_before() -> None:
    """The user saw it again elsewhere; the arm did not bring it about."""
    arm = one_arm(shown("r1", "ann", "x/a", "i1", at=0), shown("r2", "ann", "", "i1", at=10), done("ann", "i1", at=20))
    assert arm.rewards.tolist() == [0.0]


def test_an_exposure_that_was_logged_twice_counts_once() -> None:
    """The gateway repeats what it is not sure of."""
    again = shown("r1", "ann", "x/a", "i1")
    assert one_arm(again, again, done("ann", "i1")).exposures.tolist() == [1]


def test_users_who_were_moved_are_left_out_and_counted() -> None:
    """They saw both; in another experiment they still count."""
    found = outcomes(
        shown("r1", "ann", "x/a", "i1"),
        shown("r2", "ann", "x/b", "i1"),
        shown("r3", "ann", "y/a", "i1"),
        shown("r4", "bob", "x/a", "i1"),
    )
    assert {name: {arm: len(rows) for arm, rows in arms.items()} for name, arms in found.arms.items()} == {
        "x": {"a": 1},
        "y": {"a": 1},
    }
    assert found.moved_users == {"x": 1}


def test_what_was_shown_before_may_be_left_out() -> None:
    """With the events that it brought about."""
    arm = one_arm(
        shown("r1", "ann", "x/a", "i1", at=5), shown("r2", "ann", "x/a", "i2", at=10), done("ann", "i1", at=20),
        since=10,
    )  # fmt: skip
    assert (arm.exposures.tolist(), arm.rewards.tolist()) == ([1], [0.0])


def test_weights_may_be_told() -> None:
    """As by the setting of the same form elsewhere."""
    assert one_arm(shown("r1", "ann", "x/a", "i1"), done("ann", "i1"), weights="click=2.5").rewards.tolist() == [2.5]


def test_items_that_were_drawn_weigh_by_their_improbability() -> None:
    """1/0.5 and 1/0.25 with rewards 1 and 3; what fills up was not drawn, and counts in the rewards alone."""
    arm = one_arm(
        shown("r1", "ann", "x/a", "i1", "i2", "i3", propensities=(0.5, 0.25, 1.0), found_by=(1, 3, 0)),
        shown("r2", "ann", "x/a", "i4", at=1),  # not explored
        done("ann", "i1"),
        done("ann", "i2", EventType.LIKE),
        done("ann", "i3"),
        done("ann", "i4"),
    )
    columns = [arm.drawn, arm.drawn_rewards, arm.inverse, arm.inverse_rewards, arm.inverse_squares, arm.rewards]
    assert [column.tolist() for column in columns] == [[2], [4], [6], [14], [20], [6]]
