"""One worker, seen from its parent."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.workers.backoff import Backoff
from shared.workers.process import WorkerProcess

#: Speaks as a worker does: what it is told to say first, and nothing more.
SPEAKING = """
import os, socket, sys
link = socket.socket(fileno=int(os.environ["WINNOW_WORKER"].split()[2]))
link.sendall(sys.argv[1].encode() + b"\\n")
print(link.makefile().readline(), flush=True)
sys.stdin.close()
__import__("threading").Event().wait(float(sys.argv[2]))
"""
READY = '{"ready": true, "held": ["s2", "s1"]}'


@asynccontextmanager
async def running(command: Sequence[str]) -> AsyncIterator[tuple[WorkerProcess, asyncio.Event, list[int]]]:
    """Runs a worker; gives it, an event that its news set, and the processes that ended."""
    news, ended = asyncio.Event(), list[int]()
    worker = WorkerProcess(
        1,
        50053,
        command,
        environment={},
        agreed=lambda: ["s1"],
        changed=news.set,
        ended=lambda: ended.append(1),
        backoff=Backoff(first=0.01, longest=0.01),
    )
    task = asyncio.create_task(worker.keep_running())
    try:
        yield worker, news, ended
    finally:
        task.cancel()
        await asyncio.wait([task])
        await worker.stop(10)


async def test_what_a_worker_says_is_known() -> None:
    """While it runs, and no longer than that."""
    async with running([sys.executable, "-c", SPEAKING, READY, "0"]) as (worker, news, ended):
        await asyncio.wait_for(news.wait(), 30)
        assert (worker.word.ready, worker.word.held) == (True, ["s2", "s1"])
        news.clear()
        await asyncio.wait_for(news.wait(), 30)
        assert not worker.word.ready
        assert (ended, worker.starts_failed) == ([1], 0)


async def test_a_worker_that_ends_is_started_again() -> None:
    """However often; one that was never ready is counted, because it may never be."""
    async with running([sys.executable, "-c", "raise SystemExit(3)"]) as (worker, news, ended):
        while len(ended) < 3:
            news.clear()
            await asyncio.wait_for(news.wait(), 30)
        assert worker.starts_failed >= 3


async def test_a_worker_that_falls_silent_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event loop hangs, and a probe may never hit it."""
    monkeypatch.setattr("shared.workers.process.SILENCE_SECONDS", 0.5)
    async with running([sys.executable, "-c", SPEAKING, READY, "3600"]) as (_worker, news, ended):
        while not ended:
            news.clear()
            await asyncio.wait_for(news.wait(), 30)


async def test_a_worker_that_does_not_end_is_killed() -> None:
    """And said not to have drained."""
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SPEAKING}"
    async with running([sys.executable, "-c", stubborn, READY, "3600"]) as (worker, news, _ended):
        await asyncio.wait_for(news.wait(), 30)
        assert not await worker.stop(0.1)
