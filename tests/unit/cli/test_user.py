"""`winnow user` against servers in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import polars as pl
import pytest

from shared.user_ids import UserIds
from tests.contract.client.fake_gateway import FakeGateway, Refusal, serving
from tests.fake_server import add_method, fake_server
from tests.unit.cli.invocation import winnow, winnow_beside
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.gateway.v1 import gateway_service_pb2 as gateway_pb

EXPORT = pb.DESCRIPTOR.services_by_name["FeatureStoreService"].methods_by_name["ExportUser"]


def contents(folder: Path) -> list[bytes]:
    """Returns what is in each file of a folder and below."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_forgetting_prints_the_receipt() -> None:
    """Every place, those with nothing too, and when it was done."""
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("user", "forget", "ann", "--target", target)
    assert outcome.exit_code == 0
    assert [request.user_id for request in gateway.received] == ["ann"]
    assert [line.split() for line in outcome.stdout.splitlines()[1:3]] == [["history", "2"], ["counters", "0"]]
    assert "Forgotten since 2023-11-14 22:13:20 UTC" in outcome.stdout


async def test_the_users_rows_leave_the_training_examples(tmp_path: Path) -> None:
    """In every Parquet file of the folder and below; rows of others, and of nobody, stay in their order."""
    (tmp_path / "day=1").mkdir()
    frame = pl.DataFrame({"user_id": ["ann", "bob", None, "ann", "annabel"], "item_id": ["m1", "b", "n", "m2", "a"]})
    frame.write_parquet(tmp_path / "examples.parquet")
    frame.filter(pl.col("user_id") == "ann").write_parquet(tmp_path / "day=1" / "only-ann.parquet")
    pl.DataFrame({"item_id": ["ann"]}).write_parquet(tmp_path / "items.parquet")
    async with serving(FakeGateway()) as target:
        arguments = ("user", "forget", "ann", "--examples", str(tmp_path), "--target", target, "--json")
        outcome = await winnow_beside(*arguments)
        again = await winnow_beside(*arguments)
    assert json.loads(outcome.stdout)["examples"] == {str(tmp_path): 4}
    assert json.loads(again.stdout)["examples"] == {str(tmp_path): 0}
    assert pl.read_parquet(tmp_path / "examples.parquet").equals(frame[[1, 2, 4]])
    assert pl.read_parquet(tmp_path / "day=1" / "only-ann.parquet").height == 0
    assert pl.read_parquet(tmp_path / "items.parquet").height == 1
    assert not any(b"m1" in content for content in contents(tmp_path))


async def test_examples_of_a_keyed_store_are_found_by_the_hash(tmp_path: Path) -> None:
    """The gateway is given the id itself: only the feature store and its examples know hashes."""
    key = "a key of at least sixteen bytes"
    (tmp_path / "key").write_text(key)
    (tmp_path / "examples").mkdir()
    pl.DataFrame({"user_id": [UserIds(key).stored("ann"), "ann"]}).write_parquet(tmp_path / "examples" / "e.parquet")
    arguments = ("--examples", str(tmp_path / "examples"), "--user-id-key-file", str(tmp_path / "key"))
    gateway = FakeGateway()
    async with serving(gateway) as target:
        await winnow_beside("user", "forget", "ann", *arguments, "--target", target)
    assert gateway.received[0].user_id == "ann"
    assert pl.read_parquet(tmp_path / "examples" / "e.parquet")["user_id"].to_list() == ["ann"]


@pytest.mark.parametrize(
    ("option", "problem"), [("--examples", "is no folder"), ("--user-id-key-file", "cannot be read")]
)
async def test_what_cannot_be_done_is_said_before_anything_is_erased(tmp_path: Path, option: str, problem: str) -> None:
    """A receipt for one half would be lost with the failure of the other."""
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside("user", "forget", "ann", option, str(tmp_path / "none"), "--target", target)
    assert (outcome.exit_code, gateway.received) == (2, [])
    assert problem in outcome.stderr


async def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    """Nobody is told that all is erased."""
    (tmp_path / "bad.parquet").write_bytes(b"ann")
    async with serving(FakeGateway()) as target:
        outcome = await winnow_beside("user", "forget", "ann", "--examples", str(tmp_path), "--target", target)
    assert outcome.exit_code == 1
    assert f"{tmp_path / 'bad.parquet'} cannot be erased from" in outcome.stderr


async def test_a_failure_of_the_gateway_is_no_receipt() -> None:
    """It says what to do."""
    gateway = FakeGateway()
    gateway.outcomes.append(Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room", "STORAGE_FULL"))
    async with serving(gateway) as target:
        outcome = await winnow_beside("user", "forget", "ann", "--target", target)
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert "no room" in outcome.stderr
    assert isinstance(gateway.received[0], gateway_pb.ForgetUserRequest)


async def exported(request: pb.ExportUserRequest, context: Any) -> AsyncIterator[pb.ExportUserResponse]:
    """Tells two things of a user, unless it is one of whom the store cannot tell."""
    yield pb.ExportUserResponse(place="attributes", record='{"age":31,"name":"é"}')
    if request.user_id == "broken":
        await context.abort(grpc.StatusCode.UNAVAILABLE, "closing")
    yield pb.ExportUserResponse(place="log_events", record='{"item_id":"i1"}')


LINES = [
    {"place": "attributes", "record": {"age": 31, "name": "é"}},
    {"place": "log_events", "record": {"item_id": "i1"}},
]


async def test_an_export_is_json_lines(tmp_path: Path) -> None:
    """On stdout, or in a file that only its owner may read."""
    async with fake_server(partial(add_method, EXPORT, exported)) as target:
        outcome = await winnow_beside("user", "export", "ann", "--target", target)
        await winnow_beside("user", "export", "ann", "--target", target, "--out", str(tmp_path / "ann.jsonl"))
    assert [json.loads(line) for line in outcome.stdout.splitlines()] == LINES
    assert (tmp_path / "ann.jsonl").read_text() == outcome.stdout
    assert (tmp_path / "ann.jsonl").stat().st_mode & 0o777 == 0o600


async def test_half_an_export_is_no_file(tmp_path: Path) -> None:
    """Who finds a file has everything."""
    out = tmp_path / "ann.jsonl"
    async with fake_server(partial(add_method, EXPORT, exported)) as target:
        outcome = await winnow_beside("user", "export", "broken", "--target", target, "--out", str(out))
    assert outcome.exit_code == 1
    assert "closing (UNAVAILABLE)" in outcome.stderr
    assert contents(tmp_path) == []


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """Before the store is asked."""
    outcome = winnow("user", "export", "ann", "--out", str(tmp_path / "none" / "ann.jsonl"))
    assert outcome.exit_code == 1
    assert "cannot be written: No such file or directory" in outcome.stderr


def test_a_store_that_is_not_there_is_named_with_what_to_do() -> None:
    """Whoever exports is told how to start it."""
    outcome = winnow("user", "export", "ann", "--target", "localhost:1")
    assert outcome.exit_code == 1
    assert "The feature store at localhost:1 failed" in outcome.stderr
    assert "winnow serve" in outcome.stderr
