"""Starts recall: `python -m services.recall`."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import uvloop
from threadpoolctl import threadpool_limits

from services.recall.audit import RecallAudit, run_at_lowest_priority
from services.recall.config import RecallSettings
from services.recall.crew import Crew
from services.recall.live.feed import FeatureStoreFeed
from services.recall.live.following import LiveItemsFollower
from services.recall.retrieval import Retriever
from services.recall.servicer import RecallServicer
from services.recall.snapshot import load_snapshot
from shared.channel import open_channel
from shared.logs import configure_logs
from shared.quota import thread_share
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from shared.workers.group import supervise_workers
from winnow.recall.v1 import recall_service_pb2 as pb
from winnow.recall.v1 import recall_service_pb2_grpc as pb_grpc

SERVICE = pb.DESCRIPTOR.services_by_name["RecallService"]


async def serve(settings: RecallSettings) -> None:
    """Serves until a signal."""
    threads = settings.threads or thread_share(settings.workers)
    repository = SnapshotRepository(settings.snapshot_dir)
    server = RpcServer(settings, SERVICE, links=settings.links)
    with (
        # The threads are the pool's: a matrix product that spread over the cores by itself would take them from others.
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(threads, "recall") as pool,
        ThreadPoolExecutor(1, "recall-audit", initializer=run_at_lowest_priority) as audit_pool,
        ThreadPoolExecutor(1, "recall-live") as live_pool,
    ):
        load = partial(
            load_snapshot,
            threads=threads,
            recall_target=settings.target,
            crew=Crew(pool, threads),
            audit=RecallAudit(settings.audit_rate, audit_pool),
            learn_from_histories=settings.learn_from_histories,
        )
        live = LiveItemsFollower(
            FeatureStoreFeed(open_channel(settings.feature_store_target, retry=False)),
            lambda: [follower.get(snapshot_id).live for snapshot_id in follower.ids],
            live_pool,
            settings.item_poll_seconds,
        )
        follower = SnapshotFollower(repository, live.complete(load), settings.snapshot_poll_seconds)
        servicer = RecallServicer(follower, Retriever(pool, settings.channel_timeout_ms / 1000))
        server.offer(pb_grpc.add_RecallServiceServicer_to_server, servicer)
        await server.run(ready=follower.ready, background=[follower.follow, live.follow], snapshots=follower)


def main() -> None:
    """Reads the settings and serves."""
    settings = RecallSettings.load()
    settings.keep_to_cpus()
    configure_logs("recall", settings.log_level)
    supervise_workers(settings, [SERVICE.full_name])
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
