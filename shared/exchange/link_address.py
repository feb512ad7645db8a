"""Where a service takes calls over links."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Self

_ABSTRACT = "unix-abstract:"


@dataclass(frozen=True)
class LinkAddress:
    """An address in TCP, or one of this machine alone.

    Attributes:
        host: A name or an address; empty for one of this machine.
        port: 1 to 65535; 0 for one of this machine.
        name: In Linux's abstract namespace of Unix sockets, which leaves nothing behind; empty for TCP.
    """

    host: str = ""
    port: int = 0
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the address that is written as `host:port`, `[::1]:port` or `unix-abstract:name`.

        Raises:
            ValueError: it is none.
        """
        if text.startswith(_ABSTRACT) and (name := text.removeprefix(_ABSTRACT)):
            return cls(name=name)
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise ValueError(f"{text!r} is neither host:port nor {_ABSTRACT}name")
        return cls(host, int(port))

    @property
    def is_local(self) -> bool:
        """Whether it is of this machine alone."""
        return bool(self.name)

    async def bind(self, share_port: bool) -> socket.socket:
        """Returns a socket that is bound to it.

        Args:
            share_port: Whether other processes that say so too may be bound to it, each getting some of the connections.

        Raises:
            OSError: it cannot be had.
        """
        family, address = (await self._resolved())[0]
        bound = _non_blocking(family)
        try:
            if not self.is_local:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(share_port))
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound

    async def connect(self, turn: int) -> socket.socket:
        """Returns a socket that is connected to it.

        Args:
            turn: Chooses among the addresses of the name: each number the next one.

        Raises:
            OSError: it cannot be reached.
        """
        resolved = await self._resolved()
        family, address = resolved[turn % len(resolved)]
        connected = _non_blocking(family)
        try:
            await asyncio.get_running_loop().sock_connect(connected, address)
        except BaseException:
            connected.close()
            raise
        if not self.is_local:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    async def _resolved(self) -> list[tuple[int, str | tuple[object, ...]]]:
        if self.is_local:
            return [(socket.AF_UNIX, f"\0{self.name}")]
        found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return sorted({(family, address) for family, _, _, _, address in found}, key=str)


def _non_blocking(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    return made
