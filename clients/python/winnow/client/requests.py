"""What can be asked: the options of each call, and the messages they become."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal, TypedDict, Unpack, cast

from google.protobuf.timestamp_pb2 import Timestamp

from winnow.gateway.v1 import gateway_service_pb2 as pb

EventType = Literal["view", "click", "like", "dislike", "purchase", "impression", "dwell"]

#: The most events of a request, and of a message of a stream.
MAX_EVENTS = 1000

_EVENT_TYPES: dict[str, pb.EventType.ValueType] = {
    "view": pb.EVENT_TYPE_VIEW,
    "click": pb.EVENT_TYPE_CLICK,
    "like": pb.EVENT_TYPE_LIKE,
    "dislike": pb.EVENT_TYPE_DISLIKE,
    "purchase": pb.EVENT_TYPE_PURCHASE,
    "impression": pb.EVENT_TYPE_IMPRESSION,
    "dwell": pb.EVENT_TYPE_DWELL,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on the items.

    Attributes:
        field: "category", or the name of an item attribute.
        any_of: The condition holds when one of these equals the attribute or one of the item's categories.
        exclude: Whether items that meet the condition are left out, instead of being the only ones let in.
    """

    field: str
    any_of: tuple[str, ...]
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a user did with an item.

    Attributes:
        user_id: The user; one that nobody knows comes to be known.
        item_id: The item, which must be in the catalogue.
        type: What was done.
        event_id: Names the event for ever; sent again, it is counted once. A random one by default, which makes the
            client's own retries safe.
        occurred_at: When, with a time zone; when the gateway received it by default.
        dwell_seconds: How long, of a dwell: above 0, at most a day. 0 of other types.
        shown_by_request_id: The `request_id` of the result that showed the item, if one did: it tells experiments and
            training which answer brought the event about.
    """

    user_id: str
    item_id: str
    type: EventType = "view"
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    occurred_at: datetime | None = None
    dwell_seconds: float = 0.0
    shown_by_request_id: str = ""


class RecordOptions(TypedDict, total=False):
    """The options of every call; each may be left out.

    Keys:
        request_id: The request's id in the logs; the gateway makes one by default.
        timeout: Seconds until `DeadlineExceeded`; the client's own by default.
    """

    request_id: str
    timeout: float


class IngestOptions(TypedDict, total=False):
    """The options of `ingest`; each may be left out.

    Keys:
        timeout: Seconds until `DeadlineExceeded`, for the whole stream; none by default, it takes as long as it takes.
    """

    timeout: float


class SimilarOptions(RecordOptions, total=False):
    """The options of `recommend_similar`: those of every call and more.

    Keys:
        max_results: How many items; 10 by default, at most 100.
        exclude_item_ids: Items to leave out.
        filters: Conditions that every item must meet.
    """

    max_results: int
    exclude_item_ids: Sequence[str]
    filters: Sequence[Filter]


class RecommendOptions(SimilarOptions, total=False):
    """The options of `recommend`: those of `recommend_similar` and more.

    Keys:
        session_item_ids: Items of this session that no event told of yet, oldest first.
        user_attributes: Attributes of the user for this request alone, text or number by name.
        objective_weights: How much each objective counts; 1 by default.
        diversity: How much to prefer variety over score, 0 to 1; the server's default where left out.
        include_seen: Whether items that the user has seen may come again, disliked ones included.
        untracked: Whether the answer is kept out of the exposure log, experiments and exploration: nobody is shown it.
    """

    session_item_ids: Sequence[str]
    user_attributes: Mapping[str, str | float]
    objective_weights: Mapping[str, float]
    diversity: float
    include_seen: bool
    untracked: bool


class ExplainOptions(RecommendOptions, total=False):
    """The options of `explain`: those of `recommend` and more.

    Keys:
        item_ids: Items to explain beside those of the answer, such as one that is missed in it; at most 20.
    """

    item_ids: Sequence[str]


def recommend_request(user_id: str, **options: Unpack[RecommendOptions]) -> pb.RecommendRequest:
    """Returns the message for `recommend`."""
    return pb.RecommendRequest(
        user_id=user_id,
        max_results=options.get("max_results", 0),
        exclude_item_ids=options.get("exclude_item_ids", ()),
        filters=_filters(options.get("filters", ())),
        session_item_ids=options.get("session_item_ids", ()),
        user_attributes={name: attribute_message(value) for name, value in options.get("user_attributes", {}).items()},
        objective_weights=options.get("objective_weights", {}),
        diversity=options.get("diversity"),
        include_seen=options.get("include_seen", False),
        untracked=options.get("untracked", False),
        request_id=options.get("request_id", ""),
    )


def explain_request(user_id: str, **options: Unpack[ExplainOptions]) -> pb.ExplainRequest:
    """Returns the message for `explain`."""
    item_ids = options.pop("item_ids", ())
    return pb.ExplainRequest(request=recommend_request(user_id, **cast("RecommendOptions", options)), item_ids=item_ids)


def similar_request(item_id: str, **options: Unpack[SimilarOptions]) -> pb.RecommendSimilarRequest:
    """Returns the message for `recommend_similar`."""
    return pb.RecommendSimilarRequest(
        item_id=item_id,
        max_results=options.get("max_results", 0),
        exclude_item_ids=options.get("exclude_item_ids", ()),
        filters=_filters(options.get("filters", ())),
        request_id=options.get("request_id", ""),
    )


def record_request(events: Iterable[Event], **options: Unpack[RecordOptions]) -> pb.RecordEventsRequest:
    """Returns the message for `record`.

    Raises:
        ValueError: an event's time has no time zone, or its type is none.
    """
    return pb.RecordEventsRequest(events=[_event(event) for event in events], request_id=options.get("request_id", ""))


def ingest_requests(events: Iterable[Event]) -> Iterator[pb.IngestEventsRequest]:
    """Yields the messages of a stream, as events come.

    Raises:
        ValueError: an event's time has no time zone, or its type is none.
    """
    coming = iter(events)
    while batch := [_event(event) for event in islice(coming, MAX_EVENTS)]:
        yield pb.IngestEventsRequest(events=batch)


def forget_request(user_id: str, **options: Unpack[RecordOptions]) -> pb.ForgetUserRequest:
    """Returns the message for `forget_user`."""
    return pb.ForgetUserRequest(user_id=user_id, request_id=options.get("request_id", ""))


def _filters(filters: Iterable[Filter]) -> list[pb.AttributeFilter]:
    return [pb.AttributeFilter(field=one.field, any_of=one.any_of, exclude=one.exclude) for one in filters]


def attribute_message(value: str | float) -> pb.AttributeValue:
    """Returns the value of an attribute as its message."""
    return pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)


def _event(event: Event) -> pb.Event:
    if event.type not in _EVENT_TYPES:
        raise ValueError(f"type must be one of {', '.join(_EVENT_TYPES)}, not {event.type!r}")
    return pb.Event(
        event_id=event.event_id,
        user_id=event.user_id,
        item_id=event.item_id,
        type=_EVENT_TYPES[event.type],
        occurred_at=None if event.occurred_at is None else _timestamp(event.occurred_at),
        dwell_seconds=event.dwell_seconds,
        shown_by_request_id=event.shown_by_request_id,
    )


def _timestamp(when: datetime) -> Timestamp:
    if when.tzinfo is None:
        raise ValueError("occurred_at must have a time zone, such as datetime.now(UTC)")
    message = Timestamp()
    message.FromDatetime(when)
    return message
