"""One open stream, as its client sees it."""

import asyncio

import grpc

from winnow.exchange.v1 import exchange_service_pb2 as pb

#: Seconds that a server has to end a stream that its client has ended.
_ENDING_SECONDS = 5.0


class ExchangeStream:
    """Carries one call at a time. Once one has failed to be answered, the stream is over.

    Args:
        call: The stream's.
        opened: When, by the clock of whoever keeps it.

    Attributes:
        opened: When.
        sent: Whether the last request was sent, for all that is known.
    """

    def __init__(
        self, call: "grpc.aio.StreamStreamCall[pb.ExchangeRequest, pb.ExchangeResponse]", opened: float
    ) -> None:
        self._call = call
        self._expired = False
        self.opened = opened
        self.sent = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended, from either side."""
        return self._call.done()

    async def ask(self, request: pb.ExchangeRequest, until: float | None) -> pb.ExchangeResponse:
        """Returns the answer to a request.

        Args:
            request: The call.
            until: When to give up, in the loop's time; None never does.

        Raises:
            AioRpcError: the stream failed, or ended without an answer (UNAVAILABLE), or time is up (DEADLINE_EXCEEDED).
                After it the stream is over, so that nobody else ever reads an answer that comes late.
        """
        if until is None:
            return await self._ask(request)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC needs one too
        cancelled_before = task.cancelling()
        # As `asyncio.timeout` does it, at less cost. Cancelling the stream alone would not wake up a caller who waits for
        # its connection.
        timer = asyncio.get_running_loop().call_at(until, self._expire, task)
        try:
            return await self._ask(request)
        except (asyncio.CancelledError, grpc.aio.AioRpcError) as error:
            if self._expired and task.uncancel() <= cancelled_before:
                raise failure(grpc.StatusCode.DEADLINE_EXCEEDED, "there was no answer in time") from error
            raise
        finally:
            timer.cancel()

    def cancel(self) -> None:
        """Ends it at once, from this side."""
        self._call.cancel()

    async def end(self) -> None:
        """Tells the server that no more is to come, and waits until it has ended the stream too."""
        try:
            async with asyncio.timeout(_ENDING_SECONDS):
                await self._call.done_writing()
                await self._call.read()
        except (TimeoutError, grpc.RpcError):
            pass
        finally:
            self._call.cancel()

    async def _ask(self, request: pb.ExchangeRequest) -> pb.ExchangeResponse:
        self.sent = False
        try:
            await self._call.write(request)
            self.sent = True
            response = await self._call.read()
        except BaseException:
            self._call.cancel()
            raise
        if not isinstance(response, pb.ExchangeResponse):
            raise failure(grpc.StatusCode.UNAVAILABLE, "the stream ended without an answer")
        return response

    def _expire(self, task: "asyncio.Task[object]") -> None:
        self._expired = True
        task.cancel()


def failure(
    code: grpc.StatusCode, message: str, trailing_metadata: tuple[tuple[str, bytes], ...] = ()
) -> grpc.aio.AioRpcError:
    """Returns the error of a call that failed, as gRPC itself would raise it."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing_metadata), message)
