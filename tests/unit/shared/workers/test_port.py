"""The port that workers share and nobody else."""

import socket
from collections.abc import Iterator

import pytest

from shared.workers.port import SharedPort

LOOPBACK = "127.0.0.1"


def listener(port: int) -> socket.socket:
    """Returns a socket that listens as a worker does."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((LOOPBACK, port))
    one.listen()
    return one


@pytest.fixture
def shared() -> Iterator[SharedPort]:
    """A port that is reserved."""
    port = SharedPort.reserve(LOOPBACK, 0)
    yield port
    port.release()


def test_a_free_port_is_chosen(shared: SharedPort) -> None:
    """Where none is asked for."""
    assert shared.port > 0


def test_several_may_listen_on_it(shared: SharedPort) -> None:
    """Those who share."""
    with listener(shared.port), listener(shared.port):
        pass


def test_nobody_connects_to_the_one_who_reserves(shared: SharedPort) -> None:
    """It never listens, so a connection is refused, or goes to a worker."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, shared.port), timeout=10)
    with listener(shared.port) as worker, socket.create_connection((LOOPBACK, shared.port), timeout=10):
        worker.settimeout(10)
        worker.accept()[0].close()


def test_it_is_reserved_once(shared: SharedPort) -> None:
    """Before any worker listens, and while one does."""
    with pytest.raises(OSError, match="in use"):
        SharedPort.reserve(LOOPBACK, shared.port)
    with listener(shared.port), pytest.raises(OSError, match="in use"):
        SharedPort.reserve(LOOPBACK, shared.port)


def test_a_stranger_who_does_not_share_is_noticed() -> None:
    """Also one that listens on all addresses."""
    with socket.create_server(("", 0)) as taken, pytest.raises(OSError, match="in use"):
        SharedPort.reserve(LOOPBACK, taken.getsockname()[1])


def test_it_is_free_once_released() -> None:
    """The next parent takes it at once."""
    first = SharedPort.reserve("localhost", 0)
    first.release()
    SharedPort.reserve("localhost", first.port).release()
