"""Calls over open streams to a probe, and a view of the streams."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import grpc

from shared.channel import MAX_MESSAGE_BYTES, open_channel
from shared.exchange.channel import ExchangeChannel
from shared.status import error_info
from tests.contract.shared.probe import Behaviour, Running, answer, serving
from winnow.exchange.v1 import exchange_service_pb2 as exchange_pb
from winnow.exchange.v1.exchange_service_pb2_grpc import ExchangeServiceStub
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub


class WatchedChannel:
    """A channel that remembers the streams that it opened."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self.streams: list[Any] = []

    def stream_stream(self, *arguments: Any, **named: Any) -> Callable[[], Any]:
        """Returns what opens a stream, and remembers it."""
        opens = self._channel.stream_stream(*arguments, **named)

        def opened() -> Any:
            self.streams.append(opens())
            return self.streams[-1]

        return opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


@dataclass
class Clock:
    """Stands still until it is moved.

    Attributes:
        seconds: What it says.
    """

    seconds: float = 0.0

    def __call__(self) -> float:
        """Tells the seconds."""
        return self.seconds


@dataclass
class Exchange:
    """A client that calls over streams.

    Attributes:
        channel: What it calls over.
        watched: Knows the streams.
        clock: Decides how old they are.
        stub: Of the probe.
    """

    channel: ExchangeChannel
    watched: WatchedChannel
    clock: Clock
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = RankingServiceStub(self.channel)

    @property
    def streams(self) -> list[Any]:
        """Every stream that was opened, in order."""
        return self.watched.streams


@asynccontextmanager
async def exchange_with(target: str, retry: bool = False) -> AsyncIterator[Exchange]:
    """Connects to a server over a connection of its own."""
    watched, clock = WatchedChannel(open_channel(target, retry)), Clock()
    async with ExchangeChannel(cast("grpc.aio.Channel", watched), clock) as channel:
        yield Exchange(channel, watched, clock)


@asynccontextmanager
async def exchanging(
    behaviour: Behaviour = answer, *, retry: bool = False, max_message_bytes: int = MAX_MESSAGE_BYTES, **settings: Any
) -> AsyncIterator[tuple[Running, Exchange]]:
    """Serves in this process, as `serving` does, to a client that calls over streams."""
    async with (
        serving(behaviour, max_message_bytes=max_message_bytes, **settings) as running,
        exchange_with(running.target, retry) as exchange,
    ):
        yield running, exchange


@asynccontextmanager
async def raw_stream(channel: grpc.aio.Channel) -> AsyncIterator[Callable[[bytes], Any]]:
    """Opens a stream by hand; gives what sends bytes and reads the answer."""
    name = f"/{exchange_pb.DESCRIPTOR.services_by_name['ExchangeService'].full_name}/Exchange"
    stream: Any = channel.stream_stream(name, None, exchange_pb.ExchangeResponse.FromString)()

    async def ask(request: bytes) -> Any:
        await stream.write(request)
        return await stream.read()

    yield ask
    await stream.done_writing()
    assert await stream.code() is grpc.StatusCode.OK


def open_stream(channel: grpc.aio.Channel) -> Any:
    """Opens a stream as generated stubs do."""
    return ExchangeServiceStub(channel).Exchange()


async def outcome(call: Any) -> tuple[object, ...]:
    """Returns all that a caller learns of how a call ended."""
    try:
        return "OK", (await call).SerializeToString()
    except grpc.aio.AioRpcError as error:
        info = error_info(error)
        said = () if info is None else (info.domain, info.reason, sorted(info.metadata.items()))
        return error.code().name, error.details(), *said
