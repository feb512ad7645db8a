"""Answers calls that come over a stream, each as if it had come by itself."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from shared import logs
from shared.errors import InvalidArgument
from shared.exchange.context import STATUS_DETAILS_KEY, ExchangedCall
from shared.exchange.offered import UnaryHandler
from shared.failures import describe
from shared.status import internal_status, status_of
from winnow.exchange.v1 import exchange_service_pb2 as pb
from winnow.exchange.v1.exchange_service_pb2_grpc import ExchangeServiceServicer

#: Of the contract.
MAX_METADATA = 1024

log = structlog.get_logger()


class ExchangeServicer(ExchangeServiceServicer):
    """Offers the unary methods of a server.

    Args:
        methods: Their handlers by full name, with all that surrounds a call.
    """

    def __init__(self, methods: Mapping[str, UnaryHandler]) -> None:
        self._methods = methods
        self._draining = asyncio.Event()
        self._reading: set[asyncio.Task[Any]] = set()

    async def Exchange(self, _requests: Any, context: Any) -> None:  # type: ignore[override]  # noqa: N802
        """Answers one request after the other until the caller ends the stream, or the drain begins."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC runs every call in one
        while not self._draining.is_set():
            self._reading.add(task)
            try:
                message = await context.read()
            except DecodeError:
                await context.write(_no_request())
                continue
            except asyncio.CancelledError:
                if not self._draining.is_set():
                    raise
                task.uncancel()  # `drain` did it
                break
            finally:
                self._reading.discard(task)
            if message is grpc.aio.EOF:
                return
            response = await self.answer(message)
            if response.code == _UNAVAILABLE:
                # The whole stream: so the caller's channel retries as it would retry the call, on another replica too.
                await context.abort(
                    grpc.StatusCode.UNAVAILABLE, response.message, _trailing_metadata(response.status_details)
                )
            await context.write(response)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "this server is about to stop")

    def drain(self) -> None:
        """Ends the streams that wait for a request now, and the others after their answer."""
        self._draining.set()
        for task in self._reading:
            task.cancel()
        self._reading.clear()  # none is to be cancelled twice

    async def answer_serialized(self, message: bytes) -> bytes:
        """Answers an ExchangeRequest with an ExchangeResponse, both serialized."""
        try:
            request = pb.ExchangeRequest.FromString(message)
        except DecodeError:
            return _no_request().SerializeToString()
        return (await self.answer(request)).SerializeToString()

    async def answer(self, message: pb.ExchangeRequest) -> pb.ExchangeResponse:
        """Answers one call; whatever is wrong is in the response."""
        handler = self._methods.get(message.method)
        if handler is None:
            return pb.ExchangeResponse(code=_UNIMPLEMENTED, message="no unary method of this server has that name")
        if len(message.metadata) > MAX_METADATA:
            return _failed(status_of(InvalidArgument("metadata", f"must have at most {MAX_METADATA} entries")))
        call = ExchangedCall([(entry.key, entry.value) for entry in message.metadata])
        try:
            response = await handler.unary_unary(handler.request_deserializer(message.request), call)
            return pb.ExchangeResponse(response=handler.response_serializer(response))
        except grpc.aio.AbortError:
            return _response_of(call)
        except Exception as error:  # what surrounds a call has let it through: a response that is none of the method's
            request_id = logs.incoming_request_id(call.invocation_metadata())
            log.error("unexpected error", method=message.method, error=describe(error), request_id=request_id)
            return _failed(internal_status(request_id))


_UNIMPLEMENTED: int = grpc.StatusCode.UNIMPLEMENTED.value[0]
_UNAVAILABLE: int = grpc.StatusCode.UNAVAILABLE.value[0]


def _no_request() -> pb.ExchangeResponse:
    return _failed(status_of(InvalidArgument("request", "is no ExchangeRequest")))


def _failed(status: grpc.Status) -> pb.ExchangeResponse:
    call = ExchangedCall(())
    call.fail(status.code, status.details, status.trailing_metadata or ())
    return _response_of(call)


def _response_of(call: ExchangedCall) -> pb.ExchangeResponse:
    return pb.ExchangeResponse(code=call.code().value[0], message=call.message, status_details=call.status_details)


def _trailing_metadata(status_details: bytes) -> tuple[tuple[str, bytes], ...]:
    return ((STATUS_DETAILS_KEY, status_details),) if status_details else ()
