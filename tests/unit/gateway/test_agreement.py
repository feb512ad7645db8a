"""The gateway serves from the newest snapshot that it and every neighbour that can be reached hold."""

import asyncio
from collections.abc import Sequence

import pytest

from services.gateway.agreement import SnapshotAgreement
from services.gateway.degradation import NeighbourFailed, Reason
from services.gateway.snapshot import GatewaySnapshot
from shared.errors import Unavailable
from tests.unit.gateway.fakes import plain_items, snapshot_of


class FakeHolder:
    """A neighbour that holds what it is told; None: it cannot be reached."""

    def __init__(self, name: str, held: Sequence[str] | None) -> None:
        self.name = name
        self.held = held
        self.reason = Reason.UNAVAILABLE
        self.asked = asyncio.Event()

    async def held_snapshots(self, budget: float) -> Sequence[str]:  # noqa: ARG002 - answers at once
        """Returns what it holds."""
        self.asked.set()
        if self.held is None:
            raise NeighbourFailed(self.reason)
        return self.held


class FakeOwn:
    """The gateway's own snapshots, newest first."""

    def __init__(self, *ids: str) -> None:
        self.ids = list(ids)

    @property
    def newest(self) -> GatewaySnapshot:
        """The newest."""
        if not self.ids:
            raise Unavailable("no snapshot is loaded yet")
        return self.get(self.ids[0])

    def get(self, snapshot_id: str) -> GatewaySnapshot:
        """Returns a small one of that id."""
        return snapshot_of(plain_items(1), snapshot_id)


@pytest.mark.parametrize(
    ("own", "recall", "ranking", "active"),
    [
        pytest.param(["new", "old"], ["new", "old"], ["new"], "new", id="all hold the new one"),
        pytest.param(["new", "old"], ["old"], ["new", "old"], "old", id="one neighbour still loads it"),
        pytest.param(["old"], ["new", "old"], ["new", "old"], "old", id="the gateway still loads it"),
        pytest.param(["new", "old"], None, ["new"], "new", id="one cannot be reached"),
        pytest.param(["new", "old"], [], ["new"], "new", id="one holds nothing yet"),
        pytest.param(["new", "old"], ["new"], ["old"], "new", id="no snapshot is held by all"),
        pytest.param(["old", "new"], ["old", "new"], ["old", "new"], "old", id="rolled back"),
        pytest.param(["new", "old"], None, None, "new", id="alone"),
    ],
)
async def test_the_newest_snapshot_that_all_hold_is_served(
    own: list[str], recall: list[str] | None, ranking: list[str] | None, active: str
) -> None:
    """Only neighbours that hold something else hold up a move."""
    agreement = SnapshotAgreement(FakeOwn(*own), [FakeHolder("recall", recall), FakeHolder("ranking", ranking)], 1.0)
    await agreement.poll()
    assert agreement.active.id == active


async def test_the_suite_moves_once_the_last_neighbour_has_loaded() -> None:
    """Until then every request is served from the snapshot before."""
    holders = [FakeHolder("recall", ["old"]), FakeHolder("ranking", ["old"])]
    agreement = SnapshotAgreement(FakeOwn("new", "old"), holders, 1.0)
    seen = []
    for holder in [None, *holders]:
        if holder is not None:
            holder.held = ["new", "old"]
        await agreement.poll()
        seen.append(agreement.active.id)
    assert seen == ["old", "old", "new"]


async def test_a_neighbour_that_is_too_busy_to_tell_holds_what_it_held() -> None:
    """While it loads a snapshot it may answer late; the suite waits for it, and does not wait for one that is gone."""
    ranking = FakeHolder("ranking", ["old"])
    agreement = SnapshotAgreement(FakeOwn("new", "old"), [FakeHolder("recall", ["new", "old"]), ranking], 1.0)
    await agreement.poll()
    ranking.held, ranking.reason = None, Reason.DEADLINE
    await agreement.poll()
    assert agreement.active.id == "old"
    ranking.reason = Reason.UNAVAILABLE
    await agreement.poll()
    assert agreement.active.id == "new"


async def test_the_gateway_does_not_move_on_what_it_heard_before_it_loaded() -> None:
    """A neighbour that could not be reached then may be up by now, and hold the snapshot before."""
    own, recall = FakeOwn("old"), FakeHolder("recall", None)
    agreement = SnapshotAgreement(own, [recall], 1.0)
    await agreement.poll()
    own.ids, recall.held = ["new", "old"], ["old"]
    assert agreement.active.id == "old"
    await agreement.poll()
    assert agreement.active.id == "old"


async def test_a_neighbour_that_was_always_too_busy_to_tell_holds_up_a_move() -> None:
    """It is there, so it must not be left behind; it was not up yet when the gateway first asked."""
    own, ranking = FakeOwn("old"), FakeHolder("ranking", None)
    recall = FakeHolder("recall", ["old"])
    agreement = SnapshotAgreement(own, [recall, ranking], 1.0)
    await agreement.poll()
    ranking.reason = Reason.DEADLINE
    own.ids, recall.held = ["new", "old"], ["new", "old"]
    await agreement.poll()
    assert agreement.active.id == "old"
    ranking.held = ["new", "old"]
    await agreement.poll()
    assert agreement.active.id == "new"


async def test_nothing_can_be_served_before_a_first_snapshot() -> None:
    """The request is refused with what maps to UNAVAILABLE, whatever the neighbours hold."""
    agreement = SnapshotAgreement(FakeOwn(), [FakeHolder("recall", ["new"])], 1.0)
    await agreement.poll()
    with pytest.raises(Unavailable):
        _ = agreement.active


@pytest.mark.parametrize(
    ("held", "poll_seconds"),
    [
        pytest.param(["new"], 0.001, id="as often as was set"),
        pytest.param(None, 3600, id="sooner while one cannot be reached"),
        pytest.param([], 3600, id="sooner while one holds nothing yet"),
    ],
)
async def test_following_asks_until_it_is_cancelled(held: list[str] | None, poll_seconds: float) -> None:
    """The neighbours are asked again and again without anybody calling."""
    holder = FakeHolder("recall", held)
    agreement = SnapshotAgreement(FakeOwn("new"), [holder], poll_seconds)
    following = asyncio.create_task(agreement.follow())
    for _ in range(3):
        await asyncio.wait_for(holder.asked.wait(), timeout=10)
        holder.asked.clear()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
