"""Real Redis servers as processes of this machine: one, or a cluster of some."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

_LOCAL = "127.0.0.1"
_SLOTS = 16_384
#: The nodes of a cluster talk to each other on the port this much above their own.
_BUS_OFFSET = 10_000
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class RedisServer:
    """A running server.

    Attributes:
        url: Where it is reached.
        port: Likewise.
        process: Its process, for tests that kill it.
        command: What started it, for tests that start it again.
    """

    url: str
    port: int
    process: "subprocess.Popen[bytes]"
    command: Sequence[str]


def redis_program() -> str:
    """Returns the `redis-server` of the machine, or the one that the development tools bring along.

    Raises:
        FileNotFoundError: there is neither.
    """
    own = Path(sys.executable).with_name("redis-server")
    found = shutil.which("redis-server") or (str(own) if own.exists() else None)
    if found is None:
        raise FileNotFoundError("redis-server is missing; install the development tools: pip install -e '.[all,dev]'")
    return found


@contextmanager
def running_redis(folder: Path, *flags: str) -> Iterator[RedisServer]:
    """Runs a server that syncs every write to disk before it answers; it is gone in the end.

    Args:
        folder: Where it keeps its data.
        flags: More of the server's flags.
    """
    with ExitStack() as stack:
        yield _start(stack, folder, flags)


@contextmanager
def running_redis_cluster(folder: Path, nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Runs a cluster of masters that share all slots; they are gone in the end."""
    with ExitStack() as stack:
        servers = [_start(stack, folder / f"node-{node}", ("--cluster-enabled", "yes")) for node in range(nodes)]
        clients = [stack.enter_context(redis.Redis(_LOCAL, server.port)) for server in servers]
        for node, client in enumerate(clients):
            slots = range(node * _SLOTS // nodes, (node + 1) * _SLOTS // nodes)
            client.execute_command("CLUSTER", "ADDSLOTS", *slots)
            # Nodes of the same epoch would first have to settle which of them is newer.
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", node + 1)
        for server in servers[1:]:
            clients[0].execute_command("CLUSTER", "MEET", _LOCAL, server.port)
        for client in clients:
            _wait_until_whole(client, nodes)
        yield servers


@contextmanager
def started_again(server: RedisServer) -> Iterator[None]:
    """Starts a server that was killed once more, where it was and with what it had on disk."""
    process = subprocess.Popen(server.command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        _stop(process)


def emptied(url: str) -> None:
    """Removes everything from a server, or from all nodes of its cluster."""
    with redis.Redis.from_url(url) as client:
        clustered = bool(client.info("cluster")["cluster_enabled"])
        if not clustered:
            client.flushall()
            return
    with redis.RedisCluster.from_url(url) as cluster:
        cluster.flushall(target_nodes=redis.RedisCluster.PRIMARIES)


def _start(stack: ExitStack, folder: Path, flags: Sequence[str]) -> RedisServer:
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    command = (
        *(redis_program(), "--port", str(port), "--bind", _LOCAL, "--dir", str(folder), "--save", ""),
        *("--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning", *flags),
    )
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    stack.callback(_stop, process)
    with redis.Redis(_LOCAL, port) as client:
        _wait(lambda: _answers(client), f"redis-server on port {port} does not answer")
    return RedisServer(f"redis://{_LOCAL}:{port}", port, process, command)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(_PATIENCE_SECONDS)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _wait_until_whole(client: "redis.Redis", nodes: int) -> None:
    def whole() -> bool:
        told = str(client.execute_command("CLUSTER", "INFO"))  # type: ignore[no-untyped-call]
        return "cluster_state:ok" in told and f"cluster_known_nodes:{nodes}" in told

    _wait(whole, "the cluster does not come together")


def _wait(holds: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.01)  # another process is waited for: asking without a pause would take its processor


def _free_port() -> int:
    """Returns a port that is free, and so is that of the bus."""
    while True:
        with socket.socket() as any_port:
            any_port.bind((_LOCAL, 0))
            port: int = any_port.getsockname()[1] - _BUS_OFFSET
        if _is_free(port) and _is_free(port + _BUS_OFFSET):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((_LOCAL, port)) != 0
