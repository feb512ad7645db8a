"""The Python client of Winnow.

    from winnow.client import WinnowClient

    with WinnowClient("localhost:50051") as client:
        for item in client.recommend("42", max_results=5).items:
            print(item.title, item.score)

It stands alone: it needs gRPC and the stubs, and nothing that serves or trains.
"""

from winnow.client.aio import AsyncWinnowClient
from winnow.client.connection import DEFAULT_TARGET, DEFAULT_TIMEOUT_SECONDS, TARGET_VARIABLE
from winnow.client.errors import DeadlineExceeded, InvalidArgument, NotFound, Overloaded, Unavailable, WinnowError
from winnow.client.explanations import (
    ChannelFunnel,
    ExplainResult,
    FeatureValue,
    FilterStep,
    HistoryReason,
    ItemExplanation,
    ObjectiveExplanation,
)
from winnow.client.items import MAX_ITEMS, Item, UpsertResult, WithdrawResult
from winnow.client.requests import (
    MAX_EVENTS,
    Event,
    EventType,
    ExplainOptions,
    Filter,
    IngestOptions,
    RecommendOptions,
    RecordOptions,
    SimilarOptions,
)
from winnow.client.results import (
    ChannelHit,
    Degradation,
    ForgetResult,
    IngestResult,
    Recommendation,
    RecommendResult,
    RecordResult,
    StageTiming,
)
from winnow.client.sync import WinnowClient

__all__ = [
    "DEFAULT_TARGET",
    "DEFAULT_TIMEOUT_SECONDS",
    "MAX_EVENTS",
    "MAX_ITEMS",
    "TARGET_VARIABLE",
    "AsyncWinnowClient",
    "ChannelFunnel",
    "ChannelHit",
    "DeadlineExceeded",
    "Degradation",
    "Event",
    "EventType",
    "ExplainOptions",
    "ExplainResult",
    "FeatureValue",
    "Filter",
    "FilterStep",
    "ForgetResult",
    "HistoryReason",
    "IngestOptions",
    "IngestResult",
    "InvalidArgument",
    "Item",
    "ItemExplanation",
    "NotFound",
    "ObjectiveExplanation",
    "Overloaded",
    "RecommendOptions",
    "RecommendResult",
    "Recommendation",
    "RecordOptions",
    "RecordResult",
    "SimilarOptions",
    "StageTiming",
    "Unavailable",
    "UpsertResult",
    "WinnowClient",
    "WinnowError",
    "WithdrawResult",
]
