"""`winnow log` on small logs."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

import pytest

from services.cli.event_log.show import follow_log
from shared.event_log import EventLog
from shared.event_log.records import AttributesRecord, EventRecord
from tests.unit.cli.invocation import winnow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of three segments, in one of which a record was erased."""
    with EventLog(tmp_path / "log", segment_bytes=1) as log:
        for number, user_id in enumerate(("ann", "bob", "ann")):
            log.append([EventRecord(user_id, f"event-{number}", "item", 1, number, number)])
        log.append([AttributesRecord("ann", {"age": 31}, 1, 2)])
        log.erase(lambda record: getattr(record, "user_id", "") == "bob")
    return tmp_path / "log"


def shown(*arguments: str) -> list[dict[str, object]]:
    """Returns the lines that `winnow log show` prints."""
    return [json.loads(line) for line in winnow("log", "show", *arguments).stdout.splitlines()]


def test_show_prints_every_record_in_order(folder: Path) -> None:
    """Each with its position, its kind and its fields; erased ones are not there."""
    lines = shown(str(folder))
    assert [(line["kind"], line["user_id"]) for line in lines] == [("event", "ann")] * 2 + [("attributes", "ann")]
    assert lines[0]["event_id"] == "event-0"
    assert lines[2]["values"] == {"age": 31}
    assert shown(str(folder), "--after", str(lines[1]["position"])) == lines[2:]


def test_show_prints_one_user_or_one_kind(folder: Path) -> None:
    """By the id as it is stored."""
    assert len(shown(str(folder), "--user", "ann")) == 3
    assert shown(str(folder), "--user", "bob") == []
    assert len(shown(str(folder), "--kind", "attributes")) == 1


def test_following_goes_on_with_what_is_written_meanwhile(folder: Path) -> None:
    """Nothing is printed twice, and nothing is missed."""
    more = [EventRecord("mia", "event-9", "item", 1, 9, 9)]

    def wait(_: float) -> None:
        with EventLog(folder) as log:
            log.append([more.pop()])

    users = [getattr(record, "user_id", "") for _, record in islice(follow_log(folder, 0, wait), 4)]
    assert users == ["ann", "ann", "ann", "mia"]


def test_verify_counts_records_by_kind(folder: Path) -> None:
    """For people and for programs."""
    outcome = winnow("log", "verify", str(folder))
    assert outcome.exit_code == 0
    assert "Records: 1 attributes, 1 erased, 2 event" in outcome.stdout
    found = json.loads(winnow("log", "verify", str(folder), "--json").stdout)
    assert found["records"] == {"event": 2, "erased": 1, "attributes": 1}
    assert len(found["segments"]) == 4
    assert found["checksum"] in outcome.stdout


def test_the_checksum_is_of_what_is_logged(tmp_path: Path) -> None:
    """The same records make the same checksum however they lie in segments; others make another."""
    checksums = []
    for name, segment_bytes, item in (("a", 1, "item"), ("b", 1 << 20, "item"), ("c", 1, "other")):
        with EventLog(tmp_path / name, segment_bytes) as log:
            log.append([EventRecord("ann", "1", "item", 1, 1, 1)])
            log.append([EventRecord("ann", "2", item, 1, 2, 2)])
        checksums.append(json.loads(winnow("log", "verify", str(tmp_path / name), "--json").stdout)["checksum"])
    assert checksums[0] == checksums[1] != checksums[2]


def test_verify_tells_what_a_crash_left(folder: Path) -> None:
    """It is no damage: the next start cuts it off."""
    last = max(folder.iterdir())
    os.truncate(last, last.stat().st_size - 1)
    found = json.loads(winnow("log", "verify", str(folder), "--json").stdout)
    assert found["segments"][-1]["unfinished_bytes"] == last.stat().st_size
    assert "attributes" not in found["records"]


@pytest.mark.parametrize("command", ["show", "verify"])
def test_damage_is_named(folder: Path, command: str) -> None:
    """The file, the place, and what to do."""
    first = min(folder.iterdir())
    first.write_bytes(b"\0" * first.stat().st_size)
    outcome = winnow("log", command, str(folder))
    assert outcome.exit_code == 1
    assert f"{first} at byte 0" in outcome.stderr
    assert "restore the file from a copy" in outcome.stderr


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_folder_without_a_log_is_a_sentence(folder: Path, command: str) -> None:
    """Who names the store's folder is told where its log is."""
    outcome = winnow("log", command, str(folder.parent))
    assert outcome.exit_code == 1
    assert f"It is in {folder}" in outcome.stderr
