"""Recall as a process."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from services.recall.config import RecallSettings
from tests.contract.recall.item_changes import FakeItems, synchronous_server
from tests.contract.recall.requests import candidates_of, retrieve_request
from tests.service_process import assert_help_lists, started
from tests.snapshot_factory import build_snapshot
from winnow.recall.v1 import recall_service_pb2_grpc as pb_grpc


def test_recall_answers_when_ready_and_ends_well_on_sigterm(tmp_path: Path) -> None:
    """The process that `python -m services.recall` starts drains and exits with 0."""
    build_snapshot(tmp_path)
    with started("services.recall", "--snapshot-dir", str(tmp_path), "--grace-seconds", "5") as process:
        port = process.wait_for("ready")["port"]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            answer = pb_grpc.RecallServiceStub(channel).Retrieve(retrieve_request([[1, 2]]), timeout=10)
        assert len(candidates_of(answer)[0].rows) == 20
        assert process.terminate() == 0


def test_help_lists_every_setting_of_recall() -> None:
    """By flag and by environment variable."""
    assert_help_lists("services.recall", "RECALL_", list(RecallSettings.model_fields))


def test_recall_finds_an_item_soon_after_it_was_upserted(tmp_path: Path) -> None:
    """The process follows the feature store that its settings name, without being told to."""
    build_snapshot(tmp_path)
    items = FakeItems()
    with ThreadPoolExecutor(1) as pool, synchronous_server(items, pool) as target:
        flags = ("--feature-store-target", target, "--item-poll-seconds", "0.05")
        with started("services.recall", "--snapshot-dir", str(tmp_path), *flags) as process:
            port = process.wait_for("ready")["port"]
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = pb_grpc.RecallServiceStub(channel)
                row = 200 + items.upsert("new", "Winter storm")
                deadline = time.monotonic() + 10
                while row not in candidates_of(stub.Retrieve(retrieve_request([[1, 2]], max_candidates=500)))[0].rows:
                    assert time.monotonic() < deadline, "the item was not found in ten seconds"
            assert process.terminate() == 0
