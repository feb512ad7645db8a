"""Answers calls that come over a stream, each as if it had come by itself."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc

from shared.exchange.context import ExchangedCall
from winnow.exchange.v1 import exchange_service_pb2 as pb
from winnow.exchange.v1.exchange_service_pb2_grpc import ExchangeServiceServicer

Handler = Any


class ExchangeServicer(ExchangeServiceServicer):
    """Offers the unary methods of a server.

    Args:
        methods: The handlers by full name, with all that surrounds a call.
    """

    def __init__(self, methods: Mapping[str, Handler]) -> None:
        self._methods = methods
        self._draining = False
        self._reading: set[asyncio.Task[Any]] = set()

    async def Exchange(self, _requests: Any, context: Any) -> None:
        """Answers one request after the other until the caller ends the stream, or the drain begins."""
        task = asyncio.current_task()
        while not self._draining:
            self._reading.add(task)
            try:
                message = await context.read()
            except asyncio.CancelledError:
                if not self._draining:
                    raise
                task.uncancel()
                break
            finally:
                self._reading.discard(task)
            if message is grpc.aio.EOF:
                return
            await context.write(await self._answer(message))
        await context.abort(grpc.StatusCode.UNAVAILABLE, "draining")

    def drain(self) -> None:
        """Ends the streams that wait for a request now, and the others after their answer."""
        self._draining = True
        for task in self._reading:
            task.cancel()

    async def _answer(self, message: pb.ExchangeRequest) -> pb.ExchangeResponse:
        handler = self._methods.get(message.method)
        if handler is None:
            return pb.ExchangeResponse(code=grpc.StatusCode.UNIMPLEMENTED.value[0], message="no such method here")
        call = ExchangedCall([(entry.key, entry.value) for entry in message.metadata])
        try:
            response = await handler.unary_unary(handler.request_deserializer(message.request), call)
        except grpc.aio.AbortError:
            return pb.ExchangeResponse(
                code=call.code().value[0], message=call.details, status_details=call.status_details
            )
        return pb.ExchangeResponse(response=handler.response_serializer(response))
