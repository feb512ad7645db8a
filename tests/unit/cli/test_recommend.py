"""`winnow recommend` and `winnow similar` against a gateway in this process."""

from __future__ import annotations

import asyncio
import json

import grpc
import pytest

from tests.contract.client.fake_gateway import FakeGateway, Refusal, Stall, serving
from tests.unit.cli.invocation import winnow, winnow_beside
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def test_items_come_as_a_table_with_their_provenance() -> None:
    """Rank, title, categories, score and channels; below, what identifies the answer."""
    async with serving(FakeGateway()) as target:
        outcome = await winnow_beside("recommend", "--user", "u", "--target", target)
    lines = outcome.stdout.splitlines()
    assert outcome.exit_code == 0
    assert lines[1].split() == ["1", "1", "Alpha", "Comedy,", "Drama", "1.500", "sequence"]
    assert "snapshot snapshot-1 · request made-by-the-gateway · experiment arm control" in outcome.stdout
    assert "recall 2.5 ms" in outcome.stdout


async def test_every_option_reaches_the_gateway() -> None:
    """The options' small languages become the fields of the request."""
    gateway = FakeGateway()
    arguments = [
        *("--user", "u", "-n", "3", "--session", "8", "--session", "9"),
        *("--attribute", "age=31", "--attribute", "region=north", "--attribute", 'zip="0123"'),
        *("--filter", "category=Comedy|Drama", "--filter", "year!=1999", "--exclude", "7"),
        *("--weight", "like=2", "--diversity", "0.25", "--include-seen"),
    ]
    async with serving(gateway) as target:
        outcome = await winnow_beside("recommend", *arguments, "--target", target)
    assert outcome.exit_code == 0
    assert gateway.received == [
        pb.RecommendRequest(
            user_id="u",
            max_results=3,
            session_item_ids=["8", "9"],
            user_attributes={
                "age": pb.AttributeValue(number=31),
                "region": pb.AttributeValue(text="north"),
                "zip": pb.AttributeValue(text="0123"),
            },
            filters=[
                pb.AttributeFilter(field="category", any_of=["Comedy", "Drama"]),
                pb.AttributeFilter(field="year", any_of=["1999"], exclude=True),
            ],
            exclude_item_ids=["7"],
            objective_weights={"like": 2.0},
            diversity=0.25,
            include_seen=True,
        )
    ]


async def test_json_is_the_whole_answer_and_nothing_else() -> None:
    """stdout holds one document that a program can read."""
    async with serving(FakeGateway()) as target:
        outcome = await winnow_beside("recommend", "--user", "u", "--json", "--target", target)
    answer = json.loads(outcome.stdout)
    assert [item["item_id"] for item in answer["items"]] == ["1", "2"]
    assert answer["items"][0]["channels"] == [{"channel": "sequence", "score": 0.25}]
    assert (answer["snapshot_id"], answer["known_user"]) == ("snapshot-1", True)


async def test_degradation_is_told_in_plain_words() -> None:
    """What the answer does without, and why; a stage of a newer server is named as it is."""
    gateway = FakeGateway()
    gateway.degradations = [
        pb.Degradation(stage=pb.STAGE_RANKING, reason=pb.DEGRADATION_REASON_DEADLINE),
        pb.Degradation(stage=pb.STAGE_RECALL, reason=pb.DEGRADATION_REASON_ERROR, channel="content"),
    ]
    async with serving(gateway) as target:
        outcome = await winnow_beside("recommend", "--user", "u", "--target", target)
    assert "Degraded: done without ranking, because it took too long." in outcome.stdout
    assert (
        "done without finding candidates through the channel 'content', because the service failed." in outcome.stdout
    )


async def test_a_title_is_not_taken_for_markup() -> None:
    """Brackets in the catalogue's texts are shown as they are."""
    gateway = FakeGateway()
    gateway.items[0].title = "[red]Rec[/] [2]"
    async with serving(gateway) as target:
        outcome = await winnow_beside("recommend", "--user", "u", "--target", target)
    assert "[red]Rec[/] [2]" in outcome.stdout


async def test_similar_items_are_shown_alike() -> None:
    """The same table, for an item."""
    gateway = FakeGateway()
    async with serving(gateway) as target:
        outcome = await winnow_beside(
            "similar", "--item", "9", "-n", "2", "--filter", "category=Drama", "--target", target
        )
    assert outcome.exit_code == 0
    assert "Beta" in outcome.stdout
    assert "Nobody knows this user" not in outcome.stdout
    assert gateway.received[0].filters == [pb.AttributeFilter(field="category", any_of=["Drama"])]


async def test_a_gateway_that_is_not_there_is_one_sentence_and_status_one() -> None:
    """It says where nothing was found and what to do; no traceback, nothing on stdout."""
    async with serving(FakeGateway()) as target:
        pass
    outcome = await winnow_beside("recommend", "--user", "u", "--target", target)
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"winnow: The gateway at {target} cannot be reached")
    assert "winnow serve" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


async def test_what_the_gateway_refuses_is_told_as_it_says() -> None:
    """The server's words name the field."""
    gateway = FakeGateway()
    gateway.outcomes.append(
        Refusal(grpc.StatusCode.NOT_FOUND, "item_id is not in the catalogue", "NOT_FOUND", "item_id")
    )
    async with serving(gateway) as target:
        outcome = await winnow_beside("similar", "--item", "9", "--target", target)
    assert (outcome.exit_code, outcome.stderr) == (1, "winnow: Not found: item_id is not in the catalogue.\n")


async def test_the_timeout_is_the_deadline() -> None:
    """A slow gateway is given up with advice."""
    gateway = FakeGateway()
    gateway.outcomes.append(Stall(asyncio.Event(), asyncio.Event()))
    async with serving(gateway) as target:
        outcome = await winnow_beside("recommend", "--user", "u", "--target", target, "--timeout", "0.05")
    assert outcome.exit_code == 1
    assert "did not answer within 0.05 s. Give it longer with --timeout." in outcome.stderr


@pytest.mark.parametrize(
    "arguments", [["--attribute", "age"], ["--filter", "=Comedy"], ["--filter", "!=Comedy"], ["--weight", "like=much"]]
)
def test_an_option_of_the_wrong_form_is_refused(arguments: list[str]) -> None:
    """Status 2, and the form that is wanted."""
    outcome = winnow("recommend", "--user", "u", *arguments)
    assert outcome.exit_code == 2
    assert "is not of the form" in outcome.stderr or "is no number" in outcome.stderr
