"""A whole process, as an orchestrator sees it: logs, metrics, signals and exit codes."""

import asyncio
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import grpc
import pytest

from shared.channel import open_channel
from shared.exchange.channel import ExchangeChannel
from tests.contract.shared.running_process import Process, connected, free_port
from winnow.ranking.v1 import ranking_service_pb2 as pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceStub

PROBE = "tests.contract.shared.probe_process"


@contextmanager
def listening(**settings: object) -> Iterator[tuple[Process, str]]:
    """Starts a process, and gives the address that it listens on."""
    with closing(Process(PROBE, **settings)) as process:
        port = process.read_log("listening")["port"]
        yield process, f"127.0.0.1:{port}"


def first_failure(stub: RankingServiceStub) -> grpc.RpcError:
    """Calls until a call fails."""
    while True:
        try:
            stub.Score(pb.ScoreRequest(), timeout=10)
        except grpc.RpcError as error:
            return error


def test_sigterm_loses_no_call_in_flight() -> None:
    """The call ends as it would have, new ones are refused as worth retrying, and the exit code is 0."""
    with listening() as (process, target), connected(target) as stub:
        held = stub.Score.future(pb.ScoreRequest(snapshot_id="hold"))
        process.read_log("held")
        process.send(signal.SIGTERM)
        process.read_log("draining")
        refusal = first_failure(stub)
        with grpc.insecure_channel(target, options=[("grpc.inhibit_health_checking", 1)]) as channel:
            first_failure(RankingServiceStub(channel))  # for which the server must really have stopped
        process.write_line()
        assert held.result(10) == pb.ScoreResponse()
        process.read_log("stopped")
        assert process.exit_code() == 0
    assert refusal.code() is grpc.StatusCode.UNAVAILABLE


def test_sigterm_does_not_wait_for_streams_that_are_open() -> None:
    """A client keeps its streams for as long as it lives: idle ones end at once, busy ones once they have answered."""
    over = threading.Event()
    with listening(GRACE_SECONDS=600) as (process, target), ThreadPoolExecutor(1) as client:
        answers = client.submit(asyncio.run, _ask_over_streams(target, over))
        try:
            process.read_log("held")
            process.send(signal.SIGTERM)
            process.read_log("draining")
            process.write_line()
            assert process.exit_code() == 0
            assert process.read_lines() == ["stopped"]
        finally:
            over.set()
        assert answers.result(30) == [pb.ScoreResponse()] * 4


async def _ask_over_streams(target: str, over: threading.Event) -> list[pb.ScoreResponse]:
    """Waits for an answer that is held over one stream while others idle; keeps all of them until `over`."""
    async with ExchangeChannel(open_channel(target, retry=False)) as channel:
        score = RankingServiceStub(channel).Score
        answers = await asyncio.gather(*(score(pb.ScoreRequest()) for _ in range(3)))
        answers.append(await score(pb.ScoreRequest(snapshot_id="hold")))
        await asyncio.to_thread(over.wait, 60)
        return answers


def test_an_unexpected_error_is_logged_under_the_id_that_the_caller_was_told() -> None:
    """Whoever reads the log finds where it failed by what the caller quotes."""
    with listening() as (process, target), connected(target) as stub:
        with pytest.raises(grpc.RpcError) as error:
            stub.Score(pb.ScoreRequest(snapshot_id="fail"), metadata=(("x-request-id", "id-1"),))
        line = process.read_log("unexpected error")
    assert "id-1" in str(error.value.details())
    assert (line["request_id"], line["service"], line["level"]) == ("id-1", "probe", "error")
    assert line["error"].startswith("RuntimeError at ")
    assert "hunter2" not in str(line)


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
        with closing(Process(PROBE, **{setting: port})) as process:
            line = process.read_log("cannot listen; is another process on the port?")
            assert process.exit_code() == 1
    assert (line["level"], line["purpose"], line["host"], line["port"]) == ("error", purpose, "127.0.0.1", port)


def test_two_servers_do_not_share_a_port() -> None:
    """Both would get some of the calls, and nobody would know why."""
    with listening() as (_first, target), closing(Process(PROBE, PORT=target.rpartition(":")[2])) as second:
        assert second.exit_code() == 1


def test_a_wrong_setting_ends_the_start() -> None:
    """Before anything listens, with status 2."""
    with closing(Process(PROBE, LOG_LEVEL="loud")) as process:
        assert process.exit_code() == 2


def test_every_call_is_logged_at_debug() -> None:
    """With its method, how it ended and how long it took."""
    with listening(LOG_LEVEL="debug") as (process, target), connected(target) as stub:
        stub.Score(pb.ScoreRequest())
        line = process.read_log("rpc", code="OK")
    assert line["method"] == "/winnow.ranking.v1.RankingService/Score"
    assert line["milliseconds"] > 0
