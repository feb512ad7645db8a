"""Starts ranking: `python -m services.ranking`."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import uvloop

from services.ranking.config import RankingSettings
from services.ranking.device import load_cuda_libraries
from services.ranking.lanes import Lanes
from services.ranking.merging import CUDA_IN_FLIGHT, MergedScoring, MergeLimits
from services.ranking.open_inference.messages import SERVICE as OPEN_INFERENCE
from services.ranking.open_inference.registration import add_open_inference
from services.ranking.open_inference.servicer import OpenInferenceServicer
from services.ranking.servicer import RankingServicer
from services.ranking.snapshot import load_snapshot
from shared.logs import configure_logs
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from shared.workers.group import supervise_workers
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc

SERVICE = pb.DESCRIPTOR.services_by_name["RankingService"]


async def serve(settings: RankingSettings) -> None:
    """Serves until a signal."""
    load = partial(load_snapshot, device=settings.device, threads=settings.run_threads, precision=settings.precision)
    repository = SnapshotRepository(settings.snapshot_dir)
    follower = SnapshotFollower(repository, load, settings.snapshot_poll_seconds)
    server = RpcServer(settings, SERVICE, beside=[OPEN_INFERENCE], links=settings.links)
    limits = MergeLimits(settings.merge_candidates, settings.waiting, settings.runs_at_once)
    with (
        # At least as many as runs may be under way on CUDA, whatever the quota.
        Lanes(max(settings.runs_at_once, CUDA_IN_FLIGHT), "scoring") as lanes,
        ThreadPoolExecutor(settings.runs_at_once, "decoding") as pool,
    ):
        score = MergedScoring(lanes, limits)
        server.offer(pb_grpc.add_RankingServiceServicer_to_server, RankingServicer(follower, score, pool))
        add_open_inference(OpenInferenceServicer(follower, lambda: server.is_ready, score, pool), server.grpc)
        await server.run(ready=follower.ready, background=[follower.follow], snapshots=follower)


def main() -> None:
    """Reads the settings and serves."""
    settings = RankingSettings.load()
    settings.keep_to_cpus()
    configure_logs("ranking", settings.log_level)
    supervise_workers(settings, [SERVICE.full_name, OPEN_INFERENCE.full_name])
    if settings.device != "cpu":
        load_cuda_libraries()
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
