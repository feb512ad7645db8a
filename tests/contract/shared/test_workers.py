"""Several processes on one port: as callers, Prometheus and an orchestrator see them."""

import os
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.contract.shared.probe import SERVICE
from tests.contract.shared.running_process import Process, connected, free_port
from winnow.ranking.v1 import ranking_service_pb2 as pb

PROBE = "tests.contract.shared.worker_process"
SCORE = '{code="OK",method="/winnow.ranking.v1.RankingService/Score"}'

REQUEST = pb.ScoreRequest()
Statuses = health_pb2.HealthCheckResponse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the workers read: they hold the snapshot s1."""
    (tmp_path / "snapshots").write_text("s1")
    return tmp_path


@contextmanager
def workers(folder: Path, ready: int = 2, **settings: object) -> Iterator[tuple[Process, str]]:
    """Starts two workers, waits until some are ready, and gives the address that they share."""
    with closing(Process(PROBE, SNAPSHOT_DIR=folder, WORKERS=2, **settings)) as process:
        port = process.read_log("starting workers")["port"]
        for _ in range(ready):
            process.read_log("ready")
        yield process, f"127.0.0.1:{port}"


def ask(target: str) -> int:
    """Calls over a new connection; returns the process that answered."""
    with connected(target, retry=True) as stub:
        return int(stub.Score(REQUEST, wait_for_ready=True, timeout=10).objectives[0])


def ask_until(target: str, enough: Callable[[set[int]], bool]) -> set[int]:
    """Calls over new connections until those that answered are enough."""
    seen: set[int] = set()
    while not enough(seen):
        seen.add(ask(target))
    return seen


def both(target: str) -> set[int]:
    """Returns the two processes that answer."""
    return ask_until(target, lambda seen: len(seen) == 2)


def status_of(target: str) -> tuple[str, ...]:
    """Asks over a new connection which snapshots are held."""
    with connected(target) as stub:
        answer = stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest(), wait_for_ready=True, timeout=10)
        return tuple(answer.snapshot_ids)


def health_of(target: str, service: str) -> int:
    """Asks as an orchestrator does, over a new connection."""
    with grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        status: int = health_pb2_grpc.HealthStub(channel).Check(request, wait_for_ready=True, timeout=10).status
        return status


def page(port: int) -> dict[str, float]:
    """Reads the metrics by series."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def until(condition: Callable[[], bool]) -> None:
    """Waits; the test's own time limit ends what never comes."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.02)


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_connections_go_to_both(folder: Path) -> None:
    """To one port; and the parent, which serves no call, is neither."""
    with workers(folder) as (process, target):
        assert process.pid not in both(target)


def test_one_worker_is_the_process_itself(folder: Path) -> None:
    """Without a parent, and without sharing its port."""
    with closing(Process(PROBE, SNAPSHOT_DIR=folder)) as process:
        port = process.read_log("ready")["port"]
        assert ask(f"127.0.0.1:{port}") == process.pid
        with closing(Process(PROBE, SNAPSHOT_DIR=folder, WORKERS=2, PORT=port)) as parent:
            assert parent.exit_code() == 1


def test_lines_tell_the_worker(folder: Path) -> None:
    """They come in one stream, and one worker's trouble is not another's."""
    with workers(folder, ready=0) as (process, _target):
        lines = [process.read_log("ready") for _ in range(2)]
    assert sorted(line["worker"] for line in lines) == [1, 2]


def test_a_killed_worker_costs_no_answer_and_comes_back(folder: Path) -> None:
    """Under load: callers retry what is unavailable, over a connection to the other one."""
    failures: list[grpc.RpcError] = []
    answered = threading.Semaphore(0)
    over = threading.Event()

    def call(target: str) -> None:
        with connected(target, retry=True) as stub:
            while not over.is_set():
                try:
                    stub.Score(REQUEST, timeout=10)
                except grpc.RpcError as error:
                    failures.append(error)
                answered.release()

    with workers(folder) as (_process, target):
        victim, other = both(target)
        callers = [threading.Thread(target=call, args=[target]) for _ in range(6)]
        for caller in callers:
            caller.start()
        for _ in range(100):
            answered.acquire()
        os.kill(victim, signal.SIGKILL)
        back = ask_until(target, lambda seen: len(seen - {victim}) == 2)
        for _ in range(100):
            answered.acquire()
        over.set()
        for caller in callers:
            caller.join()
    assert failures == []
    assert other in back


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_every_worker(folder: Path, signal_number: signal.Signals) -> None:
    """A call in flight at each ends as it would have, and the exit status is 0."""
    with workers(folder, GRACE_SECONDS=3) as (process, target), ExitStack() as stack:
        both(target)
        held, calls = set[int](), []
        while len(held) < 2:
            stub = stack.enter_context(connected(target))
            calls.append(stub.Score.future(pb.ScoreRequest(snapshot_id="hold"), wait_for_ready=True))
            held.add(process.read_log("held")["worker"])
        process.send(signal_number)
        for _ in range(3):  # the parent and both workers
            process.read_log("draining")
        (folder / "hold").touch()
        assert {call.code() for call in calls} == {grpc.StatusCode.OK}
        assert process.exit_code() == 0


def test_a_worker_that_does_not_drain_is_told(folder: Path) -> None:
    """Its calls were lost, and whoever stopped the service hears of it."""
    with workers(folder) as (process, target), connected(target) as stub:
        call = stub.Score.future(pb.ScoreRequest(snapshot_id="hold"), wait_for_ready=True)
        number = process.read_log("held")["worker"]
        process.send(signal.SIGTERM)
        for _ in range(3):  # the parent and both workers
            process.read_log("draining")
        os.kill(_pid_of(process.pid, number), signal.SIGKILL)
        line = process.read_log("a worker did not drain")
        assert process.exit_code() == 1
        assert call.code() is grpc.StatusCode.UNAVAILABLE
    assert (line["worker"], line["end"]) == (number, "was ended by SIGKILL")


def test_workers_do_not_outlive_their_parent(folder: Path) -> None:
    """However it ends; they drain, and the port is free."""
    with workers(folder) as (process, target):
        pids = both(target)
        process.send(signal.SIGKILL)
        process.exit_code()
        until(lambda: not any(map(lives, pids)))
        with socket.create_server(("127.0.0.1", int(target.rpartition(":")[2]))):
            pass


def test_metrics_add_up_and_survive_a_worker(folder: Path) -> None:
    """One page; a dead worker's counts stay, and what was in flight there is not."""
    port = free_port()
    with workers(folder, METRICS_PORT=port) as (process, target), connected(target) as stub:
        calls = 0
        seen: set[int] = set()
        while len(seen) < 2:
            seen.add(ask(target))
            calls += 1
        assert page(port)[f"winnow_rpc_total{SCORE}"] == calls
        assert page(port)["winnow_workers_ready"] == 2
        holding = stub.Score.future(pb.ScoreRequest(snapshot_id="hold"), wait_for_ready=True)
        number = process.read_log("held")["worker"]
        in_flight = 'winnow_rpc_in_flight{method="/winnow.ranking.v1.RankingService/Score"}'
        assert page(port)[in_flight] == 1
        os.kill(_pid_of(process.pid, number), signal.SIGKILL)
        assert holding.code() is grpc.StatusCode.UNAVAILABLE
        process.read_log("ready", worker=number)
        metrics = page(port)
        assert (metrics[f"winnow_rpc_total{SCORE}"], metrics[in_flight]) == (calls, 0)
        assert metrics["winnow_worker_restarts_total"] == 1
        assert metrics["process_resident_memory_bytes"] > 0


def test_no_file_of_metrics_is_left(folder: Path, tmp_path: Path) -> None:
    """Not after a drain, and not for good after a parent was killed: the next one on the port removes them."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        with workers(folder) as (process, target):
            pids = both(target)
            process.send(signal.SIGKILL)
            until(lambda: not any(map(lives, pids)))
        assert len(list(temporary.iterdir())) == 1
        with workers(folder, PORT=target.rpartition(":")[2]) as (process, _target):
            assert len(list(temporary.iterdir())) == 1
            process.send(signal.SIGTERM)
            assert process.exit_code() == 0
    assert list(temporary.iterdir()) == []


def test_a_snapshot_is_told_once_every_worker_holds_it(folder: Path) -> None:
    """Whoever is asked: the caller moves to it, and its next call may meet any of them."""
    (folder / "snapshots-2").write_text("s1")
    with workers(folder) as (_process, target):
        both(target)
        (folder / "snapshots").write_text("s2 s1")  # worker 1 alone
        assert {status_of(target) for _ in range(30)} == {("s1",)}
        (folder / "snapshots-2").write_text("s2 s1")
        until(lambda: all(status_of(target) == ("s2", "s1") for _ in range(10)))


def test_a_service_without_a_snapshot_is_alive_and_not_ready(tmp_path: Path) -> None:
    """Nobody kills what waits for the first training; calls are refused as worth retrying."""
    with workers(tmp_path, ready=0) as (_process, target):
        assert health_of(target, "") == Statuses.SERVING
        assert health_of(target, SERVICE.full_name) == Statuses.NOT_SERVING
        with connected(target) as stub:
            call = stub.Score.future(REQUEST, wait_for_ready=True, timeout=10)
            assert call.code() is grpc.StatusCode.UNAVAILABLE
            assert call.details() == "no snapshot is loaded yet"
            (tmp_path / "snapshots").write_text("s1")
            # The same caller, on the same channel.
            until(lambda: stub.Score.future(REQUEST, wait_for_ready=True).code() is grpc.StatusCode.OK)


def test_connections_wait_for_no_worker_that_is_not_ready(tmp_path: Path) -> None:
    """Every connection goes to the one that is; probes by readiness pass whichever they hit."""
    (tmp_path / "snapshots-1").write_text("s1")
    with workers(tmp_path, ready=0) as (process, target):
        assert process.read_log("ready")["worker"] == 1
        until(lambda: health_of(target, SERVICE.full_name) == Statuses.SERVING)
        assert len({ask(target) for _ in range(20)}) == 1
        (tmp_path / "snapshots").write_text("s1")
        both(target)
        assert {health_of(target, SERVICE.full_name) for _ in range(10)} == {Statuses.SERVING}


@pytest.mark.parametrize(("setting", "purpose"), [("PORT", "grpc"), ("METRICS_PORT", "metrics")])
def test_a_port_that_is_taken_ends_the_start(folder: Path, setting: str, purpose: str) -> None:
    """Before any worker is started, with a line that says which, and status 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with closing(Process(PROBE, SNAPSHOT_DIR=folder, WORKERS=2, **{setting: port})) as process:
            line = process.read_log("cannot listen; is another process on the port?")
            assert process.exit_code() == 1
    assert (line["purpose"], line["port"]) == (purpose, port)


def test_two_parents_do_not_share_a_port(tmp_path: Path) -> None:
    """Not even while neither has a worker that listens."""
    with workers(tmp_path, ready=0) as (_first, target), ExitStack() as stack:
        port = target.rpartition(":")[2]
        second = stack.enter_context(closing(Process(PROBE, SNAPSHOT_DIR=tmp_path, WORKERS=2, PORT=port)))
        assert second.exit_code() == 1


def test_workers_that_do_not_start_end_the_service(folder: Path) -> None:
    """As one process would have: whoever started it hears of it, instead of a service that restarts for ever."""
    (folder / "broken").touch()
    with workers(folder, ready=0) as (process, _target):
        process.read_log("workers do not start; their lines above say why")
        assert process.exit_code() == 1


def test_flags_reach_the_workers(folder: Path) -> None:
    """What was said on the command line holds for each, like the environment."""
    flags = ["--workers", "2", "--snapshot-dir", str(folder)]
    with closing(Process(PROBE, *flags)) as process:
        lines = [process.read_log("ready") for _ in range(2)]
        both(f"127.0.0.1:{lines[0]['port']}")


def _pid_of(parent: int, number: int) -> int:
    """Returns the process of a worker by its number."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and lives(int(entry.name)):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and f"WINNOW_WORKER={number} " in (entry / "environ").read_text():
                return int(entry.name)
    raise AssertionError(f"worker {number} does not run")
