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
from winnow.client.requests import Event, EventType, Filter, RecommendOptions, RecordOptions, SimilarOptions
from winnow.client.results import (
    ChannelHit,
    Degradation,
    ForgetResult,
    Recommendation,
    RecommendResult,
    RecordResult,
    StageTiming,
)
from winnow.client.sync import WinnowClient

__all__ = [
    "DEFAULT_TARGET",
    "DEFAULT_TIMEOUT_SECONDS",
    "TARGET_VARIABLE",
    "AsyncWinnowClient",
    "ChannelHit",
    "DeadlineExceeded",
    "Degradation",
    "Event",
    "EventType",
    "Filter",
    "ForgetResult",
    "InvalidArgument",
    "NotFound",
    "Overloaded",
    "RecommendOptions",
    "RecommendResult",
    "Recommendation",
    "RecordOptions",
    "RecordResult",
    "SimilarOptions",
    "StageTiming",
    "Unavailable",
    "WinnowClient",
    "WinnowError",
]
