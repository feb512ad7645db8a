"""The whole job on a data set that a log continues."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import msgspec
import pytest

from services.training.__main__ import main
from services.training.offline.real_traffic import with_stored_ids
from services.training.report import Report
from shared.event_log import EventLog
from shared.event_log.records import Record
from shared.events import EventType
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.repository import SnapshotRepository
from shared.user_ids import UserIds
from tests.unit.training.chains import EVENTS, ITEMS, USERS, chain_dataset
from tests.unit.training.job_folder import write_job
from tests.unit.training.offline.records import event, exposure, item

_NOW_MS = 1_790_000_000_000


def _traffic() -> list[Record]:
    """A new item that everybody takes up as it is shown, then three more; item 0 is withdrawn."""
    records: list[Record] = [item("new", _NOW_MS), item("0", _NOW_MS, withdrawn=True)]
    for user in range(USERS):
        request, at = f"r{user}", _NOW_MS + 1_000 * user
        records.append(exposure(request, str(user), at, ["5", "new", "6"], [0.5, 0.2, 0.9]))
        records.append(event(str(user), "new", at + 10, EventType.CLICK, shown_by=request))
        records += [event(str(user), str(7 + (user + step) % 30), at + 100 * step) for step in range(1, 4)]
    return records


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set, a configuration and a log."""
    write_job(tmp_path, ranker={"shown_min_lists": 50})
    with EventLog(tmp_path / "log", sync=False) as log:
        log.append(_traffic())
    return tmp_path


def _train(folder: Path, *flags: str) -> int:
    return main(["--out", str(folder / "out"), "--config", str(folder / "training.toml"), "--quiet", *flags])


def test_a_snapshot_has_what_the_log_brought(folder: Path) -> None:
    """The catalogue of now, the events, the lists that the ranker learnt from, and the moment up to which it knows."""
    before = datetime.datetime.now(datetime.UTC)
    log, offline = str(folder / "log"), str(folder / "offline")

    assert _train(folder, "--data", str(folder / "data"), "--log", log, "--offline", offline) == 0

    repository = SnapshotRepository(folder / "out")
    current = repository.current()
    assert current is not None
    manifest = repository.manifest(current)
    ids = [one.id for one in read_catalogue(repository.folder(current) / manifest.catalogue)]
    assert ids == [str(row) for row in range(1, ITEMS)] + ["new"]
    report = msgspec.json.decode((repository.folder(current) / "report.json").read_bytes(), type=Report)
    withdrawn = sum(row == 0 for row in chain_dataset().interactions.items.tolist())
    assert report.sizes["interactions"] == USERS * (EVENTS + 4) - withdrawn
    assert report.sizes["events from the log"] == 4 * USERS
    assert (report.sizes["items from the log"], report.sizes["items withdrawn"]) == (1, 1)
    assert report.sizes["shown lists to fit the ranker"] == USERS
    # What changes while the models are fitted is not in the snapshot: it must be older than such a change.
    created = datetime.datetime.fromisoformat(manifest.created)
    assert before.replace(microsecond=0) <= created <= before + datetime.timedelta(seconds=1, milliseconds=500)
    assert report.seconds["total"] > 0
    assert (folder / "offline" / "manifest.json").is_file()


def test_a_log_alone_can_be_trained_on_when_it_has_items(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says so where it has too few."""
    assert _train(folder, "--log", str(folder / "log")) == 2
    assert "1 items are too few" in capsys.readouterr().err
    with EventLog(folder / "log", sync=False) as log:
        log.append([item(str(row), _NOW_MS + 1) for row in range(ITEMS)])
        later = _NOW_MS + 10**9
        log.append(
            [event(str(user), str((user + step) % ITEMS), later + step) for user in range(USERS) for step in range(4)]
        )
    assert _train(folder, "--log", str(folder / "log")) == 0


def test_a_log_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training on half of what was asked for would not be noticed."""
    assert _train(folder, "--data", str(folder / "data"), "--log", str(folder / "nothing")) == 2
    assert "nothing: there is no log" in capsys.readouterr().err


def test_without_a_log_nothing_is_different(folder: Path) -> None:
    """The report of a plain training says nothing of logs, and its moment is that of the end."""
    started = time.time()
    assert _train(folder, "--data", str(folder / "data")) == 0
    repository = SnapshotRepository(folder / "out")
    manifest = repository.manifest(str(repository.current()))
    report = msgspec.json.decode((repository.folder(manifest.id) / "report.json").read_bytes(), type=Report)
    assert not [name for name in report.sizes if "log" in name or "shown" in name]
    assert datetime.datetime.fromisoformat(manifest.created).timestamp() >= int(started)


def test_people_whom_the_log_has_under_hashes_are_those_of_the_data_set() -> None:
    """Otherwise everybody would be two users: one with a past, and one with a present."""
    ids = UserIds("a key of sixteen bytes or more")
    dataset = chain_dataset()
    renamed = with_stored_ids(dataset, ids)
    assert [user.id for user in renamed.users] == [ids.stored(user.id) for user in dataset.users]
    assert renamed.users[3].attributes == dataset.users[3].attributes


def test_a_key_that_cannot_be_read_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training with users that do not match would not be noticed either."""
    flags = ("--data", str(folder / "data"), "--log", str(folder / "log"), "--user-id-key-file", str(folder / "key"))
    assert _train(folder, *flags) == 2
    assert f"{folder / 'key'} with the user id key cannot be read" in capsys.readouterr().err
