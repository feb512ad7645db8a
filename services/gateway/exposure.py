"""What was shown to whom: what experiments are read from, and training learns from."""

from typing import NamedTuple

from services.gateway.answer import Answer


# What waits to be logged waits in this form: an answer itself holds ten times as much. And a tuple, for every answer makes
# one.
class Exposure(NamedTuple):
    """One answer that was shown. Lists are parallel to `item_ids`, which are in the order of their places.

    Attributes:
        request_id: Names the answer.
        user_id: To whom; empty for nobody in particular.
        snapshot_id: What the answer came from.
        arm: The experiment and its arm; empty where none ran.
        shown_at_ms: When, in milliseconds since 1970, UTC.
        item_ids: What, at least one.
        scores: What the order was by.
        propensities: How probable each item was in its place, given those above it; in (0, 1].
        channels: Names of the channels that found something of it, at most 32.
        found_by: Bit c is set where `channels[c]` found the item; 0 where it was backfilled.
        degraded: The stages that were done without, or in part.
    """

    request_id: str
    user_id: str
    snapshot_id: str
    arm: str
    shown_at_ms: int
    item_ids: list[str]
    scores: list[float]
    propensities: list[float]
    channels: list[str]
    found_by: list[int]
    degraded: list[str]


def exposure_of(answer: Answer, user_id: str, request_id: str, shown_at_ms: int) -> Exposure:
    """Returns what an answer shows."""
    bit_of: dict[str, int] = {}
    found_by: list[int] = []
    for one in answer.items:
        bits = 0
        for channel, _ in one.hits:
            bits |= bit_of.setdefault(channel, 1 << len(bit_of))
        found_by.append(bits)
    return Exposure(
        request_id,
        user_id,
        answer.snapshot_id,
        answer.arm,
        shown_at_ms,
        [one.item.id for one in answer.items],
        [one.score for one in answer.items],
        [one.propensity for one in answer.items],
        list(bit_of),
        found_by,
        list(dict.fromkeys(degradation.stage.value for degradation in answer.degradations)),
    )
