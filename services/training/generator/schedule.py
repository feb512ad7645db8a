"""When readers read: how many events each has, and their times, gathered in sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.generator.catalogue import DAY_MS, PERIOD_START_MS
from services.training.generator.config import MAX_SHARE_OF_CATALOGUE, MIN_EVENTS_PER_USER, GeneratorConfig

# Reading again within the hour continues a session.
SESSION_GAP_MS = 3_600_000

_SESSION_STARTS = 0.25
_MEAN_GAP_IN_SESSION_MS = 600_000
# The last to join do so when this share of the period is over.
_LATEST_JOIN = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """The times of all events, sorted by (user, time).

    Attributes:
        offsets: int64 [users + 1]; user u's events are `[offsets[u]:offsets[u + 1]]`.
        timestamps: int64 [n], milliseconds since 1970-01-01T00:00:00Z.
        starts_session: bool [n], True for a user's first event and for those after a pause.
        progress: float32 [n], how far the period has gone, 0 to 1.
    """

    offsets: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.int64]
    starts_session: npt.NDArray[np.bool_]
    progress: npt.NDArray[np.float32]


def draw_schedule(config: GeneratorConfig, rng: np.random.Generator) -> Schedule:
    """Draw the times of everything that `config.users` readers will do."""
    lengths = _event_counts(config, rng)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    users = np.repeat(np.arange(config.users), lengths)
    first_of_user = np.zeros(len(users), dtype=np.bool_)
    first_of_user[offsets[:-1]] = True
    times = _times(users, first_of_user | (rng.random(len(users)) < _SESSION_STARTS), config.days, rng)
    timestamps = times[np.lexsort((times, users))]
    pauses = np.diff(timestamps, prepend=timestamps[0]) > SESSION_GAP_MS
    progress = (timestamps - PERIOD_START_MS) / (config.days * DAY_MS)
    return Schedule(offsets, timestamps, first_of_user | pauses, np.minimum(progress, 1).astype(np.float32))


def _event_counts(config: GeneratorConfig, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Events per user: many read little, a few read a great deal."""
    appetite = rng.lognormal(sigma=0.8, size=config.users)
    spare = config.events - config.users * MIN_EVENTS_PER_USER
    counts = MIN_EVENTS_PER_USER + np.floor(spare * appetite / appetite.sum()).astype(np.int64)
    limited: npt.NDArray[np.int64] = np.minimum(counts, int(config.items * MAX_SHARE_OF_CATALOGUE))
    return limited


def _times(
    users: npt.NDArray[np.int64], starts: npt.NDArray[np.bool_], days: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Times of events that are grouped by user and session: sessions anywhere after joining, events close together."""
    joined = rng.uniform(0, _LATEST_JOIN, size=int(users[-1]) + 1)
    session_of_event = np.cumsum(starts) - 1
    session_users = users[starts]
    begins = joined[session_users] + rng.random(len(session_users)) * (1 - joined[session_users])
    gaps = np.minimum(rng.exponential(_MEAN_GAP_IN_SESSION_MS, size=len(users)), SESSION_GAP_MS - 1)
    elapsed = np.cumsum(np.where(starts, 0, gaps))
    since_start = elapsed - elapsed[starts][session_of_event]
    times: npt.NDArray[np.int64] = (PERIOD_START_MS + begins[session_of_event] * days * DAY_MS + since_start).astype(
        np.int64
    )
    return times
