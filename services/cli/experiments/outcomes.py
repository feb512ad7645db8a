"""What users did with what they were shown: exposures and events of the log, joined, in a row for each user."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.event_log.records import EventRecord, ExposureRecord, Record
from shared.events import EventType, EventWeights

#: Reads the log from its beginning. It is read twice: an event may stand before the exposure that it belongs to.
ReadLog = Callable[[], Iterable[Record]]

TYPES = tuple(EventType)


@dataclass
class _Shown:
    """An answer that was shown, and what came of it.

    Attributes:
        arm: The experiment and its arm; empty where none ran.
        at_ms: When.
        items: The place of each item.
        propensities: By place.
        drawn: By place, whether chance had a part in it.
        degraded: Whether it did without something.
        rewards: By place.
        counts: Events by type.
    """

    user_id: str
    arm: str
    at_ms: int
    items: dict[str, int]
    propensities: tuple[float, ...]
    drawn: tuple[bool, ...]
    degraded: bool
    rewards: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ArmOutcomes:
    """What came of an arm, a row for each of its users.

    Attributes:
        exposures: float64 [users], answers.
        rewards: float64 [users], weighed events.
        events: float64 [users, types], in the order of `TYPES`.
        drawn: float64 [users], items that were drawn by chance.
        drawn_rewards: float64 [users], of these items.
        inverse: float64 [users], the sum of 1 / propensity of these items.
        inverse_rewards: float64 [users], the sum of reward / propensity.
        inverse_squares: float64 [users], the sum of 1 / propensity squared.
        degraded: How many answers did without something.
    """

    exposures: NDArray[np.float64]
    rewards: NDArray[np.float64]
    events: NDArray[np.float64]
    drawn: NDArray[np.float64]
    drawn_rewards: NDArray[np.float64]
    inverse: NDArray[np.float64]
    inverse_rewards: NDArray[np.float64]
    inverse_squares: NDArray[np.float64]
    degraded: int

    def __len__(self) -> int:
        return len(self.exposures)


@dataclass(frozen=True)
class Outcomes:
    """What came of experiments.

    Attributes:
        arms: By experiment, then by arm.
        moved_users: By experiment, how many users were met in several arms of it; they are in none of `arms`.
    """

    arms: dict[str, dict[str, ArmOutcomes]]
    moved_users: dict[str, int]


def read_outcomes(read: ReadLog, weights: EventWeights, within_ms: int, since_ms: int = 0) -> Outcomes:
    """Joins the log.

    An event belongs to the answer that it names, if that showed the item; one that names none, to the last answer before
    it that showed the item to the user. Either way it counts when it came within a time of being shown.

    Args:
        read: Reads the log.
        weights: How much an event counts.
        within_ms: How long after it was shown an item may be what brought an event about.
        since_ms: Answers before are left out.
    """
    by_request: dict[str, _Shown] = {}
    ids: dict[str, str] = {}  # one string for each item, however often it is shown
    for record in read():
        if isinstance(record, ExposureRecord) and record.shown_at_ms >= since_ms and record.user_id:
            by_request.setdefault(record.request_id, _shown(record, ids))  # sent twice, logged twice: the first counts
    by_user: defaultdict[str, list[_Shown]] = defaultdict(list)
    for shown in by_request.values():
        by_user[shown.user_id].append(shown)
    for answers in by_user.values():
        answers.sort(key=lambda shown: shown.at_ms)
    for record in read():
        if isinstance(record, EventRecord) and (found := _showing(record, by_request, by_user, within_ms)):
            place = found.items[record.item_id]
            reward = weights.of(record.type, record.dwell_seconds)
            found.rewards[place] = found.rewards.get(place, 0.0) + reward
            found.counts[record.type] = found.counts.get(record.type, 0) + 1
    return _by_arm(by_user)


def _shown(record: ExposureRecord, ids: dict[str, str]) -> _Shown:
    # An item that no channel found fills up; and where every propensity is 1, nobody explored.
    explored = min(record.propensities, default=1.0) < 1.0
    return _Shown(
        record.user_id,
        record.arm,
        record.shown_at_ms,
        {ids.setdefault(item_id, item_id): place for place, item_id in enumerate(record.item_ids)},
        record.propensities,
        tuple(explored and bits != 0 for bits in record.found_by),
        bool(record.degraded),
    )


def _showing(
    event: EventRecord, by_request: dict[str, _Shown], by_user: dict[str, list[_Shown]], within_ms: int
) -> _Shown | None:
    """Returns the answer that an event belongs to."""
    if event.shown_by:
        named = by_request.get(event.shown_by)
        candidates = [named] if named is not None and named.user_id == event.user_id else []
    else:
        candidates = by_user.get(event.user_id, [])
    for shown in reversed(candidates):
        since = event.occurred_at_ms - shown.at_ms
        if event.item_id in shown.items and (since >= 0 or event.shown_by):  # clocks differ; a name does not lie
            return shown if since <= within_ms else None
    return None


def _by_arm(by_user: dict[str, list[_Shown]]) -> Outcomes:
    rows: defaultdict[str, defaultdict[str, list[NDArray[np.float64]]]] = defaultdict(lambda: defaultdict(list))
    degraded: defaultdict[str, int] = defaultdict(int)
    moved: defaultdict[str, int] = defaultdict(int)
    for answers in by_user.values():
        of_arms: defaultdict[str, list[_Shown]] = defaultdict(list)
        for shown in answers:
            if shown.arm:
                of_arms[shown.arm].append(shown)
        experiments = [arm.partition("/")[0] for arm in of_arms]
        for experiment in {name for name in experiments if experiments.count(name) > 1}:
            moved[experiment] += 1
        for arm, of_arm in of_arms.items():
            if experiments.count(arm.partition("/")[0]) == 1:
                rows[arm.partition("/")[0]][arm.partition("/")[2]].append(_row(of_arm))
                degraded[arm] += sum(shown.degraded for shown in of_arm)
    return Outcomes(
        {
            experiment: {arm: _arm(np.array(found), degraded[f"{experiment}/{arm}"]) for arm, found in arms.items()}
            for experiment, arms in rows.items()
        },
        dict(moved),
    )


def _row(answers: list[_Shown]) -> NDArray[np.float64]:
    drawn = [
        (shown.propensities[place], shown.rewards.get(place, 0.0))
        for shown in answers
        for place in range(len(shown.propensities))
        if shown.drawn[place]
    ]
    return np.array(
        [
            len(answers),
            sum(sum(shown.rewards.values()) for shown in answers),
            len(drawn),
            sum(reward for _, reward in drawn),
            sum(1 / propensity for propensity, _ in drawn),
            sum(reward / propensity for propensity, reward in drawn),
            sum(1 / propensity**2 for propensity, _ in drawn),
            *(sum(shown.counts.get(kind, 0) for shown in answers) for kind in TYPES),
        ]
    )


def _arm(rows: NDArray[np.float64], degraded: int) -> ArmOutcomes:
    exposures, rewards, drawn, drawn_rewards, inverse, inverse_rewards, inverse_squares = rows[:, :7].T
    return ArmOutcomes(
        exposures,
        rewards,
        rows[:, 7:],
        drawn=drawn,
        drawn_rewards=drawn_rewards,
        inverse=inverse,
        inverse_rewards=inverse_rewards,
        inverse_squares=inverse_squares,
        degraded=degraded,
    )
