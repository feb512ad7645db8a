"""The mix of RPCs to call."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

import numpy as np

from tests.load.driver import Call
from winnow.gateway.v1 import gateway_service_pb2 as pb

RPCS = ("recommend", "similar", "record")


def read_mix(text: str) -> dict[str, float]:
    """Reads `recommend=90,similar=5,record=5` as shares that sum to 1.

    Raises:
        ValueError: an RPC is unknown, a share is no number or below 0, or all are 0.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        rpc, _, share = part.partition("=")
        if rpc not in RPCS:
            raise ValueError(f"{rpc!r} is none of {', '.join(RPCS)}")
        shares[rpc] = float(share or 1)
    total = sum(shares.values())
    if total <= 0 or min(shares.values()) < 0:
        raise ValueError("the shares must be 0 or more, and not all 0")
    return {rpc: share / total for rpc, share in shares.items()}


def mixed_calls(
    mix: Mapping[str, float], users: Iterator[str], items: Iterator[str], max_results: int, rng: np.random.Generator
) -> Iterator[Call]:
    """Yields calls for ever, each RPC in proportion to its share."""
    rpcs, shares = list(mix), list(mix.values())
    while True:
        for choice in rng.choice(len(rpcs), size=1024, p=shares).tolist():
            match rpcs[choice]:
                case "recommend":
                    yield Call("recommend", pb.RecommendRequest(user_id=next(users), max_results=max_results))
                case "similar":
                    yield Call("similar", pb.RecommendSimilarRequest(item_id=next(items), max_results=max_results))
                case "record":
                    yield Call("record", pb.RecordEventsRequest(events=[_event(next(users), next(items))]))


def _event(user_id: str, item_id: str) -> pb.Event:
    return pb.Event(event_id=f"load-{uuid.uuid4().hex}", user_id=user_id, item_id=item_id, type=pb.EVENT_TYPE_VIEW)
