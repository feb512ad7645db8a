"""A round of retraining, from a log that a feature store wrote to what is live."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.training.datasets import DatasetError, write_dataset
from services.training.job import train
from services.training.progress import Silence
from services.training.retraining.ledger import LEDGER_FILE, Ledger
from services.training.retraining.run import Retraining, retrain
from shared.event_log import EventLog
from shared.event_log.records import EventRecord
from shared.events import EventType
from shared.snapshot.repository import SnapshotRepository
from shared.user_ids import UserIds
from tests.unit.training.chains import ITEMS, chain_dataset, tiny_channels, tiny_config
from tests.unit.training.job_folder import LIGHT_CHANNELS, LIGHT_RANKER

#: Enough where it does not matter how good a snapshot is.
QUICK = tiny_config(channels=LIGHT_CHANNELS, ranker=LIGHT_RANKER)
# Later than everything in the data set.
NOW_MS = 1_790_000_000_000


def walks(first: int, users: int) -> Iterator[EventRecord]:
    """Yields what newcomers did: eight steps around the circle each."""
    for user in range(first, first + users):
        for step in range(8):
            at_ms = NOW_MS + 60_000 * step
            item = str((3 * user + step) % ITEMS)
            yield EventRecord(f"new-{user}", f"{step}", item, EventType.VIEW, at_ms, at_ms)


@pytest.fixture
def wanted(tmp_path: Path) -> Retraining:
    """A data set, and a log with what twenty newcomers did."""
    write_dataset(chain_dataset(), tmp_path / "data")
    with EventLog(tmp_path / "log") as log:
        log.append(list(walks(0, 20)))
        log.sync()
    return Retraining(log=tmp_path / "log", out=tmp_path / "snapshots", data=tmp_path / "data")


def test_the_first_snapshot_goes_live_and_is_noted(wanted: Retraining) -> None:
    """There is nothing to compare it with. What newcomers did is in it."""
    done = retrain(wanted, QUICK, Silence())

    repository = SnapshotRepository(wanted.out)
    assert done.live
    assert repository.current() == done.snapshot
    assert done.events == 160
    assert Ledger(wanted.out).rounds == [done]
    assert repository.ids() == [done.snapshot], "the ledger is no snapshot"


def test_nothing_is_trained_without_enough_that_is_new(wanted: Retraining) -> None:
    """The log's position is remembered by the ledger, so that the same events are not new twice."""
    first = retrain(wanted, QUICK, Silence())

    again = retrain(wanted, QUICK, Silence())

    assert (again.snapshot, again.events, again.live) == ("", 0, False)
    assert Ledger(wanted.out).rounds == [first]
    with EventLog(wanted.log) as log:
        log.append(list(walks(20, 1)))
    assert retrain(wanted, QUICK, Silence()).events == 8


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(wanted: Retraining) -> None:
    """It does not reach to where the last round read; waiting until it does would be to wait for months."""
    retrain(wanted, QUICK, Silence())
    shutil.rmtree(wanted.log)
    with EventLog(wanted.log) as log:
        log.append(list(walks(30, 2)))

    assert retrain(wanted, QUICK, Silence()).events == 16


def test_users_whom_the_log_has_under_hashes_are_those_of_the_data_set(wanted: Retraining, tmp_path: Path) -> None:
    """With the key they are one person each; a key that cannot be used is told."""
    key = tmp_path / "key"
    key.write_text("a key of at least sixteen bytes")
    known = chain_dataset().users[0].id
    with EventLog(wanted.log) as log:
        log.append([EventRecord(UserIds(key.read_text()).stored(known), "e", "0", EventType.VIEW, NOW_MS, NOW_MS)])
    users = []
    for chosen in (None, key):
        done = retrain(replace(wanted, user_id_key_file=chosen), QUICK, Silence())
        report = json.loads((wanted.out / done.snapshot / "report.json").read_text())
        users.append(report["sizes"]["users"])
        (wanted.out / LEDGER_FILE).unlink()

    assert users[0] - users[1] == 1
    with pytest.raises(DatasetError, match="feature store"):
        retrain(replace(wanted, user_id_key_file=tmp_path / "none"), QUICK, Silence())


def test_a_worse_snapshot_is_published_and_does_not_go_live(wanted: Retraining) -> None:
    """It can be looked into, and activated by hand; the next round begins after it all the same."""
    train(tiny_config(), chain_dataset(), wanted.out)
    repository = SnapshotRepository(wanted.out)
    before = repository.current()
    hardly_trained = tiny_config(
        channels=tiny_channels(dimension=8, heads=1, epochs=1, learning_rate=1e-9, dropout=0.0),
        ranker={"settings": {"epochs": 1, "learning_rate": 1e-9}},
        transitions={"dimension": 1},
    )

    done = retrain(wanted, hardly_trained, Silence())

    assert not done.live
    assert "NDCG@10" in done.reason
    assert repository.current() == before
    assert done.snapshot in repository.ids()
    assert Ledger(wanted.out).position == done.position > 0


def test_a_current_snapshot_that_cannot_be_read_is_replaced(wanted: Retraining) -> None:
    """Nothing is worse than what no service can load."""
    broken = train(QUICK, chain_dataset(), wanted.out)
    (broken.folder / "popularity.npy").write_bytes(b"gone")

    done = retrain(wanted, QUICK, Silence())

    assert done.live
    assert SnapshotRepository(wanted.out).current() == done.snapshot


def test_a_ledger_that_was_cut_short_keeps_its_whole_lines(wanted: Retraining) -> None:
    """As an editor or a full disk may leave it."""
    done = retrain(wanted, QUICK, Silence())
    with (wanted.out / LEDGER_FILE).open("ab") as file:
        file.write(b'{"began": "2026')

    assert Ledger(wanted.out).rounds == [done]
