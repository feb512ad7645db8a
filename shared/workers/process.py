"""One worker: a process that is started again whenever it ends."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from shared.workers.backoff import Backoff
from shared.workers.role import WorkerRole
from shared.workers.words import ParentWord, WorkerWord, read_worker, write_word

#: A worker whose event loop says nothing for so long hangs: an orchestrator's probe may never happen to hit it.
SILENCE_SECONDS = 60.0

_SILENT = WorkerWord(ready=False, held=[])

log = structlog.get_logger()


class WorkerProcess:
    """Keeps one worker running.

    Args:
        number: The worker's.
        port: That it shares.
        command: The program and its arguments.
        environment: Variables on top of those of this process.
        agreed: Tells what all workers hold.
        changed: Called when the worker says something new, and when it has ended.
        ended: Called when it has ended and before it is started again.
        backoff: How long to wait before restarts.

    Attributes:
        word: What it said last; not ready while it does not run.
        pid: Of the process that runs; None between two.
        starts_failed: How many of its processes ended without having been ready.
    """

    def __init__(
        self,
        number: int,
        port: int,
        command: Sequence[str],
        *,
        environment: dict[str, str],
        agreed: Callable[[], list[str]],
        changed: Callable[[], None],
        ended: Callable[[], None],
        backoff: Backoff,
    ) -> None:
        self.number = number
        self.word = _SILENT
        self.pid: int | None = None
        self.starts_failed = 0
        self._port = port
        self._command = command
        self._environment = environment
        self._agreed = agreed
        self._changed = changed
        self._ended = ended
        self._backoff = backoff
        self._process: asyncio.subprocess.Process | None = None
        self._was_ready = False

    async def keep_running(self) -> None:
        """Runs it, again and again, until cancelled; a process that runs then goes on until `stop`."""
        loop = asyncio.get_running_loop()
        pause: float | None = None
        while True:
            started = loop.time()
            self._was_ready = False
            code = await self._run_once()
            pause = self._backoff.after(pause, loop.time() - started)
            log.warning("a worker ended; starting it again", worker=self.number, end=_describe(code), seconds=pause)
            self.starts_failed += not self._was_ready
            self._ended()
            self._changed()
            await asyncio.sleep(pause)

    async def stop(self, seconds: float) -> bool:
        """Lets it drain, for up to `seconds`; returns whether it did."""
        process = self._process
        if process is None:
            return True
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(seconds):
                code = await process.wait()
        except TimeoutError:
            log.error("a worker does not end and is killed", worker=self.number, seconds=seconds)
            process.kill()
            await process.wait()
            return False
        # One that had not even begun to listen for signals had nothing to drain.
        drained = code == 0 or (code == -signal.SIGTERM and not self._was_ready)
        if not drained:
            log.error("a worker did not drain", worker=self.number, end=_describe(code))
        return drained

    async def _run_once(self) -> int:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                env={
                    **os.environ,
                    **self._environment,
                    **WorkerRole(self.number, self._port, theirs.fileno()).environment(),
                },
                pass_fds=[theirs.fileno()],
                # Ctrl-C at the terminal reaches the parent alone, which then stops all.
                start_new_session=True,
            )
        self._process, self.pid = process, process.pid
        listening = asyncio.create_task(self._listen(process, ours))
        code = await process.wait()
        listening.cancel()
        await asyncio.wait([listening])
        self._process, self.pid, self.word = None, None, _SILENT
        return code

    async def _listen(self, process: asyncio.subprocess.Process, link: socket.socket) -> None:
        """Answers what the worker says until it ends, and ends it when it falls silent."""
        reader, writer = await asyncio.open_unix_connection(sock=link)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):  # it ends
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        self._hear(read_worker(await reader.readuntil()))
                    writer.write(write_word(ParentWord(self._agreed())))
        except TimeoutError:
            log.error("a worker hangs and is killed", worker=self.number, silent_seconds=SILENCE_SECONDS)
            with suppress(ProcessLookupError):
                process.kill()
        finally:
            writer.close()

    def _hear(self, word: WorkerWord) -> None:
        if word != self.word:
            self.word = word
            self._was_ready |= word.ready
            self._changed()


def _describe(code: int) -> str:
    return f"exited with status {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
