"""Starts ranking: `python -m services.ranking`."""

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import uvloop

from services.ranking.batch import ScoringBatch
from services.ranking.config import RankingSettings
from services.ranking.device import load_cuda_libraries
from services.ranking.open_inference.messages import SERVICE as OPEN_INFERENCE
from services.ranking.open_inference.registration import add_open_inference
from services.ranking.open_inference.servicer import OpenInferenceServicer, ScoreBatch
from services.ranking.scoring import Scores, score
from services.ranking.servicer import RankingServicer
from services.ranking.snapshot import RankingSnapshot, load_snapshot
from shared.logs import configure_logs
from shared.quota import cpu_quota
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1 import ranking_service_pb2_grpc as pb_grpc


async def serve(settings: RankingSettings) -> None:
    """Serves until a signal."""
    threads = settings.threads or cpu_quota()
    load = partial(load_snapshot, device=settings.device, threads=threads)
    repository = SnapshotRepository(settings.snapshot_dir)
    follower = SnapshotFollower(repository, load, settings.snapshot_poll_seconds)
    server = RpcServer(settings, pb.DESCRIPTOR.services_by_name["RankingService"], beside=[OPEN_INFERENCE])
    with ThreadPoolExecutor(threads, "ranking") as pool:
        pb_grpc.add_RankingServiceServicer_to_server(RankingServicer(follower, pool), server.grpc)
        add_open_inference(OpenInferenceServicer(follower, lambda: server.is_ready, score_on(pool), pool), server.grpc)
        await server.run(ready=follower.ready, background=[follower.follow])


def score_on(pool: Executor) -> ScoreBatch:
    """Returns how to score a batch on threads of the pool."""

    async def score_batch(snapshot: RankingSnapshot, batch: ScoringBatch) -> Scores:
        return await asyncio.get_running_loop().run_in_executor(pool, score, snapshot.ranker, batch)

    return score_batch


def main() -> None:
    """Reads the settings and serves."""
    settings = RankingSettings.load()
    configure_logs("ranking", settings.log_level)
    if settings.device != "cpu":
        load_cuda_libraries()
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
