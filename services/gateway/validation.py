"""From request messages to queries: every limit of the contract, in the order of its fields."""

import math
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from services.gateway.query import Condition, Event, RecommendQuery, SimilarQuery
from services.gateway.snapshot import GatewaySnapshot
from shared.errors import InvalidArgument, NotFound
from shared.events import EventType
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
#: A day: who dwells longer has left the page open.
MAX_DWELL_SECONDS = 86_400.0
_TYPES = frozenset(map(int, EventType))


def read_recommend(request: pb.RecommendRequest, snapshot: GatewaySnapshot) -> RecommendQuery:
    """Returns the query in a request.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_bytes(request.user_id, "user_id", MAX_ID_BYTES)
    return RecommendQuery(
        user_id=request.user_id,
        max_results=_read_max_results(request.max_results),
        exclude_item_ids=_read_ids(request.exclude_item_ids, "exclude_item_ids", MAX_EXCLUDED),
        conditions=_read_conditions(request.filters),
        session_item_ids=_read_ids(request.session_item_ids, "session_item_ids", MAX_SESSION_ITEMS),
        attributes=read_attributes(request.user_attributes, "user_attributes", MAX_ATTRIBUTES),
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
    check_required(request.item_id, "item_id", MAX_ID_BYTES)
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
        query = read_recommend(request.request, snapshot)
    except InvalidArgument as refused:
        raise refused.within("request") from refused
    _read_ids(request.item_ids, "item_ids", MAX_EXPLAINED)
    rows: list[int] = []
    for i, item_id in enumerate(request.item_ids):
        row = snapshot.catalogue.row_of(item_id)
        # An item that is withdrawn has the row that it had: that it is withdrawn is the explanation.
        found = snapshot.history_rows([item_id]) if row is None else [row]
        if not found:
            raise InvalidArgument(f"item_ids[{i}]", "names no item of the catalogue")
        rows += found
    return query, rows


def read_events(
    request: pb.RecordEventsRequest | pb.IngestEventsRequest, snapshot: GatewaySnapshot, now_ms: int
) -> list[Event]:
    """Returns the events in a request, or in a message of a stream.

    Args:
        request: The request.
        snapshot: Whose catalogue must have the items.
        now_ms: When the request was received, in milliseconds since 1970, UTC.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    if not request.events:
        raise InvalidArgument("events", "must not be empty")
    check_count(request.events, "events", MAX_EVENTS)
    return [_read_event(event, f"events[{i}]", snapshot, now_ms) for i, event in enumerate(request.events)]


def read_forget(request: pb.ForgetUserRequest) -> str:
    """Returns the id of the user to forget.

    Raises:
        InvalidArgument: naming the field that breaks a limit.
    """
    check_required(request.user_id, "user_id", MAX_ID_BYTES)
    return request.user_id


def check_request_id(request_id: str, field: str = "request_id") -> None:
    """Checks a request id; it may be empty.

    Raises:
        InvalidArgument: it is too long, or cannot travel as metadata.
    """
    _check_printable(request_id, field)


def _read_max_results(max_results: int) -> int:
    if max_results < 0:
        raise InvalidArgument("max_results", "must not be negative")
    return min(max_results or DEFAULT_RESULTS, MAX_RESULTS)


def _read_ids(ids: Sequence[str], field: str, limit: int) -> tuple[str, ...]:
    check_count(ids, field, limit)
    for i, identity in enumerate(ids):
        check_bytes(identity, f"{field}[{i}]", MAX_ID_BYTES)
    return tuple(ids)


def _read_conditions(filters: Sequence[pb.AttributeFilter]) -> tuple[Condition, ...]:
    check_count(filters, "filters", MAX_FILTERS)
    return tuple(_read_condition(one, f"filters[{i}]") for i, one in enumerate(filters))


def _read_condition(one: pb.AttributeFilter, path: str) -> Condition:
    check_required(one.field, f"{path}.field", MAX_NAME_BYTES)
    if not one.any_of:
        raise InvalidArgument(f"{path}.any_of", "must not be empty")
    check_count(one.any_of, f"{path}.any_of", MAX_FILTER_VALUES)
    for i, value in enumerate(one.any_of):
        check_bytes(value, f"{path}.any_of[{i}]", MAX_TEXT_BYTES)
    return Condition(one.field, tuple(one.any_of), one.exclude)


def read_attributes(attributes: Mapping[str, pb.AttributeValue], field: str, limit: int) -> dict[str, AttributeValue]:
    """Returns attributes by name.

    Raises:
        InvalidArgument: about `field`, where there are more than `limit` or one breaks a limit.
    """
    check_count(attributes, field, limit)
    for name in attributes:
        check_bytes(name, field, MAX_NAME_BYTES)
    return {name: _read_attribute(value, f"{field}[{name}]") for name, value in attributes.items()}


def _read_attribute(value: pb.AttributeValue, path: str) -> AttributeValue:
    match value.WhichOneof("value"):
        case "text":
            check_bytes(value.text, f"{path}.text", MAX_TEXT_BYTES)
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
    check_required(event.event_id, f"{path}.event_id", MAX_EVENT_ID_BYTES)
    check_required(event.user_id, f"{path}.user_id", MAX_ID_BYTES)
    check_required(event.item_id, f"{path}.item_id", MAX_ID_BYTES)
    if not snapshot.has(event.item_id):
        raise InvalidArgument(f"{path}.item_id", "names no item of the catalogue")
    if event.type not in _TYPES:
        raise InvalidArgument(f"{path}.type", "must be one of the event types")
    occurred_at_ms = now_ms
    if event.HasField("occurred_at"):
        occurred_at_ms = _read_time(event.occurred_at, f"{path}.occurred_at", now_ms)
    dwell_seconds = _read_dwell(event, f"{path}.dwell_seconds")
    _check_printable(event.shown_by_request_id, f"{path}.shown_by_request_id")
    return Event(
        event.event_id,
        event.user_id,
        event.item_id,
        EventType(event.type),
        occurred_at_ms,
        dwell_seconds,
        event.shown_by_request_id,
    )


def _read_dwell(event: pb.Event, path: str) -> float:
    if event.type == pb.EVENT_TYPE_DWELL:
        if not 0.0 < event.dwell_seconds <= MAX_DWELL_SECONDS:  # NaN is not either
            raise InvalidArgument(path, f"must be above 0 and at most {MAX_DWELL_SECONDS:g}")
    elif event.dwell_seconds != 0.0:
        raise InvalidArgument(path, "must be 0 for an event that is no dwell")
    return event.dwell_seconds


def _read_time(time: Timestamp, path: str, now_ms: int) -> int:
    if not 0 <= time.nanos < NANOS_PER_SECOND:
        raise InvalidArgument(path, "must have nanos in [0, 999999999]")
    milliseconds = time.seconds * 1000 + time.nanos // 1_000_000
    if milliseconds < 0:
        raise InvalidArgument(path, "must not be before 1970")
    if milliseconds > now_ms + MAX_AHEAD_MS:
        raise InvalidArgument(path, "must not be more than a day in the future")
    return milliseconds


def check_required(text: str, field: str, limit: int) -> None:
    """Checks a text that may not be empty.

    Raises:
        InvalidArgument: about `field`, where it is empty or has more bytes than `limit`.
    """
    if not text:
        raise InvalidArgument(field, "is required")
    check_bytes(text, field, limit)


def _check_printable(text: str, field: str) -> None:
    if len(text) > MAX_REQUEST_ID or not (text.isascii() and text.isprintable()):
        raise InvalidArgument(field, f"must have at most {MAX_REQUEST_ID} printable ASCII characters")


def check_bytes(text: str, field: str, limit: int) -> None:
    """Checks the length of a text.

    Raises:
        InvalidArgument: about `field`, where it has more bytes than `limit`.
    """
    if len(text.encode()) > limit:
        raise InvalidArgument(field, f"must have at most {limit} bytes of UTF-8")


def check_count(several: Sequence[object] | Mapping[str, object], field: str, limit: int) -> None:
    """Checks how many there are.

    Raises:
        InvalidArgument: about `field`, where there are more than `limit`.
    """
    if len(several) > limit:
        raise InvalidArgument(field, f"must have at most {limit} entries, not {len(several)}")
