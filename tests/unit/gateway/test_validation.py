"""Every limit of the contract is checked, at the limit and one beyond, and the field is named."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.gateway import validation
from services.gateway.query import Condition, Event, RecommendQuery, SimilarQuery
from shared.errors import InvalidArgument, NotFound
from shared.events import EventType
from tests.unit.gateway.bad_requests import BAD_EVENT, BAD_EVENT_COUNTS, BAD_RECOMMEND, BAD_SIMILAR, WIDE, a_filter
from tests.unit.gateway.fakes import plain_items, snapshot_of
from winnow.gateway.v1 import gateway_service_pb2 as pb

SNAPSHOT = snapshot_of(plain_items(3))
NOW_MS = 1_800_000_000_000
DAY_MS = 24 * 3600 * 1000


def path_of(value: object) -> str:
    """A case is called by the field that it is about."""
    return value if isinstance(value, str) else ""


def an_event(**changes: Any) -> pb.Event:
    """An event that is fine but for the changes."""
    fine: dict[str, Any] = {"event_id": "e1", "user_id": "ann", "item_id": "i1", "type": pb.EVENT_TYPE_VIEW}
    return pb.Event(**fine | changes)


def refused_field(request: Any) -> str:
    """The field that is refused in a request."""
    with pytest.raises(InvalidArgument) as refusal:
        read(request)
    return refusal.value.field


def read(request: Any) -> object:
    """Reads a request of any kind."""
    match request:
        case pb.RecommendRequest():
            return validation.read_recommend(request, SNAPSHOT)
        case pb.RecommendSimilarRequest():
            return validation.read_similar(request, SNAPSHOT)
        case _:
            return validation.read_events(request, SNAPSHOT, NOW_MS)


@pytest.mark.parametrize(("changes", "field"), BAD_RECOMMEND, ids=path_of)
def test_a_recommend_request_beyond_a_limit_is_refused(changes: dict[str, Any], field: str) -> None:
    """The refusal names the field by its path."""
    assert refused_field(pb.RecommendRequest(**changes)) == field


def test_a_recommend_request_at_every_limit_is_read_whole() -> None:
    """Nothing is lost on the way to the query."""
    attributes = {f"a{i}": pb.AttributeValue(number=i) for i in range(31)} | {
        "x" * 64: pb.AttributeValue(text="t" * 256)
    }
    request = pb.RecommendRequest(
        user_id=WIDE * 128,
        max_results=100,
        exclude_item_ids=["x" * 256] * 1000,
        filters=[a_filter(field="f" * 64, any_of=["v" * 256] * 100, exclude=True)] * 16,
        session_item_ids=["s" * 256] * 100,
        user_attributes=attributes,
        objective_weights={"click": 0.0, "like": 1000.0},
        diversity=1.0,
        include_seen=True,
    )
    assert validation.read_recommend(request, SNAPSHOT) == RecommendQuery(
        user_id=WIDE * 128,
        max_results=100,
        exclude_item_ids=("x" * 256,) * 1000,
        conditions=(Condition("f" * 64, ("v" * 256,) * 100, exclude=True),) * 16,
        session_item_ids=("s" * 256,) * 100,
        attributes={f"a{i}": float(i) for i in range(31)} | {"x" * 64: "t" * 256},
        weights={"click": 0.0, "like": 1000.0},
        diversity=1.0,
        include_seen=True,
    )


def test_an_empty_recommend_request_has_the_documented_defaults() -> None:
    """Nobody, ten items, no wish for diversity of its own."""
    assert validation.read_recommend(pb.RecommendRequest(), SNAPSHOT) == RecommendQuery(max_results=10, diversity=None)


def test_a_diversity_of_zero_is_told_from_none() -> None:
    """Zero is a wish, and overrides the server's default."""
    assert validation.read_recommend(pb.RecommendRequest(diversity=0.0), SNAPSHOT).diversity == 0.0


@pytest.mark.parametrize(("asked", "given"), [(0, 10), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_the_number_of_results_is_coerced(asked: int, given: int) -> None:
    """Zero means ten, and too many means a hundred, for both kinds of question."""
    assert validation.read_recommend(pb.RecommendRequest(max_results=asked), SNAPSHOT).max_results == given
    similar = pb.RecommendSimilarRequest(item_id="i1", max_results=asked)
    assert validation.read_similar(similar, SNAPSHOT).max_results == given


@pytest.mark.parametrize(("changes", "field"), BAD_SIMILAR, ids=path_of)
def test_a_similar_request_beyond_a_limit_is_refused(changes: dict[str, Any], field: str) -> None:
    """The refusal names the field, and comes before the item is looked for."""
    assert refused_field(pb.RecommendSimilarRequest(**{"item_id": "unknown"} | changes)) == field


def test_a_similar_request_becomes_a_query_by_row() -> None:
    """The item's row, and the conditions as given."""
    request = pb.RecommendSimilarRequest(item_id="i2", exclude_item_ids=["i0"], filters=[a_filter()])
    expected = SimilarQuery(2, 10, ("i0",), (Condition("category", ("even",)),))
    assert validation.read_similar(request, SNAPSHOT) == expected


def test_an_item_that_the_catalogue_does_not_have_is_not_found() -> None:
    """NOT_FOUND, with the field that names it."""
    with pytest.raises(NotFound) as missing:
        validation.read_similar(pb.RecommendSimilarRequest(item_id="unknown"), SNAPSHOT)
    assert missing.value.metadata == {"field": "item_id"}


@pytest.mark.parametrize(("changes", "field"), BAD_EVENT, ids=path_of)
def test_a_bad_event_is_refused_by_its_place(changes: dict[str, Any], field: str) -> None:
    """One bad event refuses the batch, and its path has its index."""
    request = pb.RecordEventsRequest(events=[an_event(), an_event(**changes)])
    assert refused_field(request) == f"events[1].{field}"


def test_an_event_lies_at_most_a_day_ahead() -> None:
    """One second more is refused; clocks are wrong by less."""
    ahead = Timestamp(seconds=(NOW_MS + DAY_MS) // 1000 + 1)
    assert refused_field(pb.RecordEventsRequest(events=[an_event(occurred_at=ahead)])) == "events[0].occurred_at"


@pytest.mark.parametrize("count", BAD_EVENT_COUNTS)
def test_a_batch_has_one_to_a_thousand_events(count: int) -> None:
    """Neither an empty batch nor a larger one is taken."""
    assert refused_field(pb.RecordEventsRequest(events=[an_event()] * count)) == "events"


def test_events_are_read_whole() -> None:
    """Ids at their limits, each type, and the time to the millisecond."""
    event = an_event(
        event_id=WIDE * 64,
        user_id=WIDE * 128,
        type=pb.EVENT_TYPE_PURCHASE,
        occurred_at=Timestamp(seconds=1_700_000_000, nanos=123_999_999),
    )
    read = validation.read_events(pb.RecordEventsRequest(events=[event] * 1000), SNAPSHOT, NOW_MS)
    assert read == [Event(WIDE * 64, WIDE * 128, "i1", EventType.PURCHASE, 1_700_000_000_123)] * 1000


@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [
        (None, NOW_MS),
        (Timestamp(), 0),
        (Timestamp(seconds=(NOW_MS + DAY_MS) // 1000), NOW_MS + DAY_MS),
    ],
)
def test_an_event_happened_when_it_says_or_now(time: Timestamp | None, milliseconds: int) -> None:
    """The first moment of 1970 is a time, and not the absence of one."""
    request = pb.RecordEventsRequest(events=[an_event(occurred_at=time)])
    assert validation.read_events(request, SNAPSHOT, NOW_MS)[0].occurred_at_ms == milliseconds


@pytest.mark.parametrize("kind", EventType)
def test_every_event_type_of_the_contract_is_read(kind: EventType) -> None:
    """The contract and the shared vocabulary have the same names for the same numbers."""
    assert {name.removeprefix("EVENT_TYPE_"): number for name, number in pb.EventType.items() if number} == {
        one.name: one.value for one in EventType
    }
    event = an_event(type=int(kind), dwell_seconds=1.0 if kind is EventType.DWELL else 0.0)
    assert validation.read_events(pb.RecordEventsRequest(events=[event]), SNAPSHOT, NOW_MS)[0].type is kind


def test_a_dwell_and_what_showed_the_item_are_read() -> None:
    """A whole day is still a dwell, and an id may be as long as a request's."""
    event = an_event(type=pb.EVENT_TYPE_DWELL, dwell_seconds=86_400.0, shown_by_request_id="r" * 128)
    [read] = validation.read_events(pb.IngestEventsRequest(events=[event]), SNAPSHOT, NOW_MS)
    assert (read.dwell_seconds, read.shown_by_request_id) == (86_400.0, "r" * 128)


@pytest.mark.parametrize("request_id", ["", "a", "x" * 128, "a b~!"])
def test_printable_request_ids_are_taken(request_id: str) -> None:
    """An empty one too: the gateway then makes one."""
    validation.check_request_id(request_id)


@pytest.mark.parametrize("request_id", ["x" * 129, "a\n", "\x7f", WIDE])
def test_request_ids_that_cannot_be_metadata_are_refused(request_id: str) -> None:
    """They would have to travel to the other services."""
    with pytest.raises(InvalidArgument) as refusal:
        validation.check_request_id(request_id)
    assert refusal.value.field == "request_id"
