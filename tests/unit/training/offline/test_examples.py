"""Examples against an oracle that looks at every exposure for every event."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from services.training.offline.backfill import backfill
from services.training.offline.examples import EXAMPLE_COLUMNS, ExampleSet, build_examples
from services.training.offline.store import OfflineStore
from services.training.progress import Silence
from shared.event_log.records import EventRecord, ExposureRecord, Record
from shared.events import EventType, EventWeights
from tests.unit.training.offline.oracle import expected_history
from tests.unit.training.offline.records import event, exposure, log_of

_WINDOW_MS = 10
_SET = ExampleSet(window_ms=_WINDOW_MS, history=3)


def _examples(folder: Path, records: Sequence[Record], wanted: ExampleSet = _SET) -> list[dict[str, Any]]:
    store = OfflineStore(folder / "store")
    backfill(store, log_of(records))
    out = folder / "examples.parquet"
    count = build_examples(store, wanted, out, Silence())
    rows = pl.read_parquet(out)
    assert (len(rows), tuple(rows.columns)) == (count, EXAMPLE_COLUMNS)
    return rows.rows(named=True)


def _owed_to(act: EventRecord, shown: Sequence[ExposureRecord]) -> str | None:
    """The request that an event is owed to, by looking at every exposure."""
    if act.type == EventType.IMPRESSION:
        return None
    if act.shown_by:
        for one in shown:
            if one.request_id == act.shown_by and act.item_id in one.item_ids and one.user_id in {"", act.user_id}:
                return one.request_id
        return None
    found: ExposureRecord | None = None
    for one in shown:
        if one.user_id == act.user_id and act.item_id in one.item_ids:
            age = act.occurred_at_ms - one.shown_at_ms
            if age >= 0 and (found is None or one.shown_at_ms >= found.shown_at_ms):
                found = one
    if found is None or act.occurred_at_ms - found.shown_at_ms > _WINDOW_MS:
        return None
    return found.request_id


def _expected(records: Sequence[Record]) -> list[dict[str, Any]]:
    shown: list[ExposureRecord] = []
    for record in records:
        if isinstance(record, ExposureRecord) and record.request_id not in {one.request_id for one in shown}:
            shown.append(record)
    events = [record for record in records if isinstance(record, EventRecord)]
    times = [record.recorded_at_ms for record in events]
    times += [record.shown_at_ms for record in records if isinstance(record, ExposureRecord)]
    rows = []
    for one in shown:
        for place, item_id in enumerate(one.item_ids):
            acts = [act for act in events if act.item_id == item_id and _owed_to(act, shown) == one.request_id]
            count = {kind: sum(act.type == kind for act in acts) for kind in EventType}
            weights = EventWeights()
            rows.append({
                "request_id": one.request_id, "user_id": one.user_id, "item_id": item_id, "place": place + 1,
                "shown_at_ms": one.shown_at_ms, "snapshot_id": one.snapshot_id, "arm": one.arm,
                "score": one.scores[place], "propensity": one.propensities[place], "found_by": one.found_by[place],
                "channels": list(one.channels),
                "view": count[EventType.VIEW], "click": count[EventType.CLICK], "like": count[EventType.LIKE],
                "dislike": count[EventType.DISLIKE], "purchase": count[EventType.PURCHASE],
                "dwell": count[EventType.DWELL], "dwell_seconds": sum(act.dwell_seconds for act in acts),
                "reward": sum(weights.of(act.type, act.dwell_seconds) for act in acts),
                "complete": one.shown_at_ms + _WINDOW_MS <= max(times),
                "history": expected_history(records, one.user_id, one.shown_at_ms, 3) if one.user_id else [],
            })  # fmt: skip
    return rows


def _random_log(draw: random.Random) -> list[Record]:
    log: list[Record] = []
    for _ in range(draw.randrange(1, 40)):
        at, user, items = draw.randrange(40), f"u{draw.randrange(3)}", [f"i{number}" for number in range(5)]
        request = f"r{draw.randrange(8)}"
        if draw.random() < 0.4:
            log.append(exposure(request, draw.choice([user, user, ""]), at, draw.sample(items, draw.randrange(1, 5))))
            continue
        kind = draw.choice(list(EventType))
        # Sums of quarters of minutes are exact in doubles, in whatever order.
        dwell = draw.randrange(1, 30) * 15.0 if kind == EventType.DWELL else 0.0
        shown_by = draw.choice(["", "", request])
        log.append(event(user, draw.choice(items), at, kind, dwell=dwell, shown_by=shown_by, event_id=str(len(log))))
    return log


def test_three_hundred_random_logs_give_the_oracles_examples_exactly(tmp_path: Path) -> None:
    """Every event is owed to the one showing that the rules say, whatever the order of the log and the slices."""
    compared = 0
    for seed in range(300):
        draw = random.Random(seed)  # noqa: S311 - a test repeats itself
        log = _random_log(draw)
        wanted = ExampleSet(window_ms=_WINDOW_MS, history=3, slice_rows=draw.choice([4, 1_000]))
        found = _examples(tmp_path / str(seed), log, wanted)

        def place(row: dict[str, Any]) -> tuple[str, int]:
            return row["request_id"], row["place"]

        assert sorted(found, key=place) == sorted(_expected(log), key=place), seed
        compared += len(found)
    assert compared > 1_500


def test_an_event_that_names_its_answer_is_owed_to_it_whatever_came_later(tmp_path: Path) -> None:
    """The last showing does not take what an earlier answer earned."""
    log: list[Record] = [
        exposure("r1", "u", 1, ["a"]),
        exposure("r2", "u", 2, ["a"]),
        event("u", "a", 500, EventType.CLICK, shown_by="r1"),
        event("u", "a", 3, EventType.LIKE),
    ]
    first, second = _examples(tmp_path, log)
    assert (first["click"], first["like"], first["reward"]) == (1, 0, 1.0)
    assert (second["click"], second["like"], second["reward"]) == (0, 1, 3.0)


def test_what_one_user_did_is_not_owed_to_what_another_was_shown(tmp_path: Path) -> None:
    """A request id that somebody else sends earns nothing; an answer to nobody may be acted upon by anybody."""
    log: list[Record] = [
        exposure("theirs", "u1", 1, ["a"]),
        exposure("nobodys", "", 1, ["a"]),
        event("u2", "a", 2, EventType.CLICK, shown_by="theirs"),
        event("u2", "a", 3, EventType.CLICK, shown_by="nobodys"),
        event("u2", "b", 3, EventType.CLICK, shown_by="nobodys"),
    ]
    assert [(row["request_id"], row["click"]) for row in _examples(tmp_path, log)] == [("theirs", 0), ("nobodys", 1)]


def test_an_exposure_that_was_sent_twice_counts_once_and_as_it_came_first(tmp_path: Path) -> None:
    """A lost acknowledgement makes no second example."""
    log: list[Record] = [
        exposure("r", "u", 1, ["a", "b"]),
        exposure("r", "u", 2, ["b"]),
        event("u", "b", 2, EventType.CLICK),
    ]
    rows = _examples(tmp_path, log)
    assert [(row["item_id"], row["shown_at_ms"], row["click"]) for row in rows] == [("a", 1, 0), ("b", 1, 1)]


def test_the_history_of_an_example_ends_before_the_answer(tmp_path: Path) -> None:
    """Neither what was clicked at that moment nor what came of the answer is in it."""
    log: list[Record] = [
        event("u", "x", 1),
        event("u", "y", 5),
        exposure("r", "u", 5, ["a"]),
        event("u", "a", 6, EventType.CLICK, shown_by="r"),
    ]
    assert [row["history"] for row in _examples(tmp_path, log)] == [["x"]]


@pytest.mark.parametrize(("last_at", "complete"), [(10, False), (11, True)])
def test_an_example_is_complete_when_the_window_has_passed(tmp_path: Path, last_at: int, complete: bool) -> None:
    """What may yet be acted upon can be left out by whoever reads."""
    log: list[Record] = [exposure("r", "u", 1, ["a"]), event("v", "z", last_at)]
    assert [row["complete"] for row in _examples(tmp_path, log)] == [complete]


def test_rewards_add_up_the_weights_that_were_asked_for(tmp_path: Path) -> None:
    """A deployment that values reading over clicking gets its own reward."""
    log: list[Record] = [
        exposure("r", "u", 1, ["a"]),
        event("u", "a", 2, EventType.CLICK),
        event("u", "a", 3, EventType.DWELL, dwell=90.0),
        event("u", "a", 4, EventType.DWELL, dwell=86_400.0),
    ]
    wanted = ExampleSet(window_ms=_WINDOW_MS, weights=EventWeights.parse("click=0.5,dwell=2"))
    (row,) = _examples(tmp_path, log, wanted)
    assert row["reward"] == 0.5 + 2 * 1.5 + 2 * 5
    assert row["dwell_seconds"] == 90.0 + 86_400.0


def test_a_log_without_exposures_makes_no_examples(tmp_path: Path) -> None:
    """An empty file with the columns, and no failure."""
    assert _examples(tmp_path, [event("u", "a", 1)]) == []
