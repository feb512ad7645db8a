"""A service of one behaviour, behind everything that `shared` puts around a real one."""

# ruff: noqa: N802 - the contract names the methods

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from pydantic_settings import SettingsConfigDict

from shared.channel import MAX_MESSAGE_BYTES, open_channel
from shared.config import GrpcPort, MetricsPort, ServiceSettings
from shared.server import RpcServer
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import (
    RankingServiceServicer,
    RankingServiceStub,
    add_RankingServiceServicer_to_server,
)

SERVICE = pb.DESCRIPTOR.services_by_name["RankingService"]
SCORE = f"/{SERVICE.full_name}/Score"

Context = grpc.aio.ServicerContext[pb.ScoreRequest, pb.ScoreResponse]

#: What Score does; its `objectives` carry back whatever a test wants to know.
Behaviour = Callable[[pb.ScoreRequest, Context], Awaitable[pb.ScoreResponse]]


class ProbeSettings(ServiceSettings):
    """Settings of the probe: free ports, and no metrics."""

    model_config = SettingsConfigDict(env_prefix="PROBE_")

    host: str = "127.0.0.1"
    port: GrpcPort = 0
    metrics_port: MetricsPort = 0


class Probe(RankingServiceServicer):
    """Behaves in Score as it was told; GetSnapshotStatus always succeeds."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def Score(self, request: pb.ScoreRequest, context: Any) -> pb.ScoreResponse:
        """Does what the test says."""
        return await self._behaviour(request, context)

    async def GetSnapshotStatus(self, _request: pb.GetSnapshotStatusRequest, _context: Any) -> Any:
        """Holds no snapshot."""
        return pb.GetSnapshotStatusResponse()


class Held:
    """A behaviour that waits until it is released."""

    def __init__(self) -> None:
        self.arrivals: asyncio.Queue[str] = asyncio.Queue()
        self.cancelled = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self, request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
        """Waits, and remembers if the caller gave up."""
        self.arrivals.put_nowait(request.snapshot_id)
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return pb.ScoreResponse()


async def answer(_request: pb.ScoreRequest, _context: Context) -> pb.ScoreResponse:
    """A behaviour that succeeds."""
    return pb.ScoreResponse()


@dataclass(frozen=True)
class Running:
    """A server that listens, and a client connected to it."""

    server: RpcServer
    target: str
    channel: grpc.aio.Channel
    stub: Any


def build_server(
    behaviour: Behaviour, settings: ProbeSettings, max_message_bytes: int = MAX_MESSAGE_BYTES, links: str = ""
) -> RpcServer:
    """Returns a server of the probe, not started."""
    server = RpcServer(settings, SERVICE, max_message_bytes, links=links)
    server.offer(add_RankingServiceServicer_to_server, Probe(behaviour))
    return server


@asynccontextmanager
async def serving(
    behaviour: Behaviour = answer, *, max_message_bytes: int = MAX_MESSAGE_BYTES, links: str = "", **settings: Any
) -> AsyncIterator[Running]:
    """Serves in this process, until every call has ended; the client does not retry."""
    server = build_server(behaviour, ProbeSettings(**settings), max_message_bytes, links)
    await server.start()
    target = f"127.0.0.1:{server.port}"
    try:
        async with open_channel(target, retry=False) as channel:
            yield Running(server, target, channel, RankingServiceStub(channel))
    finally:
        await server.stop()


async def server_gone(channel: grpc.aio.Channel) -> None:
    """Returns when a channel that was ready knows that its server has stopped: on a busy machine that is a while later.

    Until then it calls itself ready, and a call may fail on the connection that is about to be closed.
    """
    await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
