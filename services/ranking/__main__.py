"""Starts ranking: `python -m services.ranking`."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import uvloop

from services.ranking.config import RankingSettings
from services.ranking.device import load_cuda_libraries
from services.ranking.merging import MergedScoring, MergeLimits
from services.ranking.servicer import RankingServicer
from services.ranking.snapshot import load_snapshot
from shared.logs import configure_logs
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc


async def serve(settings: RankingSettings) -> None:
    """Serves until a signal."""
    load = partial(load_snapshot, device=settings.device, threads=settings.run_threads, precision=settings.precision)
    repository = SnapshotRepository(settings.snapshot_dir)
    follower = SnapshotFollower(repository, load, settings.snapshot_poll_seconds)
    server = RpcServer(settings, pb.DESCRIPTOR.services_by_name["RankingService"])
    limits = MergeLimits(settings.merge_candidates, settings.waiting, settings.runs_at_once)
    # One more than runs: on CUDA two runs are under way whatever the quota, and large messages are decoded here too.
    with ThreadPoolExecutor(settings.runs_at_once + 1, "ranking") as pool:
        score = MergedScoring(pool, limits)
        pb_grpc.add_RankingServiceServicer_to_server(RankingServicer(follower, score, pool), server.grpc)
        await server.run(ready=follower.ready, background=[follower.follow])


def main() -> None:
    """Reads the settings and serves."""
    settings = RankingSettings.load()
    configure_logs("ranking", settings.log_level)
    if settings.device != "cpu":
        load_cuda_libraries()
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
