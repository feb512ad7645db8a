"""A port that counts who connects to it, hangs up on them or lets them in late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Door:
    """What stands before a server, or before nothing.

    Args:
        behind: The address of the server; who connects is hung up on when None.

    Attributes:
        port: The port, on loopback.
        opened: Once it is set, connections are let through to the server. Until then nobody says anything on them.
    """

    def __init__(self, behind: str | None = None) -> None:
        self.port = 0
        self.opened = asyncio.Event()
        self._behind = behind
        self._connections = 0
        self._news = asyncio.Condition()

    @property
    def target(self) -> str:
        """The address."""
        return f"127.0.0.1:{self.port}"

    async def reached(self, connections: int) -> None:
        """Waits until so many connections have been made, from the first."""
        async with self._news:
            await self._news.wait_for(lambda: self._connections >= connections)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Counts a connection, and does with it as the class says."""
        async with self._news:
            self._connections += 1
            self._news.notify_all()
        if self._behind is None:
            writer.close()
            return
        await self.opened.wait()
        host, port = self._behind.split(":")
        from_server, to_server = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))


@asynccontextmanager
async def standing(door: Door) -> AsyncIterator[Door]:
    """Listens at a door; the port is free afterwards."""
    server = await asyncio.start_server(door.answer, "127.0.0.1", 0)
    door.port = server.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
    finally:
        writer.close()
