"""Answers calls that come over links."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

import structlog

from shared.exchange.frames import FrameBuffer, FrameTooLarge, framed
from shared.exchange.link_address import LinkAddress

#: Answers a serialized ExchangeRequest with a serialized ExchangeResponse.
Answer = Callable[[bytes], Awaitable[bytes]]

log = structlog.get_logger()


class LinkListener:
    """Takes links at an address.

    Args:
        address: Where.
        answer: Answers a call. It does not raise.
        share_port: Whether other processes take links there too.
    """

    def __init__(self, address: LinkAddress, answer: Answer, share_port: bool = False) -> None:
        self._address = address
        self._answer = answer
        self._share_port = share_port
        self._served: set[_ServedLink] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Starts listening.

        Raises:
            OSError: the address cannot be had.
        """
        bound = await self._address.bind(self._share_port)
        loop = asyncio.get_running_loop()
        create = loop.create_unix_server if self._address.is_local else loop.create_server
        self._server = await create(lambda: _ServedLink(self._answer, self._served), sock=bound)

    def drain(self) -> None:
        """Takes no more links, closes those that wait for a call now, and the others after their answer."""
        if self._server is not None:
            self._server.close()
        for link in list(self._served):
            link.drain()

    async def stop(self, grace: float) -> None:
        """Drains, and closes what is still busy after `grace` seconds."""
        self.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                for link in list(self._served):
                    await link.closed.wait()
        for link in list(self._served):
            link.abort()


class _ServedLink(asyncio.Protocol):
    """One link, as its server sees it. Its calls are answered one after the other; losing it cancels the call.

    Attributes:
        task: Answers the call that came last; None while there is none.
        closed: Set once it is, and all that was answered has gone.
    """

    def __init__(self, answer: Answer, served: "set[_ServedLink]") -> None:
        self.task: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()
        self._answer = answer
        self._served = served
        self._frames = FrameBuffer()
        self._draining = False
        self._written = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._served.add(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._frames.feed(data)
        if self.task is None:
            self._go_on()
        else:
            self._transport.pause_reading()  # whoever asks before the answer has come waits

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._written = False

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._written = True
        if self.task is None:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """See `asyncio.Protocol`."""
        self._served.discard(self)
        self.closed.set()
        if self.task is not None:
            self.task.cancel()

    def drain(self) -> None:
        """Closes it, after the answer if there is a call."""
        self._draining = True
        if self.task is None:
            self._transport.close()

    def abort(self) -> None:
        """Closes it at once."""
        self._transport.abort()

    def _go_on(self) -> None:
        """Begins with the next call, if it is all there and the answer before it has gone."""
        if not self._written or self._transport.is_closing():
            return
        try:
            request = self._frames.take()
        except FrameTooLarge as error:
            log.warning("a link was closed", problem=str(error))
            self._transport.abort()
            return
        if request is not None:
            self.task = asyncio.get_running_loop().create_task(self._respond(request))

    async def _respond(self, request: bytes) -> None:
        try:
            response = await self._answer(request)
        except BaseException:  # it was cancelled, from whatever side: the caller is not to wait for an answer
            self._transport.abort()
            raise
        finally:
            self.task = None
        if self._transport.is_closing():
            return
        self._transport.write(framed(response))
        if self._draining:
            self._transport.close()
        else:
            self._transport.resume_reading()
            self._go_on()
