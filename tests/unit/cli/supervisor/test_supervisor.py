"""Starting, restarting and stopping programs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from services.cli.supervisor import PortTaken, ProgramFailed, Supervisor
from shared.workers.backoff import Backoff
from tests.unit.cli.supervisor.programs import Stage, eventually, is_alive


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A folder in which programs run."""
    return Stage(tmp_path)


def pid_of(supervisor: Supervisor, name: str) -> int:
    """The process id of a program that runs."""
    pid = supervisor.pid(name)
    assert pid is not None
    return pid


async def test_all_programs_run_while_the_context_is_open(stage: Stage) -> None:
    """Inside the context every program is alive; after it none is."""
    async with stage.supervisor(stage.serves("one"), stage.serves("two")) as supervisor:
        pids = [pid_of(supervisor, "one"), pid_of(supervisor, "two")]
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)


async def test_programs_stop_in_reverse_order(stage: Stage) -> None:
    """The gateway, which is last, ends its calls while the services behind it still answer."""
    async with stage.supervisor(stage.serves("store"), stage.serves("recall"), stage.serves("gateway")):
        pass
    assert stage.ends() == ["gateway", "recall", "store"]


async def test_a_killed_program_comes_back_by_itself(stage: Stage) -> None:
    """After kill -9 another process takes its place and becomes ready, time and again; the person is told."""
    news: list[str] = []
    async with stage.supervisor(stage.serves("one"), report=news.append) as supervisor:
        for _ in range(3):
            killed = pid_of(supervisor, "one")
            os.kill(killed, signal.SIGKILL)
            await eventually(lambda killed=killed: supervisor.pid("one") not in (None, killed))  # type: ignore[misc]
            await supervisor.until_ready()
            assert is_alive(pid_of(supervisor, "one"))
    assert len(news) == 3
    assert "one was ended by SIGKILL; starting it again" in news[0]


class Told:
    """Ready when the test says so."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def wait(self) -> None:
        """Returns once the test has said so."""
        await self.ready.wait()

    async def close(self) -> None:
        """Nothing is held."""


async def test_a_program_that_was_started_again_is_not_ready_yet(stage: Stage) -> None:
    """That the killed one was ready says nothing about the new one."""
    told = Told()
    told.ready.set()
    backoff = Backoff(first=0.01, longest=0.01)
    async with Supervisor([stage.serves("one")], backoff=backoff, readiness_of=lambda _program: told) as supervisor:
        told.ready.clear()
        killed = pid_of(supervisor, "one")
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: supervisor.pid("one") not in (None, killed))
        waiting = asyncio.create_task(supervisor.until_ready())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        told.ready.set()
        await waiting


async def test_a_program_that_does_not_start_is_reported_with_its_last_words(stage: Stage) -> None:
    """The message has the status and the log; the programs that did start are stopped."""
    with pytest.raises(ProgramFailed) as caught:
        async with stage.supervisor(stage.serves("one"), stage.exits("two")):
            pytest.fail("it did not start")
    assert "two does not start: it exited with status 3" in str(caught.value)
    assert "cannot find my heart" in str(caught.value)
    assert str(stage.folder / "two.log") in str(caught.value)


async def test_the_log_of_an_earlier_run_is_not_shown_as_the_reason(stage: Stage) -> None:
    """Only what the failed process wrote is quoted."""
    program = stage.exits("one")
    program.log.write_text("a complaint of yesterday\n")
    with pytest.raises(ProgramFailed) as caught:
        async with stage.supervisor(program):
            pytest.fail("it did not start")
    assert "yesterday" not in str(caught.value)


async def test_a_program_that_is_never_ready_is_named(stage: Stage) -> None:
    """When the time is up the late one is named with its log, and all are stopped."""
    with pytest.raises(ProgramFailed) as caught:
        async with stage.supervisor(stage.serves("one"), stage.never_ready("two"), start_seconds=1.0):
            pytest.fail("it was not ready")
    assert str(caught.value).startswith("Not ready within 1 s: two. ")
    assert "still loading" in str(caught.value)
    assert stage.ends() == ["one"]


async def test_a_program_that_ignores_sigterm_is_killed(stage: Stage) -> None:
    """Stopping is bounded in time."""
    news: list[str] = []
    async with stage.supervisor(stage.stubborn("one"), stop_seconds=0.05, report=news.append) as supervisor:
        pid = pid_of(supervisor, "one")
    assert not is_alive(pid)
    assert news == ["one did not end within 0.05 s and is killed"]


async def test_a_taken_port_is_reported_before_anything_starts(stage: Stage) -> None:
    """The message names the port and the service, and says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = replace(stage.serves("one"), ports={"gRPC": port})
        with pytest.raises(PortTaken, match=rf"Port {port}, which one \(gRPC\) needs.*--port-base"):
            async with stage.supervisor(stage.serves("two"), program):
                pytest.fail("the port is taken")
    assert not (stage.folder / "two.log").exists()


async def test_stopping_while_a_program_starts_leaves_nothing_behind(stage: Stage) -> None:
    """Cancelled before all are ready, it stops those that run."""
    starting = asyncio.create_task(_enter(stage.supervisor(stage.serves("one"), stage.never_ready("two"))))
    await eventually(lambda: "one is up" in _text(stage.folder / "one.log"))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert stage.ends() == ["one"]


async def test_programs_end_with_a_supervisor_that_is_killed(stage: Stage) -> None:
    """Even kill -9 of the supervisor leaves no orphan that holds on to the ports."""
    program = f"""
import asyncio, pathlib
from tests.unit.cli.supervisor.programs import Stage
async def main():
    stage = Stage(pathlib.Path({str(stage.folder)!r}))
    async with stage.supervisor(stage.serves("one")) as supervisor:
        print(supervisor.pid("one"), flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    pid = int(await supervisor.stdout.readline())
    assert is_alive(pid)
    supervisor.kill()
    await supervisor.wait()
    await eventually(lambda: not is_alive(pid))


async def _enter(supervisor: Supervisor) -> None:
    async with supervisor:
        pytest.fail("it was not ready")


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
