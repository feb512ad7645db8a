"""A whole process, as an orchestrator sees it: logs, metrics, signals and exit codes."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import grpc
import pytest

from shared.channel import channel_options
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub

COMMAND = [sys.executable, "-m", "tests.contract.shared.probe_process"]


class Process:
    """A running probe.

    Args:
        settings: Its settings beside those of the probe, by variable without the prefix.
    """

    def __init__(self, **settings: object) -> None:
        environment = {f"PROBE_{name}": str(value) for name, value in settings.items()}
        self._process = subprocess.Popen(
            COMMAND, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read_log(self, event: str) -> dict[str, Any]:
        """Reads the log up to an event, and returns its line."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: dict[str, Any] = json.loads(text)
            if line["event"] == event:
                return line
        raise AssertionError(f"the process ended without {event!r}")

    def write_line(self) -> None:
        """Answers the call that is held."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.terminate()

    def exit_code(self) -> int:
        """Waits for the end."""
        return self._process.wait(30)

    def close(self) -> None:
        """Ends what a failed test left."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def listening(**settings: object) -> Iterator[tuple[Process, str]]:
    """Starts a process, and gives the address that it listens on."""
    with closing(Process(**settings)) as process:
        port = process.read_log("listening")["port"]
        yield process, f"127.0.0.1:{port}"


@contextmanager
def connected(target: str) -> Iterator[RankingServiceStub]:
    """Connects to a process as services connect to each other."""
    with grpc.insecure_channel(target, options=channel_options(retry=False)) as channel:
        yield RankingServiceStub(channel)


def first_failure(stub: RankingServiceStub) -> grpc.RpcError:
    """Calls until a call fails."""
    while True:
        try:
            stub.Score(pb.ScoreRequest(), timeout=10)
        except grpc.RpcError as error:
            return error


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_sigterm_loses_no_call_in_flight() -> None:
    """The call ends as it would have, new ones are refused as worth retrying, and the exit code is 0."""
    with listening() as (process, target), connected(target) as stub:
        held = stub.Score.future(pb.ScoreRequest(snapshot_id="hold"))
        process.read_log("held")
        process.terminate()
        process.read_log("draining")
        refusal = first_failure(stub)
        with grpc.insecure_channel(target, options=[("grpc.inhibit_health_checking", 1)]) as channel:
            first_failure(RankingServiceStub(channel))  # for which the server must really have stopped
        process.write_line()
        assert held.result(10) == pb.ScoreResponse()
        process.read_log("stopped")
        assert process.exit_code() == 0
    assert refusal.code() is grpc.StatusCode.UNAVAILABLE


def test_an_unexpected_error_is_logged_under_the_id_that_the_caller_was_told() -> None:
    """Whoever reads the log finds the traceback by what the caller quotes."""
    with listening() as (process, target), connected(target) as stub:
        with pytest.raises(grpc.RpcError) as error:
            stub.Score(pb.ScoreRequest(snapshot_id="fail"), metadata=(("x-request-id", "id-1"),))
        line = process.read_log("unexpected error")
    assert "id-1" in str(error.value.details())
    assert (line["request_id"], line["service"], line["level"]) == ("id-1", "probe", "error")
    assert line["exception"].endswith("RuntimeError: password=hunter2")


def test_metrics_are_served_over_http() -> None:
    """In the format that Prometheus reads, with what was called so far."""
    port = free_port()
    with listening(METRICS_PORT=port) as (_process, target), connected(target) as stub:
        stub.Score(pb.ScoreRequest())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    assert 'winnow_rpc_total{code="OK",method="/winnow.ranking.v1.RankingService/Score"} 1.0' in text


@pytest.mark.parametrize(("setting", "purpose"), [("PORT", "grpc"), ("METRICS_PORT", "metrics")])
def test_a_port_that_is_taken_ends_the_start(setting: str, purpose: str) -> None:
    """With a line that says which, and status 1: never half of another process's connections."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with closing(Process(**{setting: port})) as process:
            line = process.read_log("cannot listen; is another process on the port?")
            assert process.exit_code() == 1
    assert (line["level"], line["purpose"], line["host"], line["port"]) == ("error", purpose, "127.0.0.1", port)


def test_two_servers_do_not_share_a_port() -> None:
    """Both would get some of the calls, and nobody would know why."""
    with listening() as (_first, target), closing(Process(PORT=target.rpartition(":")[2])) as second:
        assert second.exit_code() == 1


def test_a_wrong_setting_ends_the_start() -> None:
    """Before anything listens, with status 2."""
    with closing(Process(LOG_LEVEL="loud")) as process:
        assert process.exit_code() == 2
