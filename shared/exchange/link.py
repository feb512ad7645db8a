"""One connection that carries calls, as its client sees it."""

import asyncio
from typing import cast

import grpc

from shared.exchange.frames import FrameBuffer, FrameTooLarge, framed
from shared.exchange.stream import failure
from winnow.exchange.v1 import exchange_service_pb2 as pb


class Link(asyncio.Protocol):
    """Carries one call at a time. Once one has failed to be answered, the link is closed.

    Args:
        opened: When, by the clock of whoever keeps it.

    Attributes:
        opened: When.
    """

    def __init__(self, opened: float) -> None:
        self.opened = opened
        self._transport: asyncio.Transport | None = None
        self._frames = FrameBuffer()
        self._answer: asyncio.Future[bytes] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was closed, from either side."""
        return self._transport is None or self._transport.is_closing()

    async def ask(self, request: pb.ExchangeRequest, until: float | None) -> pb.ExchangeResponse:
        """Returns the answer to a request.

        Args:
            request: The call.
            until: When to give up, in the loop's time; None never does.

        Raises:
            AioRpcError: the link was closed without an answer (UNAVAILABLE), time is up (DEADLINE_EXCEEDED), or what came
                is no answer (INTERNAL). After it the link is closed, so that nobody else ever reads an answer that comes
                late, and the server cancels the work.
        """
        if self._transport is None or self._transport.is_closing():
            raise failure(grpc.StatusCode.UNAVAILABLE, "the link was closed")
        loop = asyncio.get_running_loop()
        self._answer = answer = loop.create_future()
        self._transport.write(framed(request.SerializeToString()))
        timer = None if until is None else loop.call_at(until, self._expire)
        try:
            return pb.ExchangeResponse.FromString(await answer)
        except grpc.aio.AioRpcError:
            self.close()
            raise
        except asyncio.CancelledError:
            self.close()
            raise
        except Exception as error:  # it is no message
            self.close()
            raise failure(grpc.StatusCode.INTERNAL, "what came over the link is no answer") from error
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Closes it at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._frames.feed(data)
        try:
            message = self._frames.take()
        except FrameTooLarge as error:
            self._fail(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
            return
        if message is None:
            return
        if self._answer is None or self._answer.done() or not self._frames.is_empty:
            self._fail(grpc.StatusCode.INTERNAL, "more came over the link than was asked for")
            self.close()
        else:
            self._answer.set_result(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """See `asyncio.Protocol`."""
        self._fail(grpc.StatusCode.UNAVAILABLE, "the link was closed without an answer")

    def _expire(self) -> None:
        self._fail(grpc.StatusCode.DEADLINE_EXCEEDED, "there was no answer in time")

    def _fail(self, code: grpc.StatusCode, message: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(failure(code, message))
