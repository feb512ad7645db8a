"""LogExposures: what was shown is in the log, as it was said."""

from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from shared.event_log import read_log
from shared.event_log.records import ExposureRecord
from tests.contract.feature_store.serving import Serving, serving
from tests.in_process import assert_refused
from winnow.feature_store.v1 import feature_store_service_pb2 as pb


def exposure(**fields: Any) -> pb.Exposure:
    """Returns an exposure of two items, but for what is given."""
    given: dict[str, Any] = {
        "request_id": "r", "user_id": "u", "snapshot_id": "s", "experiment_arm": "variety/high", "shown_at_ms": 7,
        "item_ids": ["a", "b"], "scores": [2.0, 1.5], "propensities": [0.5, 1.0], "channels": ["content", "popularity"],
        "found_by": [3, 0], "degraded_stages": ["ranking"],
    }  # fmt: skip
    return pb.Exposure(**given | fields)


RECORD = ExposureRecord(
    "r",
    "u",
    "s",
    "variety/high",
    7,
    ("a", "b"),
    (2.0, 1.5),
    (0.5, 1.0),
    ("content", "popularity"),
    (3, 0),
    ("ranking",),
)


async def test_every_exposure_is_in_the_log(tmp_path: Path, snapshots: Path) -> None:
    """Once the answer is sent; twice where it is sent twice. Nobody in particular is logged too."""
    async with serving(tmp_path, snapshots) as store:
        for _ in range(2):
            await store.stub.LogExposures(pb.LogExposuresRequest(exposures=[exposure()]))
        await store.stub.LogExposures(pb.LogExposuresRequest(exposures=[exposure(user_id="", degraded_stages=[])]))
        logged = [record for _, record in read_log(tmp_path / "log")]
    nobody = msgspec.structs.replace(RECORD, user_id="", degraded=())
    assert logged == [RECORD, RECORD, nobody]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"request_id": ""}, "request_id"),
        ({"request_id": "x" * 129}, "request_id"),
        ({"user_id": "x" * 257}, "user_id"),
        ({"snapshot_id": ""}, "snapshot_id"),
        ({"experiment_arm": "x" * 257}, "experiment_arm"),
        ({"shown_at_ms": -1}, "shown_at_ms"),
        ({"item_ids": []}, "item_ids"),
        ({"item_ids": ["a"] * 101}, "item_ids"),
        ({"item_ids": ["a", ""]}, "item_ids[1]"),
        ({"scores": [1.0]}, "scores"),
        ({"scores": [1.0, float("nan")]}, "scores[1]"),
        ({"propensities": [0.5] * 3}, "propensities"),
        ({"propensities": [0.0, 0.5]}, "propensities[0]"),
        ({"propensities": [0.5, 1.1]}, "propensities[1]"),
        ({"found_by": [1]}, "found_by"),
        ({"found_by": [1, 4]}, "found_by[1]"),
        ({"channels": ["c"] * 33}, "channels"),
        ({"channels": ["content", ""]}, "channels[1]"),
        ({"degraded_stages": ["x"] * 17}, "degraded_stages"),
    ],
)
async def test_what_breaks_a_limit_is_refused_and_nothing_is_logged(
    store: Serving, tmp_path: Path, fields: dict[str, Any], field: str
) -> None:
    """The good one beside it neither."""
    call = store.stub.LogExposures(pb.LogExposuresRequest(exposures=[exposure(), exposure(**fields)]))
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", f"exposures[1].{field}")
    assert list(read_log(tmp_path / "store" / "log")) == []


@pytest.mark.parametrize("count", [0, 1_025])
async def test_a_request_has_at_least_one_exposure_and_not_too_many(store: Serving, count: int) -> None:
    """Refused by the name of the list."""
    call = store.stub.LogExposures(pb.LogExposuresRequest(exposures=[exposure()] * count))
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "exposures")
