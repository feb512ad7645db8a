"""From request messages to queries: every limit of the contract, in the order of its fields."""

import math
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from services.gateway.query import Condition, Event, EventType, RecommendQuery, SimilarQuery
from services.gateway.snapshot import GatewaySnapshot
from shared.errors import InvalidArgument, NotFound
from shared.features import AttributeValue
from winnow.gateway.v1 import gateway_service_pb2 as pb

DEFAULT_RESULTS = 10
MAX_RESULTS = 100
MAX_ID_BYTES = 256
MAX_EXCLUDED = 1_000
MAX_FILTERS = 16
MAX_FILTER_VALUES = 100
MAX_NAME_BYTES = 64
MAX_TEXT_BYTES = 256
MAX_SESSION_ITEMS = 100
MAX_ATTRIBUTES = 32
MAX_WEIGHT = 1_000.0
MAX_REQUEST_ID = 128
MAX_EXPLAINED = 20
MAX_EVENTS = 1_000
MAX_EVENT_ID_BYTES = 128
#: How far in the future an event may lie: a day, for clocks that are wrong.
MAX_AHEAD_MS = 24 * 3600 * 1000
NANOS_PER_SECOND = 1_000_000_000

EVENT_TYPES: Mapping[int, EventType] = {
    pb.EVENT_TYPE_VIEW: EventType.VIEW,
    pb.EVENT_TYPE_CLICK: EventType.CLICK,
    pb.EVENT_TYPE_LIKE: EventType.LIKE,
    pb.EVENT_TYPE_DISLIKE: EventType.DISLIKE,
    pb.EVENT_TYPE_PURCHASE: EventType.PURCHASE,
}


def read_recommend(request: pb.RecommendRequest, snapshot: GatewaySnapshot) -> RecommendQuery:
    """Returns the query in a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    _check_bytes(request.user_id, "user_id", MAX_ID_BYTES)
    return RecommendQuery(
        user_id=request.user_id,
        max_results=_read_max_results(request.max_results),
        exclude_item_ids=_read_ids(request.exclude_item_ids, "exclude_item_ids", MAX_EXCLUDED),
        conditions=_read_conditions(request.filters),
        session_item_ids=_read_ids(request.session_item_ids, "session_item_ids", MAX_SESSION_ITEMS),
        attributes=_read_attributes(request.user_attributes),
        weights=_read_weights(request.objective_weights, snapshot.manifest.objectives),
        diversity=_read_diversity(request),
        include_seen=request.include_seen,
    )


def read_similar(request: pb.RecommendSimilarRequest, snapshot: GatewaySnapshot) -> SimilarQuery:
    """Returns the query in a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
        NotFound: the catalogue does not have the item.
    """
    _check_required(request.item_id, "item_id", MAX_ID_BYTES)
    max_results = _read_max_results(request.max_results)
    excluded = _read_ids(request.exclude_item_ids, "exclude_item_ids", MAX_EXCLUDED)
    conditions = _read_conditions(request.filters)
    row = snapshot.catalogue.row_of(request.item_id)
    if row is None:
        raise NotFound("item_id", "names no item of the catalogue")
    return SimilarQuery(row, max_results, excluded, conditions)


def read_explain(request: pb.ExplainRequest, snapshot: GatewaySnapshot) -> tuple[RecommendQuery, list[int]]:
    """Returns the query in a request, and the rows of the items to explain beside those of the answer.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    try:
        check_request_id(request.request.request_id)
        query = read_recommend(request.request, snapshot)
    except InvalidArgument as refused:
        raise refused.within("request") from refused
    _read_ids(request.item_ids, "item_ids", MAX_EXPLAINED)
    rows = []
    for i, item_id in enumerate(request.item_ids):
        row = snapshot.catalogue.row_of(item_id)
        if row is None:
            raise InvalidArgument(f"item_ids[{i}]", "names no item of the catalogue")
        rows.append(row)
    return query, rows


def read_events(request: pb.RecordEventsRequest, snapshot: GatewaySnapshot, now_ms: int) -> list[Event]:
    """Returns the events in a request.

    Args:
        request: The request.
        snapshot: Whose catalogue must have the items.
        now_ms: When the request was received, in milliseconds since 1970, UTC.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    if not request.events:
        raise InvalidArgument("events", "must not be empty")
    _check_count(request.events, "events", MAX_EVENTS)
    return [_read_event(event, f"events[{i}]", snapshot, now_ms) for i, event in enumerate(request.events)]


def read_forget(request: pb.ForgetUserRequest) -> str:
    """Returns the id of the user to forget.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    _check_required(request.user_id, "user_id", MAX_ID_BYTES)
    return request.user_id


def check_request_id(request_id: str) -> None:
    """Checks a request id; it may be empty.

    Raises:
        InvalidArgument: it is too long, or cannot travel as metadata.
    """
    if len(request_id) > MAX_REQUEST_ID or not (request_id.isascii() and request_id.isprintable()):
        raise InvalidArgument("request_id", f"must have at most {MAX_REQUEST_ID} printable ASCII characters")


def _read_max_results(max_results: int) -> int:
    if max_results < 0:
        raise InvalidArgument("max_results", "must not be negative")
    return min(max_results or DEFAULT_RESULTS, MAX_RESULTS)


def _read_ids(ids: Sequence[str], field: str, limit: int) -> tuple[str, ...]:
    _check_count(ids, field, limit)
    for i, identity in enumerate(ids):
        _check_bytes(identity, f"{field}[{i}]", MAX_ID_BYTES)
    return tuple(ids)


def _read_conditions(filters: Sequence[pb.AttributeFilter]) -> tuple[Condition, ...]:
    _check_count(filters, "filters", MAX_FILTERS)
    return tuple(_read_condition(one, f"filters[{i}]") for i, one in enumerate(filters))


def _read_condition(one: pb.AttributeFilter, path: str) -> Condition:
    _check_required(one.field, f"{path}.field", MAX_NAME_BYTES)
    if not one.any_of:
        raise InvalidArgument(f"{path}.any_of", "must not be empty")
    _check_count(one.any_of, f"{path}.any_of", MAX_FILTER_VALUES)
    for i, value in enumerate(one.any_of):
        _check_bytes(value, f"{path}.any_of[{i}]", MAX_TEXT_BYTES)
    return Condition(one.field, tuple(one.any_of), one.exclude)


def _read_attributes(attributes: Mapping[str, pb.AttributeValue]) -> dict[str, AttributeValue]:
    _check_count(attributes, "user_attributes", MAX_ATTRIBUTES)
    for name in attributes:
        _check_bytes(name, "user_attributes", MAX_NAME_BYTES)
    return {name: _read_attribute(value, f"user_attributes[{name}]") for name, value in attributes.items()}


def _read_attribute(value: pb.AttributeValue, path: str) -> AttributeValue:
    match value.WhichOneof("value"):
        case "text":
            _check_bytes(value.text, f"{path}.text", MAX_TEXT_BYTES)
            return value.text
        case "number":
            if not math.isfinite(value.number):
                raise InvalidArgument(f"{path}.number", "must be finite")
            return value.number
        case _:
            raise InvalidArgument(path, "must have a text or a number")


def _read_weights(weights: Mapping[str, float], objectives: Iterable[str]) -> dict[str, float]:
    known = set(objectives)
    for name, weight in weights.items():
        if name not in known:
            raise InvalidArgument("objective_weights", f"has an unknown name; objectives: {', '.join(sorted(known))}")
        if not 0.0 <= weight <= MAX_WEIGHT:  # NaN is not either
            raise InvalidArgument(f"objective_weights[{name}]", f"must be in [0, {MAX_WEIGHT:g}]")
    return dict(weights)


def _read_diversity(request: pb.RecommendRequest) -> float | None:
    if not request.HasField("diversity"):
        return None
    if not 0.0 <= request.diversity <= 1.0:  # NaN is not either
        raise InvalidArgument("diversity", "must be in [0, 1]")
    return request.diversity


def _read_event(event: pb.Event, path: str, snapshot: GatewaySnapshot, now_ms: int) -> Event:
    _check_required(event.event_id, f"{path}.event_id", MAX_EVENT_ID_BYTES)
    _check_required(event.user_id, f"{path}.user_id", MAX_ID_BYTES)
    _check_required(event.item_id, f"{path}.item_id", MAX_ID_BYTES)
    if snapshot.catalogue.row_of(event.item_id) is None:
        raise InvalidArgument(f"{path}.item_id", "names no item of the catalogue")
    kind = EVENT_TYPES.get(event.type)
    if kind is None:
        raise InvalidArgument(f"{path}.type", "must be one of the event types")
    occurred_at_ms = now_ms
    if event.HasField("occurred_at"):
        occurred_at_ms = _read_time(event.occurred_at, f"{path}.occurred_at", now_ms)
    return Event(event.event_id, event.user_id, event.item_id, kind, occurred_at_ms)


def _read_time(time: Timestamp, path: str, now_ms: int) -> int:
    if not 0 <= time.nanos < NANOS_PER_SECOND:
        raise InvalidArgument(path, "must have nanos in [0, 999999999]")
    milliseconds = time.seconds * 1000 + time.nanos // 1_000_000
    if milliseconds < 0:
        raise InvalidArgument(path, "must not be before 1970")
    if milliseconds > now_ms + MAX_AHEAD_MS:
        raise InvalidArgument(path, "must not be more than a day in the future")
    return milliseconds


def _check_required(text: str, field: str, limit: int) -> None:
    if not text:
        raise InvalidArgument(field, "is required")
    _check_bytes(text, field, limit)


def _check_bytes(text: str, field: str, limit: int) -> None:
    if len(text.encode()) > limit:
        raise InvalidArgument(field, f"must have at most {limit} bytes of UTF-8")


def _check_count(several: Sequence[object] | Mapping[str, object], field: str, limit: int) -> None:
    if len(several) > limit:
        raise InvalidArgument(field, f"must have at most {limit} entries, not {len(several)}")
