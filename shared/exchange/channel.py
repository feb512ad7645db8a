"""Calls unary methods over streams that stay open."""

import asyncio
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast
from weakref import WeakSet

import grpc

from shared.exchange.context import STATUS_DETAILS_KEY
from shared.exchange.links import MAX_AGE, Links
from shared.exchange.stream import ExchangeStream, failure
from winnow.exchange.v1 import exchange_service_pb2 as pb
from winnow.exchange.v1.exchange_service_pb2_grpc import ExchangeServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")

#: Seconds after which a server that does not know streams is tried again: it may have been replaced by a newer one.
REFUSAL_SECONDS = 60.0

_UNAVAILABLE: int = grpc.StatusCode.UNAVAILABLE.value[0]
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class ExchangeChannel(grpc.aio.Channel):
    """A channel whose unary calls go over links or open streams, one call at a time each; it opens as many as are needed.

    What a unary method returns is only to be awaited. It takes `timeout` and `metadata`, whose entries in bytes are left
    out, and fails as a call of its own would. Towards a server that does not offer streams, calls are calls.

    Args:
        channel: To the service. Its balancing and its retries hold for the streams.
        clock: Tells seconds.
        links: To the same service: what has a link free goes over it instead of a stream.
    """

    def __init__(
        self, channel: grpc.aio.Channel, clock: Callable[[], float] = time.monotonic, links: Links | None = None
    ) -> None:
        self._channel = channel
        self._links = links
        self._clock = clock
        self._open = ExchangeServiceStub(channel).Exchange
        self._streams: WeakSet[ExchangeStream] = WeakSet()
        self._idle: list[ExchangeStream] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._refused_until = float("-inf")

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Request], bytes] | None = None,
        response_deserializer: Callable[[bytes], Response] | None = None,
        _registered_method: bool | None = False,
    ) -> "grpc.aio.UnaryUnaryMultiCallable[Request, Response]":
        """Returns a method that is called over the streams."""
        plain = self._channel.unary_unary(method, request_serializer, response_deserializer)
        exchanged = _ExchangedMethod(
            self, method, request_serializer or _as_it_is, response_deserializer or _as_it_is, plain
        )
        return cast("grpc.aio.UnaryUnaryMultiCallable[Request, Response]", exchanged)

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._channel.unary_stream(*arguments, **named)

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._channel.stream_unary(*arguments, **named)

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._channel.stream_stream(*arguments, **named)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """See `grpc.aio.Channel`."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """See `grpc.aio.Channel`."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """See `grpc.aio.Channel`."""
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Ends the streams, and closes the channel."""
        if self._links is not None:
            await self._links.close()
        for stream in self._streams:
            stream.cancel()
        self._idle.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._channel.close(grace)

    @property
    def is_refused(self) -> bool:
        """Whether the server was found, a while ago, not to offer streams."""
        return self._clock() < self._refused_until

    @property
    def carries_calls(self) -> bool:
        """Whether a call may go another way than as a call of its own."""
        return self._links is not None or not self.is_refused

    async def exchange(self, request: pb.ExchangeRequest, until: float | None) -> pb.ExchangeResponse | None:
        """Returns what became of a call; None where it is to be made as a call of its own.

        Args:
            request: The call.
            until: When to give up, in the loop's time; None never does.

        Raises:
            AioRpcError: it was sent, and no answer came.
        """
        if (response := await self._over_link(request, until)) is not None:
            return response
        if self.is_refused:
            return None
        if (stream := self._take_idle()) is not None:
            try:
                response = await stream.ask(request, until)
            except grpc.aio.AioRpcError as error:
                # What has ended meanwhile, because its server stops or its connection is old, says nothing of the next.
                if error.code() is not grpc.StatusCode.UNAVAILABLE and not _was_not_sent(stream, error):
                    raise
            else:
                self._idle.append(stream)
                return response
        stream = ExchangeStream(self._open(), self._clock())
        self._streams.add(stream)
        try:
            response = await stream.ask(request, until)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                self._refused_until = self._clock() + REFUSAL_SECONDS
            elif not _was_not_sent(stream, error):
                raise
            return None
        self._idle.append(stream)
        return response

    async def _over_link(self, request: pb.ExchangeRequest, until: float | None) -> pb.ExchangeResponse | None:
        """Returns the answer; None without a free link, or where the service is not to be had, which gRPC knows to retry."""
        if self._links is None or (link := self._links.take()) is None:
            return None
        try:
            response = await link.ask(request, until)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return None
        finally:
            self._links.give_back(link)
        return None if response.code == _UNAVAILABLE else response

    def _take_idle(self) -> ExchangeStream | None:
        """Returns a stream that can be used again, and ends those that are too old. The last that was used comes first."""
        oldest = self._clock() - MAX_AGE
        while self._idle:
            stream = self._idle.pop()
            if stream.is_over:
                continue
            if stream.opened > oldest:
                return stream
            task = asyncio.get_running_loop().create_task(stream.end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        return None


def _was_not_sent(stream: ExchangeStream, error: grpc.aio.AioRpcError) -> bool:
    """Whether gRPC could not send the request; where the other side has just ended the stream it does not say why."""
    return not stream.sent and error.code() is grpc.StatusCode.INTERNAL


class _ExchangedMethod(Generic[Request, Response]):
    """A unary method."""

    def __init__(
        self,
        channel: ExchangeChannel,
        name: str,
        serialize: Callable[[Request], bytes],
        deserialize: Callable[[bytes], Response],
        plain: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
    ) -> None:
        self._channel = channel
        self._name = name
        self._serialize = serialize
        self._deserialize = deserialize
        self._plain = plain

    async def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as gRPC names it
        metadata: Iterable[tuple[str, str]] | None = None,
    ) -> Response:
        """Calls it."""
        if not self._channel.carries_calls:
            return await self._plain(request, timeout=timeout, metadata=_of_a_call(metadata))
        message = pb.ExchangeRequest(
            method=self._name,
            request=self._serialize(request),
            metadata=[
                pb.MetadataEntry(key=key, value=value) for key, value in metadata or () if not key.endswith("-bin")
            ],
        )
        loop = asyncio.get_running_loop()
        until = None if timeout is None else loop.time() + timeout
        response = await self._channel.exchange(message, until)
        if response is None:
            left = None if until is None else until - loop.time()
            return await self._plain(request, timeout=left, metadata=_of_a_call(metadata))
        if response.code:
            raise _failed(response)
        return self._deserialize(response.response)


def _failed(response: pb.ExchangeResponse) -> grpc.aio.AioRpcError:
    details = ((STATUS_DETAILS_KEY, response.status_details),) if response.status_details else ()
    return failure(_CODES.get(response.code, grpc.StatusCode.UNKNOWN), response.message, details)


def _of_a_call(metadata: Iterable[tuple[str, str]] | None) -> grpc.aio.Metadata:
    return grpc.aio.Metadata(*(metadata or ()))


def _as_it_is(message: Any) -> Any:
    return message
