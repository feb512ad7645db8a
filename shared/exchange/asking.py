"""Calls unary methods over streams that stay open."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import grpc

from shared.exchange.context import STATUS_DETAILS_KEY
from winnow.exchange.v1 import exchange_service_pb2 as pb
from winnow.exchange.v1.exchange_service_pb2_grpc import ExchangeServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")

#: Seconds after which a stream is replaced, so that calls find their way to all replicas, new ones too.
MAX_AGE = 1.0

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ExchangeChannel:
    """Stands for a channel under a stub: its unary methods go over open streams, one call at a time each.

    Args:
        channel: To the service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._open = ExchangeServiceStub(channel).Exchange
        self._idle: list[_Stream] = []
        self._closing: set[asyncio.Task[None]] = set()

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool | None = False,
    ) -> "_Method":
        return _Method(self, method, request_serializer, response_deserializer)

    def stream_unary(self, *args, **kwargs):
        return self._channel.stream_unary(*args, **kwargs)

    def unary_stream(self, *args, **kwargs):
        return self._channel.unary_stream(*args, **kwargs)

    def stream_stream(self, *args, **kwargs):
        return self._channel.stream_stream(*args, **kwargs)

    async def exchange(self, request: pb.ExchangeRequest, timeout: float) -> pb.ExchangeResponse:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while self._idle:
            stream = self._idle.pop()
            if stream.is_fresh():
                try:
                    response = await stream.ask(request, until)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
                    break
                self._idle.append(stream)
                return response
            stream.close()
        stream = _Stream(self._open())
        response = await stream.ask(request, until)
        self._idle.append(stream)
        return response


class _Stream:
    def __init__(self, call) -> None:
        self._call = call
        self._born = time.monotonic()
        self._expired = False

    def is_fresh(self):
        return time.monotonic() - self._born < MAX_AGE and not self._call.done()

    def close(self):
        self._call.cancel()

    async def ask(self, request, until):
        timer = asyncio.get_running_loop().call_at(until, self._expire)
        try:
            await self._call.write(request)
            response = await self._call.read()
        except asyncio.CancelledError:
            self._call.cancel()
            if self._expired:
                raise grpc.aio.AioRpcError(
                    grpc.StatusCode.DEADLINE_EXCEEDED, grpc.aio.Metadata(), grpc.aio.Metadata(), "no answer in time"
                ) from None
            raise
        finally:
            timer.cancel()
        if response is grpc.aio.EOF:
            raise grpc.aio.AioRpcError(
                await self._call.code(), grpc.aio.Metadata(), grpc.aio.Metadata(), "the stream ended"
            )
        return response

    def _expire(self):
        self._expired = True
        self._call.cancel()


class _Method:
    def __init__(self, exchange, method, serialize, deserialize):
        self._exchange = exchange
        self._method = method
        self._serialize = serialize
        self._deserialize = deserialize

    async def __call__(self, request, timeout=None, metadata=()):
        message = pb.ExchangeRequest(
            method=self._method,
            request=self._serialize(request),
            metadata=[pb.MetadataEntry(key=key, value=value) for key, value in metadata],
        )
        response = await self._exchange.exchange(message, timeout)
        if response.code:
            raise grpc.aio.AioRpcError(
                _CODES[response.code],
                grpc.aio.Metadata(),
                grpc.aio.Metadata((STATUS_DETAILS_KEY, response.status_details)),
                response.message,
            )
        return self._deserialize(response.response)
