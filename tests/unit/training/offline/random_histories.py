"""Random histories: late and out of order, with equal times, wrong types, withdrawals and people nobody knows."""

from __future__ import annotations

import random

from services.training.offline.features import Counted, Feature, Written
from shared.event_log.records import AttributesRecord, EventRecord, ItemFeaturesRecord, ItemRecord, Record
from shared.events import EventType
from shared.features import AttributeValue

HALF_LIFE_MS = 1_000
#: Moments are whole half-lives up to this many, so that sums of few terms are exact in doubles.
GRID = 24


def random_features(draw: random.Random) -> tuple[Feature, ...]:
    """Returns features of every kind with times to live and defaults that are there or not."""

    def ttl() -> float:
        return draw.choice([0, draw.randrange(1, GRID) * HALF_LIFE_MS, HALF_LIFE_MS / 2])

    def default(*values: AttributeValue) -> AttributeValue | None:
        return draw.choice([None, *values])

    def counted(column: str, entity: str) -> Counted:
        kinds = draw.sample(list(EventType), draw.randrange(1, 5))
        weights = {kind: float(draw.choice([-3, -1, 0, 1, 2, 5])) for kind in kinds}
        number = draw.choice([None, 0.0, 1.5])
        return Counted(column, entity, weights, HALF_LIFE_MS, ttl(), number)  # type: ignore[arg-type]

    return (
        Written("u.age", "user", "age", "number", ttl(), default(30.0)),
        Written("u.region", "user", "region", "text", ttl(), default("nowhere")),
        Written("i.year", "item", "year", "number", ttl(), default(1900.0)),
        Written("i.shape", "item", "shape", "text", ttl(), default("round")),
        Written("i.year.written", "item", "year", "number", ttl(), None, "item_features"),
        counted("u.activity", "user"),
        counted("i.heat", "item"),
    )


def random_history(draw: random.Random, prefix: str, length: int) -> list[Record]:
    """Returns the records of some users and items, whose ids begin with a prefix, in the order of the log."""
    return [_record(draw, prefix) for _ in range(length)]


def random_id(draw: random.Random, prefix: str, kind: str) -> str:
    """Returns the id of one of three users or items."""
    return f"{prefix}{kind}{draw.randrange(3)}"


def random_time(draw: random.Random) -> int:
    """Returns a moment of the grid; many are equal."""
    return draw.randrange(1, GRID) * HALF_LIFE_MS


def _record(draw: random.Random, prefix: str) -> Record:
    at, user, item = random_time(draw), random_id(draw, prefix, "u"), random_id(draw, prefix, "i")
    number, text = float(draw.randrange(100)), draw.choice(["old town", "hills", "Ödland"])
    match draw.choice(["event", "event", "event", "attributes", "item_features", "item"]):
        case "attributes":
            # Now and then a value of the wrong type.
            age: AttributeValue = text if draw.random() < 0.3 else number
            values: dict[str, AttributeValue] = {"age": age, "region": text, "other": number}
            return AttributesRecord(user, dict(draw.sample(list(values.items()), draw.randrange(1, 4))), at, at)
        case "item_features":
            return ItemFeaturesRecord(item, {draw.choice(["year", "other"]): number}, at, at)
        case "item":
            facts: dict[str, AttributeValue] = {"year": number, "shape": text}
            kept = dict(draw.sample(list(facts.items()), draw.randrange(3)))
            withdrawn = draw.random() < 0.2
            return ItemRecord(item, withdrawn, at, "", (), {} if withdrawn else kept)
        case _:
            kind = draw.choice(list(EventType))
            dwell = draw.randrange(1, 40) * 15.0 if kind == EventType.DWELL else 0.0
            event_id = f"{prefix}{draw.getrandbits(64)}"
            return EventRecord(user, event_id, item, kind, at, at + draw.randrange(5_000), dwell)
