"""The links to a service."""

import asyncio
import time
from collections.abc import Callable

from shared.exchange.link import Link
from shared.exchange.link_address import LinkAddress

#: Seconds after which a link is replaced, so that calls find their way to all replicas, new ones too.
MAX_AGE = 1.0

#: Seconds after a connection that was refused until the next is tried.
RETRY_SECONDS = 0.5

#: Seconds that a connection may take.
_CONNECT_SECONDS = 5.0


class Links:
    """Keeps links open for calls to come. No call waits for a connection: where no link is free, one is opened meanwhile.

    Args:
        address: Where the service takes links.
        clock: Tells seconds.
    """

    def __init__(self, address: LinkAddress, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self._clock = clock
        self._idle: list[Link] = []
        self._busy: set[Link] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._opened = 0
        self._not_before = float("-inf")

    def take(self) -> Link | None:
        """Returns a link that is free, for one call; None where there is none."""
        oldest = self._clock() - MAX_AGE
        while self._idle:
            link = self._idle.pop()
            if link.is_over:
                continue
            if link.opened <= oldest:
                self._connect()
            self._busy.add(link)
            return link
        self._connect()
        return None

    def give_back(self, link: Link) -> None:
        """Keeps a link for the next call, unless it is old and there is a younger one."""
        self._busy.discard(link)
        if link.is_over:
            return
        oldest = self._clock() - MAX_AGE
        young = [one for one in self._idle if one.opened > oldest]
        if not young:
            self._idle.append(link)
            return
        for one in (link, *self._idle):
            if one.opened <= oldest:
                one.close()
        self._idle = [*young, link] if link.opened > oldest else young

    async def close(self) -> None:
        """Closes all of them."""
        self._not_before = float("inf")
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        for link in (*self._idle, *self._busy):
            link.close()
        self._idle.clear()
        self._busy.clear()

    def _connect(self) -> None:
        """Opens one more, unless one is being opened or could not be a moment ago."""
        if self._connecting is None and self._clock() >= self._not_before:
            self._connecting = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                connected = await self._address.connect(self._opened)
                link = Link(self._clock())
                await loop.create_connection(lambda: link, sock=connected)
        except (OSError, ValueError):
            # A service that takes none or is not there, or a name that is none: calls go another way.
            self._not_before = max(self._not_before, self._clock() + RETRY_SECONDS)
        else:
            self._idle.append(link)
        finally:
            self._opened += 1
            self._connecting = None
