"""What surrounds every RPC on the server: request id, error mapping, a limit on what is in flight, metrics, logs, traces.

One interceptor does it all, because in Python each layer around a call costs as much as some of the work inside.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from shared import logs, metrics, tracing
from shared.errors import InvalidArgument, Overloaded, WinnowError
from shared.failures import describe
from shared.status import internal_status, status_of

#: How the methods of health and reflection begin.
_GRPCS_OWN = "/grpc."

Behaviour = Callable[[Any, Any], Awaitable[Any]]

log = structlog.get_logger()


class EdgeInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the RPCs of every service but gRPC's own: health checks and reflection pass untouched.

    They are not counted against the limit either: an orchestrator must get its answer from a busy service.

    Args:
        max_in_flight: How many requests of one method are worked on at once; more get RESOURCE_EXHAUSTED.

    Attributes:
        taken_in: How many calls have come so far; those of gRPC's own services are not among them.
    """

    def __init__(self, max_in_flight: int) -> None:
        self.taken_in = 0
        self._max_in_flight = max_in_flight
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Returns the handler of the RPC, wrapped."""
        method: str = handler_call_details.method
        self.taken_in += not method.startswith(_GRPCS_OWN)
        if (known := self._wrapped.get(method)) is not None:
            return known
        return self.wrapped(method, await continuation(handler_call_details))

    def wrapped(self, method: str, handler: Any) -> Any:
        """Returns a method's handler with what surrounds every call of it."""
        if (known := self._wrapped.get(method)) is not None:
            return known
        if handler is None or method.startswith(_GRPCS_OWN):
            return handler
        if handler.unary_unary is not None:
            wrap, behaviour = grpc.unary_unary_rpc_method_handler, handler.unary_unary
        elif handler.stream_unary is not None:
            wrap, behaviour = grpc.stream_unary_rpc_method_handler, _of_readable(handler.stream_unary)
        elif handler.unary_stream is not None:
            wrap, behaviour = grpc.unary_stream_rpc_method_handler, _writing(handler.unary_stream)
        else:
            return handler
        wrapped = wrap(
            # A bound method: gRPC takes a callable object for a blocking function and runs it in a thread.
            _Edge(method, behaviour, self._max_in_flight).entrance(tracing.active()),
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )
        self._wrapped[method] = wrapped
        return wrapped


class _Undecodable:
    """Stands for a request whose bytes are no message of its type."""


def _tolerant(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """gRPC answers INTERNAL to bytes that do not parse; the caller is to hear that the fault is in the request."""

    def parse(serialized: bytes) -> Any:
        try:
            return deserialize(serialized)
        except DecodeError:
            return _Undecodable()

    return parse


def _of_readable(behaviour: Behaviour) -> Behaviour:
    """Returns the behaviour of a stream of requests, which ends with an error at the first that is no message."""

    async def readable(requests: AsyncIterable[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            _check_readable(request)
            yield request

    async def answer(requests: AsyncIterable[Any], context: Any) -> Any:
        return await behaviour(readable(requests), context)

    return answer


def _writing(behaviour: Callable[[Any, Any], AsyncIterable[Any]]) -> Behaviour:
    """Returns the behaviour that writes a stream of responses one after the other, and has none of its own."""

    async def answer(request: Any, context: Any) -> None:
        async for response in behaviour(request, context):
            await context.write(response)

    return answer


def _check_readable(request: Any) -> None:
    if isinstance(request, _Undecodable):
        raise InvalidArgument("request", "cannot be parsed as a message of its type")


class _Edge:
    """One method with what surrounds it."""

    def __init__(self, method: str, behaviour: Behaviour, max_in_flight: int) -> None:
        self._method = method
        self._behaviour = behaviour
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._seconds = metrics.RPC_SECONDS.labels(method)
        self._gauge = metrics.RPC_IN_FLIGHT.labels(method)
        self._ok = metrics.RPC_TOTAL.labels(method, "OK")
        # Looked up once: a line that is not written costs a quarter of all that surrounds a call.
        self._logs_success: bool = log.is_enabled_for(logging.DEBUG)

    def entrance(self, tracer: tracing.Tracer | None) -> Behaviour:
        """Returns what answers a call; without a tracer nothing of tracing is in its way."""
        return self.answer if tracer is None else partial(self._answer_traced, tracer)

    async def _answer_traced(self, tracer: tracing.Tracer, request: Any, context: Any) -> Any:
        with tracer.serving(self._method, context.invocation_metadata() or ()) as call:
            try:
                response = await self.answer(request, context)
            except grpc.aio.AbortError:
                call.ended(context.code().name)
                raise
            except asyncio.CancelledError:
                call.ended("CANCELLED")
                raise
            call.ended("OK")
            return response

    async def answer(self, request: Any, context: Any) -> Any:
        token = logs.request_id.set(logs.incoming_request_id(context.invocation_metadata()))
        started = time.perf_counter()
        self._in_flight += 1
        self._gauge.inc()
        try:
            self._admit(request)
            response = await self._behaviour(request, context)
        except WinnowError as error:
            status = status_of(error)
            self._count(status.code.name, started, reason=error.reason, problem=error.message[:200])
            await abort(context, status)
        except grpc.aio.AbortError:
            self._count(context.code().name, started)
            raise
        except asyncio.CancelledError:  # the caller gave up, its deadline passed, or the drain ran out of time
            self._count("CANCELLED", started)
            raise
        except Exception as error:  # the edge is the last to see it; its text may quote the request
            log.error("unexpected error", method=self._method, error=describe(error))
            self._count("INTERNAL", started)
            await abort(context, internal_status(logs.request_id.get()))
        else:
            seconds = time.perf_counter() - started
            self._ok.inc()
            self._seconds.observe(seconds)
            if self._logs_success:
                log.debug("rpc", method=self._method, code="OK", milliseconds=round(seconds * 1e3, 3))
            return response
        finally:
            self._in_flight -= 1
            self._gauge.dec()
            logs.request_id.reset(token)

    def _admit(self, request: Any) -> None:
        if self._in_flight > self._max_in_flight:
            raise Overloaded(f"more than {self._max_in_flight} requests are in flight; try again later")
        _check_readable(request)

    def _count(self, code: str, started: float, **details: str) -> None:
        seconds = time.perf_counter() - started
        metrics.RPC_TOTAL.labels(self._method, code).inc()
        self._seconds.observe(seconds)
        log.info("rpc", method=self._method, code=code, milliseconds=round(seconds * 1e3, 3), **details)


async def abort(context: Any, status: grpc.Status) -> None:
    """Ends the RPC with `status`; grpc.aio has no `abort_with_status`."""
    await context.abort(status.code, status.details, status.trailing_metadata)
