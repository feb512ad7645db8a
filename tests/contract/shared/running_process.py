"""A probe as a process of its own, as an orchestrator sees it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from shared.channel import channel_options
from winnow.client.connection import CHANNEL_OPTIONS
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub


class Process:
    """A running probe.

    Args:
        module: What to run.
        arguments: Flags.
        settings: Its settings beside those of the probe, by variable without the prefix.
    """

    def __init__(self, module: str, *arguments: str, **settings: object) -> None:
        environment = {f"PROBE_{name}": str(value) for name, value in settings.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def read_log(self, event: str, **values: object) -> dict[str, Any]:
        """Reads the log up to an event, and returns its line."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: dict[str, Any] = json.loads(text)
            if line["event"] == event and values.items() <= line.items():
                return line
        raise AssertionError(f"the process ended without {event!r}")

    def read_lines(self) -> list[str]:
        """Reads the log to its end, and returns its events."""
        assert self._process.stdout is not None
        return [json.loads(text)["event"] for text in self._process.stdout]

    def write_line(self) -> None:
        """Answers the call that is held."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def send(self, signal_number: int) -> None:
        """Sends a signal."""
        self._process.send_signal(signal_number)

    def exit_code(self) -> int:
        """Waits for the end; shows the rest of the log where the status is one of failure."""
        code = self._process.wait(30)
        if code > 0 and self._process.stdout is not None:
            sys.stdout.write(self._process.stdout.read())
        return code

    def close(self) -> None:
        """Ends what a failed test left."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def connected(target: str, retry: bool = False) -> Iterator[RankingServiceStub]:
    """Connects to a process over a connection of its own: as one service does, or as our client, which retries longer."""
    options = _as_the_client() if retry else channel_options(retry=False)
    with grpc.insecure_channel(target, options=options) as channel:
        yield RankingServiceStub(channel)


def _as_the_client() -> list[tuple[str, str | int]]:
    """Returns the options of our client, for every service instead of the gateway alone."""
    options = dict(CHANNEL_OPTIONS)
    config = json.loads(str(options["grpc.service_config"]))
    config["methodConfig"][0]["name"] = [{}]
    return [*(options | {"grpc.service_config": json.dumps(config)}).items()]


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
