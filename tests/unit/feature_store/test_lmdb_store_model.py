"""The store against the plainest thing that could be right: all that was ever told, kept in lists and dictionaries."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.seen_filter import may_have_seen
from services.feature_store.user_change import fold
from services.feature_store.user_record import Bounds
from shared.events import EventType
from tests.unit.feature_store.stores import WEEK_MS, Clock, open_store, stored

BOUNDS = Bounds(history=4, seen=3)

users = st.sampled_from(["u", "ü"])
items = st.sampled_from("abcde")
times = st.integers(0, 6)
types = st.sampled_from([EventType.VIEW.value, EventType.LIKE.value, EventType.DISLIKE.value])
events = st.builds(Event, st.sampled_from("1234567890"), users, items, types, times)
attributes = st.dictionaries(st.sampled_from(["age", "region"]), st.sampled_from(["north", 3.0]))
past = st.lists(st.tuples(items, times, types), max_size=8)


class Model:
    """What the store should remember, with nothing forgotten before it is asked."""

    def __init__(self) -> None:
        self.recorded_at: dict[tuple[str, str], int] = {}
        self.told: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
        self.attributes: defaultdict[str, dict[str, str | float]] = defaultdict(dict)

    def record(self, batch: Sequence[Event], now_ms: int) -> Recorded:
        """Records events that were not told within a week."""
        new = 0
        for event in batch:
            key = (event.user_id, event.event_id)
            if now_ms - self.recorded_at.get(key, -WEEK_MS) >= WEEK_MS:
                self.recorded_at[key] = now_ms
                self.told[event.user_id].append((event.at_ms, event.item_id, event.type))
                new += 1
        return Recorded(new, len(batch) - new)

    def merge(self, user: ImportedUser) -> None:
        """Adds the past that is not known and is newer than what a full history has forgotten."""
        self.attributes[user.user_id].update(user.attributes)
        told = self.told[user.user_id]
        kept = self.history(user.user_id)
        forgotten_until = kept[0][0] if len(kept) == BOUNDS.history else -1
        for event in sorted(zip(user.times_ms, user.item_ids, user.types, strict=True), key=lambda event: event[0]):
            if event[0] > forgotten_until and event not in told:
                told.append(event)
            else:  # it still makes its item seen
                told.append((event[0], event[1], EventType.DISLIKE))

    def history(self, user_id: str) -> list[tuple[int, str, int]]:
        """Returns the newest history, oldest first."""
        joined = [event for event in self.told[user_id] if event[2] != EventType.DISLIKE]
        return sorted(joined, key=lambda event: event[0])[-BOUNDS.history :]

    def seen(self, user_id: str) -> list[str]:
        """Returns the items seen, the one seen last at the end."""
        newest = {item: time for time, item, _ in sorted(self.told[user_id])}
        return sorted(newest, key=lambda item: (newest[item], item))


class StoreMachine(RuleBasedStateMachine):
    """Any interleaving of events, imports, repetitions, time and restarts."""

    @initialize()
    def open(self) -> None:
        """Begins with an empty store."""
        self.clock = Clock()
        self.model = Model()
        self.kept: defaultdict[str, set[str]] = defaultdict(set)
        self.folder = ExitStack()
        self.path = Path(self.folder.enter_context(tempfile.TemporaryDirectory()))
        self._enter()

    def _enter(self) -> None:
        self.opened = ExitStack()
        self.store = self.opened.enter_context(open_store(self.path, BOUNDS, self.clock))

    def teardown(self) -> None:
        """Closes the store and removes it."""
        if hasattr(self, "opened"):
            self.opened.close()
            self.folder.close()

    @rule(batch=st.lists(events, min_size=1, max_size=6))
    def record(self, batch: list[Event]) -> None:
        """Records a batch."""
        outcome = asyncio.run(self.store.record_events(batch))
        assert outcome == self.model.record(batch, self.clock.now_ms)

    @rule(user_id=users, told=past, named=attributes)
    def merge(self, user_id: str, told: list[tuple[str, int, int]], named: dict[str, str | float]) -> None:
        """Imports a user, twice."""
        item_ids, at_ms, kinds = ([event[column] for event in told] for column in range(3))
        user = ImportedUser(user_id, named, item_ids, at_ms, kinds)  # type: ignore[arg-type]
        asyncio.run(self.store.import_users([user]))
        assert asyncio.run(self.store.import_users([user])) == 0
        self.model.merge(user)

    @rule(days=st.integers(1, 5))
    def pass_time(self, days: int) -> None:
        """Lets event ids leave the window."""
        self.clock.now_ms += days * WEEK_MS // 7

    @rule()
    def restart(self) -> None:
        """Closes the store and opens it again."""
        self.opened.close()
        self._enter()

    @invariant()
    def remembers_what_the_model_remembers(self) -> None:
        """Every user has the same attributes, history and seen items."""
        for user_id in self.model.told.keys() | self.model.attributes.keys():
            (parts,) = self.store.read_now([user_id])
            user = stored(self.store, user_id, BOUNDS)
            assert user is not None
            assert parts is not None
            assert user.attributes == self.model.attributes[user_id]
            assert user.history_items == [item for _, item, _ in self.model.history(user_id)]
            assert len(user.seen_items) == len(set(user.seen_items))
            seen = self.model.seen(user_id)
            assert set(seen[-BOUNDS.seen :]) <= set(user.seen_items) <= set(seen)
            assert len(user.seen_items) <= BOUNDS.most_seen
            self.kept[user_id] |= set(user.seen_items)
            gone = [item for item in self.kept[user_id] if item not in user.seen_items]
            folded = fold(parts, BOUNDS)
            assert not gone or may_have_seen(folded.seen_filter or b"", gone).all()


TestStoreRemembersWhatItWasTold = StoreMachine.TestCase
TestStoreRemembersWhatItWasTold.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
