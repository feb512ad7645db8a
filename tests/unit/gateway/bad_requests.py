"""Requests that break one limit of the gateway's contract each, with the path of the field that is to be named."""

import math
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from winnow.gateway.v1 import gateway_service_pb2 as pb

#: Two bytes in UTF-8: limits are in bytes, not characters.
WIDE = "é"

#: Beyond every clock: the last second of the year 9999.
LAST_SECOND = 253402300799


def a_filter(**changes: Any) -> pb.AttributeFilter:
    """Returns a filter that is fine but for the changes."""
    return pb.AttributeFilter(**{"field": "category", "any_of": ["even"]} | changes)


#: Changes to an empty RecommendRequest, for objectives `click` and `like`.
BAD_RECOMMEND: list[tuple[dict[str, Any], str]] = [
    ({"user_id": WIDE * 128 + "x"}, "user_id"),
    ({"max_results": -1}, "max_results"),
    ({"exclude_item_ids": ["x"] * 1001}, "exclude_item_ids"),
    ({"exclude_item_ids": ["x", "y" * 257]}, "exclude_item_ids[1]"),
    ({"filters": [a_filter()] * 17}, "filters"),
    ({"filters": [a_filter(), a_filter(field="")]}, "filters[1].field"),
    ({"filters": [a_filter(field="f" * 65)]}, "filters[0].field"),
    ({"filters": [a_filter(any_of=[])]}, "filters[0].any_of"),
    ({"filters": [a_filter(any_of=["v"] * 101)]}, "filters[0].any_of"),
    ({"filters": [a_filter(any_of=["v", "w" * 257])]}, "filters[0].any_of[1]"),
    ({"session_item_ids": ["x"] * 101}, "session_item_ids"),
    ({"session_item_ids": [WIDE * 129]}, "session_item_ids[0]"),
    ({"user_attributes": {f"a{i}": pb.AttributeValue(text="x") for i in range(33)}}, "user_attributes"),
    ({"user_attributes": {"a" * 65: pb.AttributeValue(text="x")}}, "user_attributes"),
    ({"user_attributes": {"age": pb.AttributeValue()}}, "user_attributes[age]"),
    ({"user_attributes": {"age": pb.AttributeValue(number=math.nan)}}, "user_attributes[age].number"),
    ({"user_attributes": {"age": pb.AttributeValue(number=math.inf)}}, "user_attributes[age].number"),
    ({"user_attributes": {"city": pb.AttributeValue(text="x" * 257)}}, "user_attributes[city].text"),
    ({"objective_weights": {"share": 1.0}}, "objective_weights"),
    ({"objective_weights": {"click": -0.1}}, "objective_weights[click]"),
    ({"objective_weights": {"click": 1000.1}}, "objective_weights[click]"),
    ({"objective_weights": {"click": math.nan}}, "objective_weights[click]"),
    ({"objective_weights": {"click": math.inf}}, "objective_weights[click]"),
    ({"diversity": -0.01}, "diversity"),
    ({"diversity": 1.01}, "diversity"),
    ({"diversity": math.nan}, "diversity"),
]

#: Changes to a RecommendSimilarRequest.
BAD_SIMILAR: list[tuple[dict[str, Any], str]] = [
    ({"item_id": ""}, "item_id"),
    ({"item_id": "x" * 257}, "item_id"),
    ({"max_results": -1}, "max_results"),
    ({"exclude_item_ids": ["x"] * 1001}, "exclude_item_ids"),
    ({"filters": [a_filter(any_of=[])]}, "filters[0].any_of"),
]

#: Changes to an ExplainRequest beside those to the request in it.
BAD_EXPLAIN: list[tuple[dict[str, Any], str]] = [
    ({"item_ids": ["item-00001"] * 21}, "item_ids"),
    ({"item_ids": ["item-00001", "x" * 257]}, "item_ids[1]"),
    ({"item_ids": ["item-00001", ""]}, "item_ids[1]"),
    ({"item_ids": ["unknown"]}, "item_ids[0]"),
]

#: Changes to an event; the paths are relative to it.
BAD_EVENT: list[tuple[dict[str, Any], str]] = [
    ({"event_id": ""}, "event_id"),
    ({"event_id": "x" * 129}, "event_id"),
    ({"user_id": ""}, "user_id"),
    ({"user_id": "x" * 257}, "user_id"),
    ({"item_id": ""}, "item_id"),
    ({"item_id": "x" * 257}, "item_id"),
    ({"item_id": "unknown"}, "item_id"),
    ({"type": pb.EVENT_TYPE_UNSPECIFIED}, "type"),
    ({"type": 99}, "type"),
    ({"occurred_at": Timestamp(seconds=-1)}, "occurred_at"),
    ({"occurred_at": Timestamp(seconds=-62135596800)}, "occurred_at"),
    ({"occurred_at": Timestamp(nanos=-1)}, "occurred_at"),
    ({"occurred_at": Timestamp(nanos=1_000_000_000)}, "occurred_at"),
    ({"occurred_at": Timestamp(seconds=LAST_SECOND)}, "occurred_at"),
    ({"occurred_at": Timestamp(seconds=2**63 - 1)}, "occurred_at"),
    ({"dwell_seconds": 1.0}, "dwell_seconds"),
    ({"dwell_seconds": math.nan}, "dwell_seconds"),
    ({"type": pb.EVENT_TYPE_DWELL}, "dwell_seconds"),
    ({"type": pb.EVENT_TYPE_DWELL, "dwell_seconds": -1.0}, "dwell_seconds"),
    ({"type": pb.EVENT_TYPE_DWELL, "dwell_seconds": 86_400.5}, "dwell_seconds"),
    ({"type": pb.EVENT_TYPE_DWELL, "dwell_seconds": math.nan}, "dwell_seconds"),
    ({"shown_by_request_id": "r" * 129}, "shown_by_request_id"),
    ({"shown_by_request_id": "a\n"}, "shown_by_request_id"),
]

#: How many events a batch cannot have.
BAD_EVENT_COUNTS = [0, 1001]

#: Changes to an item; the paths are relative to it.
BAD_ITEM: list[tuple[dict[str, Any], str]] = [
    ({"item_id": ""}, "item_id"),
    ({"item_id": WIDE * 129}, "item_id"),
    ({"title": ""}, "title"),
    ({"title": "x" * 1025}, "title"),
    ({"categories": ["c"] * 65}, "categories"),
    ({"categories": ["c", "d" * 257]}, "categories[1]"),
    ({"attributes": {f"a{i}": pb.AttributeValue(text="x") for i in range(65)}}, "attributes"),
    ({"attributes": {"a" * 65: pb.AttributeValue(text="x")}}, "attributes"),
    ({"attributes": {"": pb.AttributeValue(text="x")}}, "attributes"),
    ({"attributes": {"year": pb.AttributeValue()}}, "attributes[year]"),
    ({"attributes": {"year": pb.AttributeValue(number=math.nan)}}, "attributes[year].number"),
    ({"attributes": {"format": pb.AttributeValue(text="x" * 257)}}, "attributes[format].text"),
    ({"text": "x" * 16_385}, "text"),
]

#: How many items cannot be upserted at once.
BAD_ITEM_COUNTS = [0, 1001]

#: Ids that cannot be withdrawn.
BAD_WITHDRAWN: list[tuple[list[str], str]] = [
    ([], "item_ids"),
    ([f"{i}" for i in range(1001)], "item_ids"),
    (["a", ""], "item_ids[1]"),
    (["a", "x" * 257], "item_ids[1]"),
    (["a", "b", "a"], "item_ids[2]"),
]
