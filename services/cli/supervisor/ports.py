"""TCP ports of this machine: which are taken, and some that are free."""

import socket
from contextlib import ExitStack

#: What a server that listens on all addresses is reached by from the same machine.
LOOPBACK = "127.0.0.1"


class PortTaken(Exception):
    """A port that a service needs is in use."""


def check_free(port: int, host: str, purpose: str) -> None:
    """Checks that nothing listens on a port.

    Raises:
        PortTaken: something does, or this user may not listen on it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port}, which {purpose} needs, cannot be listened on: {error.strerror}. "
                "Stop what uses it, or choose other ports with --port-base and --metrics-port-base."
            ) from error


def free_ports(count: int) -> list[int]:
    """Returns ports that nothing listens on, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
