"""What the service measures of itself."""

import asyncio

from prometheus_client import REGISTRY

from tests.contract.feature_store.calls import event, record
from tests.contract.feature_store.serving import Serving


def sample(name: str, **labels: str) -> float:
    """Returns the value of a metric of the feature store, 0 where it was never set."""
    return REGISTRY.get_sample_value(f"winnow_feature_store_{name}", labels) or 0.0


async def test_events_commits_and_groups_are_counted(store: Serving) -> None:
    """Fewer commits than requests, because requests that come together share them."""
    counters = ("commit_seconds_count", "group_requests_count", "group_requests_sum")
    before = {name: sample(name) for name in counters}
    recorded, duplicate = sample("events_total", outcome="recorded"), sample("events_total", outcome="duplicate")
    calls = (store.stub.RecordEvents(record(event(f"{number}"), event("same"))) for number in range(50))
    await asyncio.gather(*calls)
    grown = {name: sample(name) - before[name] for name in counters}
    assert sample("events_total", outcome="recorded") - recorded == 51
    assert sample("events_total", outcome="duplicate") - duplicate == 49
    assert grown["group_requests_sum"] == 50
    assert grown["group_requests_count"] == grown["commit_seconds_count"] < 50


async def test_the_size_of_the_store_is_told(store: Serving) -> None:
    """In bytes, in users, and in event ids that are remembered."""
    await store.stub.RecordEvents(record(event("1"), event("2"), event("1", user_id="v")))
    assert sample("entries", kind="users") == 2
    assert sample("entries", kind="event_ids") == 3
    assert sample("bytes") >= 4096
