"""A worker's link to its parent: it says how it is, hears what all workers hold, and notices when the parent is gone."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from shared.workers.role import WorkerRole
from shared.workers.words import BEAT_SECONDS, WorkerWord, read_parent, write_word


class SharedSnapshots(Protocol):
    """What a worker holds; a `SnapshotFollower` is one."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids that are held, newest first."""
        ...

    def agree(self, snapshot_ids: Sequence[str]) -> None:
        """Takes what all workers hold."""
        ...


class ParentLink:
    """Speaks to the parent for as long as it lives.

    Args:
        role: What the parent told this process.
        snapshots: What to tell it; None for a service whose callers do not ask for snapshots.
    """

    def __init__(self, role: WorkerRole, snapshots: SharedSnapshots | None) -> None:
        self._role = role
        self._snapshots = snapshots
        self._ready = False
        self._news = asyncio.Event()
        self._counted = asyncio.Event()

    async def follow(self) -> None:
        """Speaks and listens; returns when the parent is gone, however it went."""
        reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=self._role.link))
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await self._speak(reader, writer)
        finally:
            writer.close()

    async def count_in(self) -> None:
        """Says that this worker is ready; returns when the parent counts what it holds among what all hold."""
        self._ready = True
        self._news.set()
        await self._counted.wait()

    def count_out(self) -> None:
        """Says that this worker takes no more connections."""
        self._ready = False
        self._news.set()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._news.clear()
        ready = self._ready
        held = [] if self._snapshots is None else list(self._snapshots.ids)
        writer.write(write_word(WorkerWord(ready, held)))
        answer = read_parent(await reader.readuntil())
        if self._snapshots is not None:
            self._snapshots.agree(answer.agreed)
        if ready:
            self._counted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                await self._news.wait()
