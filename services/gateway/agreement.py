"""Which snapshot to serve from: the newest that the gateway and every neighbour hold, so that no answer mixes two."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.neighbours import SnapshotHolder
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.treatment import PREVIOUS

#: The most seconds to wait for a neighbour's word.
STATUS_TIMEOUT = 1.0

#: The most seconds until the next poll while a neighbour is away, for answers do without it until it is known to be back.
ABSENCE_POLL_SECONDS = 0.2

log = structlog.get_logger()


class OwnSnapshots(Protocol):
    """What the gateway itself holds; a `SnapshotFollower` is one."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids that are held, newest first."""
        ...

    @property
    def newest(self) -> GatewaySnapshot:
        """The newest; raises Unavailable while there is none."""
        ...

    def get(self, snapshot_id: str) -> GatewaySnapshot:
        """Returns one of those that are held."""
        ...


class SnapshotAgreement:
    """Asks the neighbours what they hold. One that cannot be reached, or holds nothing yet, does not block a move.

    One that does not answer in time is taken to hold what it last told, or what is served if it never told: loading a
    snapshot can keep it that busy, and to move without it would be to move too early.

    Args:
        own: The snapshots that the gateway holds.
        holders: The neighbours.
        poll_seconds: How often to ask, while all answer and hold some.
        beside: Returns a snapshot with the items that changed since it was made.
    """

    def __init__(
        self,
        own: OwnSnapshots,
        holders: Sequence[SnapshotHolder],
        poll_seconds: float,
        beside: Callable[[GatewaySnapshot], GatewaySnapshot] = lambda snapshot: snapshot,
    ) -> None:
        self._own = own
        self._holders = holders
        self._poll_seconds = poll_seconds
        self._beside = beside
        self._held: dict[str, frozenset[str]] = {}  # by neighbour; without those that hold nothing
        self._served = ""

    @property
    def active(self) -> GatewaySnapshot:
        """The snapshot to serve from, with what changed about its items.

        It changes when the neighbours were asked, not when the gateway itself has loaded another: what they told before
        that says nothing of those that have come up since.

        Raises:
            Unavailable: the gateway holds none yet.
        """
        return self._beside(self._own.get(self._served) if self._served in self._own.ids else self._agreed())

    def find(self, wanted: str) -> GatewaySnapshot | None:
        """Returns the snapshot of an id, or the one before that which is served for "previous".

        None where there is no such, or a neighbour is known not to hold it.
        """
        ids = list(self._own.ids)
        if wanted == PREVIOUS:
            older = ids[ids.index(self.active.id) + 1 :]
            wanted = older[0] if older else ""
        if wanted not in ids or not all(wanted in held for held in self._held.values()):
            return None
        return self._beside(self._own.get(wanted))

    async def follow(self) -> None:
        """Asks for ever."""
        while True:
            await self.poll()
            all_there = len(self._held) == len(self._holders)
            await asyncio.sleep(self._poll_seconds if all_there else min(self._poll_seconds, ABSENCE_POLL_SECONDS))

    async def poll(self) -> None:
        """Asks every neighbour once."""
        answers = await asyncio.gather(*(self._ask(holder) for holder in self._holders))
        self._held = {holder.name: held for holder, held in zip(self._holders, answers, strict=True) if held}
        if self._own.ids and (agreed := self._agreed().id) != self._served:
            self._served = agreed
            log.info("serving from snapshot", snapshot=self._served)

    def _agreed(self) -> GatewaySnapshot:
        """Returns the newest snapshot that all hold; where there is none the gateway's newest, and stages degrade."""
        for snapshot_id in self._own.ids:
            if all(snapshot_id in held for held in self._held.values()):
                return self._own.get(snapshot_id)
        return self._own.newest

    async def _ask(self, holder: SnapshotHolder) -> frozenset[str]:
        try:
            return frozenset(await holder.held_snapshots(STATUS_TIMEOUT))
        except NeighbourFailed as failed:
            # One that is slow to tell, as while it loads a snapshot, still holds what it held. One that is gone does not.
            if failed.reason is not Reason.DEADLINE:
                return frozenset()
            return self._held.get(holder.name) or frozenset({self._served} - {""})
