"""Calls over links to a probe."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import grpc

from shared.channel import open_channel
from shared.exchange.channel import ExchangeChannel
from shared.exchange.frames import FrameBuffer, framed
from shared.exchange.link_address import LinkAddress
from shared.exchange.links import Links
from tests.contract.shared.exchanging import Clock, WatchedChannel
from tests.contract.shared.probe import Behaviour, Running, answer, serving
from winnow.exchange.v1 import exchange_service_pb2 as exchange_pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub

_NAMES = count()


def fresh_address() -> str:
    """An address that nothing listens at."""
    return f"unix-abstract:winnow-test-{os.getpid()}-{next(_NAMES)}"


@dataclass
class Linked:
    """A client that calls over links.

    Attributes:
        channel: What it calls over.
        links: Its links.
        watched: Knows the streams that were needed beside them.
        clock: Decides how old the links are.
        stub: Of the probe.
    """

    channel: ExchangeChannel
    links: Links
    watched: WatchedChannel
    clock: Clock
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = RankingServiceStub(self.channel)

    @property
    def streams(self) -> int:
        """How many streams were opened."""
        return len(self.watched.streams)

    async def opened(self) -> None:
        """Waits until a link is open."""
        async with asyncio.timeout(60):
            while True:
                await asyncio.sleep(0)
                if (link := self.links.take()) is not None:
                    break
        self.links.give_back(link)


@asynccontextmanager
async def linked_to(target: str, address: LinkAddress, retry: bool = False) -> AsyncIterator[Linked]:
    """Connects to a server that may take links at an address; no link is open yet."""
    watched, clock = WatchedChannel(open_channel(target, retry)), Clock()
    links = Links(address, clock)
    async with ExchangeChannel(cast("grpc.aio.Channel", watched), clock, links) as channel:
        yield Linked(channel, links, watched, clock)


@asynccontextmanager
async def linking(behaviour: Behaviour = answer, **settings: Any) -> AsyncIterator[tuple[Running, Linked]]:
    """Serves in this process, as `serving` does, to a client that has a link open."""
    address = fresh_address()
    async with (
        serving(behaviour, links=address, **settings) as running,
        linked_to(running.target, LinkAddress.parse(address)) as client,
    ):
        await client.opened()
        yield running, client


@asynccontextmanager
async def raw_link(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Opens a link by hand."""
    connected = await LinkAddress.parse(address).connect(0)
    reader, writer = await asyncio.open_connection(sock=connected)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def read_response(reader: asyncio.StreamReader, buffer: FrameBuffer) -> exchange_pb.ExchangeResponse:
    """Reads the next response by hand.

    Raises:
        EOFError: the link was closed.
    """
    while (message := buffer.take()) is None:
        if not (piece := await reader.read(65536)):
            raise EOFError
        buffer.feed(piece)
    return exchange_pb.ExchangeResponse.FromString(message)


def request_frame(method: str, request: bytes) -> bytes:
    """A call as it goes over a link."""
    return framed(exchange_pb.ExchangeRequest(method=method, request=request).SerializeToString())
