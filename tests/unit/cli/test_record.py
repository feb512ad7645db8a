"""`winnow record` against a gateway in this process."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from tests.contract.client.fake_gateway import FakeGateway, Refusal, Stall, serving
from tests.unit.cli.invocation import winnow, winnow_beside
from winnow.client import requests
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def test_one_event_is_sent() -> None:
    """With the id, type and time of the options; a time without a zone is UTC."""
    gateway = FakeGateway()
    arguments = ["--user", "u", "--item", "7", "--type", "like", "--event-id", "e", "--at", "2026-11-21T10:00:00"]
    async with serving(gateway) as target:
        outcome = await winnow_beside("record", *arguments, "--target", target)
    assert (outcome.exit_code, outcome.stdout) == (0, "0 recorded, 1 known before.\n")
    [event] = gateway.received[0].events
    assert (event.user_id, event.item_id, event.type, event.event_id) == ("u", "7", pb.EVENT_TYPE_LIKE, "e")
    assert event.occurred_at.ToDatetime(UTC) == datetime(2026, 11, 21, 10, tzinfo=UTC)


async def test_a_file_is_sent_as_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All events arrive in order, and the counts are those of the stream."""
    monkeypatch.setattr(requests, "MAX_EVENTS", 2)
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(_line(item_id=str(number)) for number in range(5)) + "\n\n")
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("record", "--file", str(file), "--json", "--target", target)
    assert [[event.item_id for event in request.events] for request in gateway.received] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]
    assert json.loads(outcome.stdout) == {"recorded": 4, "duplicates": 1}


async def test_a_file_sent_twice_has_the_same_event_ids(tmp_path: Path) -> None:
    """So that the store counts each event once; events that differ have different ids."""
    file = tmp_path / "events.jsonl"
    later = _line(timestamp="2026-11-21T10:00:01Z")
    file.write_text("\n".join([_line(), later, _line(item_id="8"), _line(type="like"), _line(event_id="mine")]))
    gateway = FakeGateway()
    async with serving(gateway) as target:
        for _ in range(2):
            await winnow_beside("record", "--file", str(file), "--target", target)
    first, second = ([event.event_id for event in request.events] for request in gateway.received)
    assert first == second
    assert len(set(first)) == 5
    assert first[4] == "mine"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"user_id": "u"}', "missing required field `item_id`"),
        ('{"user_id": "u", "item_id": "i"}', "needs an event_id or a timestamp"),
        ('{"user_id": "u", "item_id": "i", "timestamp": 1, "type": "stare"}', "Invalid enum value 'stare'"),
        ('{"user_id": "u", "item_id": "i", "timestamp": 1, "kind": "view"}', "unknown field `kind`"),
        ("not json", "malformed"),
    ],
)
async def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str, problem: str) -> None:
    """File, line and remedy; nothing is sent."""
    file = tmp_path / "events.jsonl"
    file.write_text(f"{_line()}\n{line}\n")
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("record", "--file", str(file), "--target", target)
    assert outcome.exit_code == 1
    assert f"winnow: {file}:2: " in outcome.stderr
    assert problem in outcome.stderr
    assert gateway.received == []


async def test_a_refused_message_says_how_far_it_came(tmp_path: Path) -> None:
    """The place in the file, and that sending the corrected file again does no harm."""
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(_line(item_id=str(number)) for number in range(1500)))
    gateway = FakeGateway()
    refusal = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "events[1].item_id is unknown", "INVALID_ARGUMENT")
    gateway.outcomes += [Stall(asyncio.Event(), asyncio.Event()), refusal]  # the first message is taken
    async with serving(gateway) as target:
        outcome = await winnow_beside("record", "--file", str(file), "--target", target)
    assert outcome.exit_code == 1
    assert "is unknown, where events[0] is number 1001 of the file. The 1000 before it" in outcome.stderr


async def test_a_dwell_and_what_showed_the_item_are_sent(tmp_path: Path) -> None:
    """By the options, and by a line of a file."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(json.loads(_line(type="dwell", shown_by_request_id="r")) | {"dwell_seconds": 2.5}))
    gateway = FakeGateway()
    one = ["--user", "u", "--item", "7", "--type", "dwell", "--dwell-seconds", "2.5", "--shown-by", "r"]
    async with serving(gateway) as target:
        assert (await winnow_beside("record", *one, "--target", target)).exit_code == 0
        assert (await winnow_beside("record", "--file", str(file), "--target", target)).exit_code == 0
    for request in gateway.received:
        [event] = request.events
        assert (event.type, event.dwell_seconds, event.shown_by_request_id) == (pb.EVENT_TYPE_DWELL, 2.5, "r")


@pytest.mark.parametrize(
    "arguments", [[], ["--user", "u"], ["--item", "i"], ["--user", "u", "--item", "i", "--file", "events.jsonl"]]
)
def test_it_takes_one_event_or_a_file(arguments: list[str]) -> None:
    """Half an event, or both, is a wrong call."""
    outcome = winnow("record", "--type", "view", *arguments)
    assert outcome.exit_code == 2
    assert "--user and --item for one event, or --file for many" in outcome.stderr


def test_a_time_that_is_none_is_refused() -> None:
    """The message shows the form."""
    outcome = winnow("record", "--user", "u", "--item", "i", "--at", "yesterday")
    assert outcome.exit_code == 2
    assert "2026-11-21T10:00:00Z" in outcome.stderr


def _line(**fields: str) -> str:
    return json.dumps({"user_id": "u", "item_id": "7", "timestamp": "2026-11-21T10:00:00Z"} | fields)
