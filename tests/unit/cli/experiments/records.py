"""Short ways to write what a log holds."""

from shared.event_log.records import EventRecord, ExposureRecord
from shared.events import EventType


def shown(
    request_id: str,
    user_id: str,
    arm: str,
    *item_ids: str,
    at: int = 0,
    propensities: tuple[float, ...] = (),
    found_by: tuple[int, ...] = (),
    degraded: tuple[str, ...] = (),
) -> ExposureRecord:
    """An answer; nothing of it left to chance unless told."""
    count = len(item_ids)
    return ExposureRecord(
        request_id,
        user_id,
        "s1",
        arm,
        at,
        item_ids,
        (1.0,) * count,
        propensities or (1.0,) * count,
        ("two_tower",),
        found_by or (1,) * count,
        degraded,
    )


def done(
    user_id: str,
    item_id: str,
    kind: EventType = EventType.CLICK,
    *,
    at: int = 1,
    by: str = "",
    dwell: float = 0.0,
) -> EventRecord:
    """An event, by default a click just after 1970 began."""
    return EventRecord(user_id, f"{user_id}-{item_id}-{kind}-{at}", item_id, int(kind), at, at, dwell, by)
