"""What the service measures of itself."""

import asyncio
from pathlib import Path

from prometheus_client import REGISTRY

from tests.contract.feature_store.calls import event, record, write
from tests.contract.feature_store.serving import Serving, serving


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


async def test_the_size_of_the_store_is_told(folder_store: Serving) -> None:
    """In bytes, in users, in event ids that are remembered, and in items that were written."""
    store = folder_store
    await store.stub.RecordEvents(record(event("1"), event("2"), event("1", user_id="v")))
    assert sample("entries", kind="users") == 2
    assert sample("entries", kind="event_ids") == 3
    await store.stub.WriteItemFeatures(write([[1], [1], [1]], ["a", "b", "c"]))
    assert sample("entries", kind="items") == 3
    assert sample("bytes") >= 4096


async def test_what_is_in_the_log_of_a_folder_is_counted(tmp_path: Path, snapshots: Path) -> None:
    """By kind; what was recorded before is not written again."""
    before = sample("log_records_total", kind="event")
    async with serving(tmp_path, snapshots) as store:
        await store.stub.RecordEvents(record(event("1"), event("2"), event("1")))
    assert sample("log_records_total", kind="event") - before == 2


async def test_the_end_of_the_log_is_told(folder_store: Serving) -> None:
    """In bytes since its beginning."""
    await folder_store.stub.RecordEvents(record(event("1")))
    before = sample("log_position")
    await folder_store.stub.RecordEvents(record(event("2")))
    assert sample("log_position") > before > 0


async def test_written_values_are_counted_by_what_became_of_them(store: Serving) -> None:
    """Those of a late write are superseded."""
    before = {outcome: sample("item_values_total", outcome=outcome) for outcome in ("written", "superseded")}
    await store.stub.WriteItemFeatures(write([[1, 1]], names=["length", "recency"], at_ms=5))
    await store.stub.WriteItemFeatures(write([[1, 1]], names=["length", "popularity"], at_ms=4))
    assert sample("item_values_total", outcome="written") - before["written"] == 3
    assert sample("item_values_total", outcome="superseded") - before["superseded"] == 1
