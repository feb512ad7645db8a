"""The port that workers share, held by their parent so that nobody else takes it."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack


class SharedPort:
    """Sockets that are bound and never listen: connections go to the workers, which share the port by SO_REUSEPORT.

    Each is bound as its only owner and shared afterwards, so that a stranger, and the parent of other workers, cannot
    both have the port.

    Args:
        sockets: Bound, one for each address of the host.
    """

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = sockets
        self.port: int = sockets[0].getsockname()[1]

    @classmethod
    def reserve(cls, host: str, port: int) -> "SharedPort":
        """Takes a port, or with 0 one that is free.

        Raises:
            OSError: somebody else has it, or the address is none of this machine.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        sockets: list[socket.socket] = []
        with ExitStack() as opened:
            for family, _type, _protocol, _name, address in dict.fromkeys(found):
                one = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                # What is left of closed connections does not count.
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                chosen = sockets[0].getsockname()[1] if sockets else port
                one.bind((address[0], chosen, *address[2:]))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
                sockets.append(one)
            opened.pop_all()
        return cls(sockets)

    def release(self) -> None:
        """Lets go of the port."""
        for one in self._sockets:
            one.close()
