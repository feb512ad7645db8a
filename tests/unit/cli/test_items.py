"""`winnow items` against services in this process."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.cli import live_items
from tests.contract.client.fake_gateway import FakeGateway, Refusal, serving
from tests.fake_server import fake_server
from tests.unit.cli.invocation import winnow, winnow_beside
from winnow.feature_store.v1 import feature_store_service_pb2 as store_pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import (
    FeatureStoreServiceServicer,
    add_FeatureStoreServiceServicer_to_server,
)
from winnow.gateway.v1 import gateway_service_pb2 as pb


def line(item_id: str = "b-17", **fields: Any) -> str:
    """Returns a line of the file."""
    return json.dumps({"id": item_id, "title": "The Emerald Throne"} | fields)


async def test_the_items_of_a_file_are_sent_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that the lines say; the counts of the batches are added up."""
    monkeypatch.setattr(live_items, "MAX_ITEMS", 2)
    file = tmp_path / "items.jsonl"
    whole = line("b-1", categories=["Fantasy"], text="Words.", attributes={"year": 1964, "format": "paper"})
    file.write_text("\n".join([whole, line("b-2"), "", line("b-3"), line("b-3", title="Again")]) + "\n")
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("items", "upsert", str(file), "--target", target)
    assert (outcome.exit_code, outcome.stdout) == (0, "1 added, 3 updated.\n")
    sent = [[item.item_id for item in request.items] for request in gateway.received]
    assert sent == [["b-1", "b-2"], ["b-3"], ["b-3"]]
    attributes = {"year": pb.AttributeValue(number=1964), "format": pb.AttributeValue(text="paper")}
    assert gateway.received[0].items[0] == pb.Item(
        item_id="b-1", title="The Emerald Throne", categories=["Fantasy"], text="Words.", attributes=attributes
    )


async def test_long_items_go_in_smaller_batches(tmp_path: Path) -> None:
    """A request stays below what the gateway reads."""
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join(line(f"b-{number}", text="x" * 16_000) for number in range(300)))
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("items", "upsert", str(file), "--json", "--target", target)
    assert outcome.exit_code == 0
    assert sum(json.loads(outcome.stdout).values()) == 300
    assert len(gateway.received) > 1
    assert max(request.ByteSize() for request in gateway.received) < 4 << 20


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"id": "b"}', "missing required field `title`"),
        ('{"id": "b", "title": "t", "genre": []}', "unknown field `genre`"),
        ("not json", "malformed"),
    ],
)
async def test_a_line_that_is_no_item_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """File, line and remedy; nothing is sent."""
    file = tmp_path / "items.jsonl"
    file.write_text(f"{line()}\n{text}\n")
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("items", "upsert", str(file), "--target", target)
    assert outcome.exit_code == 1
    assert f"winnow: {file}:2: " in outcome.stderr
    assert problem in outcome.stderr
    assert gateway.received == []


def test_a_file_that_is_not_there_is_named() -> None:
    """In one sentence."""
    outcome = winnow("items", "upsert", "nothing.jsonl")
    assert (outcome.exit_code, outcome.stderr) == (
        1,
        "winnow: nothing.jsonl cannot be read: No such file or directory.\n",
    )


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            Refusal(
                grpc.StatusCode.INVALID_ARGUMENT, "items[1].title is required", "INVALID_ARGUMENT", "items[1].title"
            ),
            "items[1].title is required, where items[0] is number 1 of the file. The 0 before it are upserted",
        ),
        (
            Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many items are in no snapshot yet", "TOO_MANY_LIVE_ITEMS"),
            "Train a snapshot with them, by `winnow train`",
        ),
    ],
)
async def test_a_refusal_says_what_to_do(tmp_path: Path, refusal: Refusal, words: str) -> None:
    """Correct the file, or train."""
    file = tmp_path / "items.jsonl"
    file.write_text(line())
    gateway = FakeGateway()
    gateway.outcomes.append(refusal)
    async with serving(gateway) as target:
        outcome = await winnow_beside("items", "upsert", str(file), "--target", target)
    assert outcome.exit_code == 1
    assert words in outcome.stderr


async def test_items_are_withdrawn_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, and whatever is named twice."""
    monkeypatch.setattr(live_items, "MAX_ITEMS", 2)
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("items", "withdraw", "a", "b", "a", "c", "--target", target)
    assert (outcome.exit_code, outcome.stdout) == (0, "1 withdrawn.\n")
    assert [list(request.item_ids) for request in gateway.received] == [["a", "b"], ["c"]]


class FakeStore(FeatureStoreServiceServicer):
    """Lists two changes, one to a page."""

    async def ListItemChanges(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Answers from the version that is asked for."""
        changes = [
            store_pb.ItemChange(
                version=4, item=store_pb.Item(item_id="b-1", title="[One]", categories=["Fantasy"]), changed_at_ms=1_500
            ),
            store_pb.ItemChange(version=7, item=store_pb.Item(item_id="b-2"), withdrawn=True, changed_at_ms=2_500),
        ]
        page = [change for change in changes if change.version > request.after_version][:1]
        version = page[-1].version if page else request.after_version
        return store_pb.ListItemChangesResponse(changes=page, version=version, more=version < 7)


async def test_changes_are_listed() -> None:
    """All pages of them, as a table or as JSON."""
    store = FakeStore()  # type: ignore[abstract]  # nothing else is asked of it
    async with fake_server(partial(add_FeatureStoreServiceServicer_to_server, store)) as target:
        table = await winnow_beside("items", "list", "--target", target)
        listed = await winnow_beside("items", "list", "--json", "--target", target)
    assert [row.split()[:3] for row in table.stdout.splitlines()] == [
        ["item", "title", "categories"],
        ["b-1", "[One]", "Fantasy"],
        ["b-2", "withdrawn", "1970-01-01T00:00:02.500+00:00"],
    ]
    assert json.loads(listed.stdout)[1] == {
        "item_id": "b-2",
        "withdrawn": True,
        "changed_at": "1970-01-01T00:00:02.500+00:00",
        "title": "",
        "categories": [],
    }


def test_a_store_that_is_away_is_a_sentence() -> None:
    """With what to do."""
    outcome = winnow("items", "list", "--target", "127.0.0.1:1")
    assert outcome.exit_code == 1
    assert "Start the suite with `winnow serve`" in outcome.stderr
