"""`winnow explain` against a gateway in this process."""

from __future__ import annotations

import json

import pytest

from services.cli.spans import span_in_words
from tests.contract.client.fake_gateway import FakeGateway, serving
from tests.unit.cli.invocation import winnow, winnow_beside
from winnow.gateway.v1 import gateway_service_pb2 as pb


def line_of(text: str, beginning: str) -> list[str]:
    """The words of the line that begins so."""
    return next(line for line in text.splitlines() if line.startswith(beginning)).split()


async def explained(*arguments: str, gateway: FakeGateway | None = None) -> str:
    """What the command prints."""
    async with serving(gateway or FakeGateway()) as target:
        outcome = await winnow_beside("explain", "u", *arguments, "--target", target)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    return outcome.stdout


async def test_the_funnel_can_be_read_from_top_to_bottom() -> None:
    """The user, what was found, what was removed, where items came, and what made their scores."""
    text = await explained()
    assert line_of(text, "region") == ["region", "north", "present", "2", "h"]
    assert line_of(text, "age") == ["age", "-", "expired", "3", "d"]
    assert "history of 2 items: 9, 3" in text
    assert line_of(text, "sequence") == ["sequence", "7", "6", "2"]
    assert line_of(text, "content")[-1] == "failed"
    assert line_of(text, "seen ") == ["seen", "1", "1", "the", "user", "has", "seen", "it"]
    assert "7 candidates, 1 of them removed: 6 left, 6 ranked, 2 items in the answer" in text
    assert line_of(text, "2  2 ") == ["2", "2", "Beta", "1", "5", "+3", "1.500", "sequence", "0.25"]
    assert line_of(text, "1     like") == ["1", "like", "0.250", "+0.750", "+1.000", "-0.500", "1.500"]
    assert ["1", "9", "-0.750", "Iota"] in [line.split() for line in text.splitlines()]
    sections = [
        *("The user", "What the channels found", "What the filters removed", "The answer", "What made the scores"),
        "What of the history speaks for them",
    ]
    places = [text.index(title) for title in sections]
    assert places == sorted(places)


async def test_an_item_that_is_missed_is_told_why() -> None:
    """The filter that removed it, how far it came, and its features but for those of 0."""
    text = await explained("--item", "3")
    assert "3 Gamma is not in the answer: the filter 'seen' removed it." in text
    assert "by recall it came 2., found by sequence 0.25" in text
    assert line_of(text, "pages") == ["pages", "0.5"]
    assert "and 1 more of value 0" in text


async def test_the_options_are_those_of_recommend() -> None:
    """And the items to explain besides."""
    gateway = FakeGateway()
    arguments = [
        *("--item", "3", "--item", "4", "-n", "3", "--session", "8", "--attribute", "age=31", "--exclude", "7"),
        *("--filter", "category=Comedy", "--weight", "like=2", "--diversity", "0.25", "--include-seen"),
    ]
    await explained(*arguments, gateway=gateway)
    assert gateway.received == [
        pb.ExplainRequest(
            request=pb.RecommendRequest(
                user_id="u",
                max_results=3,
                session_item_ids=["8"],
                user_attributes={"age": pb.AttributeValue(number=31)},
                filters=[pb.AttributeFilter(field="category", any_of=["Comedy"])],
                exclude_item_ids=["7"],
                objective_weights={"like": 2.0},
                diversity=0.25,
                include_seen=True,
            ),
            item_ids=["3", "4"],
        )
    ]


async def test_json_is_the_whole_explanation_and_nothing_else() -> None:
    """stdout holds one document that a program can read."""
    told = json.loads(await explained("--json"))
    assert [item["item_id"] for item in told["items"]] == ["1", "2", "3"]
    assert told["items"][0]["objectives"][0]["contributions"]["history"] == 1.0
    assert told["response"]["snapshot_id"] == "snapshot-1"


async def test_what_is_degraded_is_told_of_answer_and_explanation_apart() -> None:
    """The answer may be whole where the explanation is not, and the other way round."""
    gateway = FakeGateway()
    gateway.degradations = [pb.Degradation(stage=pb.STAGE_RANKING, reason=pb.DEGRADATION_REASON_DEADLINE)]
    text = await explained(gateway=gateway)
    assert "Degraded: done without ranking, because it took too long." in text
    assert "Not explained in full: done without the candidates' features, because it took too long." in text


async def test_a_title_is_not_taken_for_markup() -> None:
    """Brackets in the catalogue's texts are shown as they are."""
    gateway = FakeGateway()
    gateway.explained_title = "[red]Rec[/] [2]"
    assert "[red]Rec[/] [2]" in await explained(gateway=gateway)


def test_a_user_must_be_named() -> None:
    """Called wrongly, it ends with 2."""
    assert winnow("explain", "--item", "3").exit_code == 2


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (86_400, "1 d"), (1e7, "115 d")]
)
def test_a_span_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    """Nobody counts the seconds of a week."""
    assert span_in_words(seconds) == words
