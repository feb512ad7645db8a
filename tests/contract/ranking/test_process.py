"""Ranking as a process."""

from pathlib import Path

import grpc

from services.ranking.config import RankingSettings
from tests.contract.ranking.requests import score_request, scores_of
from tests.service_process import assert_help_lists, started
from tests.snapshot_factory import build_snapshot
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc


def test_ranking_answers_when_ready_and_ends_well_on_sigterm(tmp_path: Path) -> None:
    """The process that `python -m services.ranking` starts drains and exits with 0."""
    build_snapshot(tmp_path)
    with started("services.ranking", "--snapshot-dir", str(tmp_path), "--grace-seconds", "5") as process:
        port = process.wait_for("ready")["port"]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            answer = pb_grpc.RankingServiceStub(channel).Score(score_request([[1, 2]], [[3, 4, 5]]), timeout=10)
        assert scores_of(answer).shape == (3, 2)
        assert process.terminate() == 0


def test_help_lists_every_setting_of_ranking() -> None:
    """By flag and by environment variable."""
    assert_help_lists("services.ranking", "RANKING_", list(RankingSettings.model_fields))
