"""What `explain` sends and returns, awaited and blocking."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.contract.client.fake_gateway import FakeGateway, explanation, serving
from winnow.client import (
    AsyncWinnowClient,
    ChannelFunnel,
    ChannelHit,
    Degradation,
    ExplainResult,
    FeatureValue,
    FilterStep,
    ItemExplanation,
    WinnowClient,
)
from winnow.client.explanations import read_explain
from winnow.gateway.v1 import gateway_service_pb2 as pb


async def test_an_explanation_arrives_as_a_frozen_value() -> None:
    """Everything of the message, enums as words, what is unset as None."""
    async with serving(FakeGateway()) as target, AsyncWinnowClient(target) as client:
        result = await client.explain("u")
    assert [item.title for item in result.response.items] == ["Alpha", "Beta"]
    assert result.channels == (
        ChannelFunnel("sequence", 7, 6, 2, failed=False),
        ChannelFunnel("content", 0, 0, 0, failed=True),
    )
    assert result.filters == (FilterStep("seen", "the user has seen it", 1, 1, ("3",)),)
    assert result.user_features == (
        FeatureValue("region", "north", "present", 7200.0),
        FeatureValue("age", None, "expired", 259_200.0),
    )
    assert (result.history_item_ids, result.seen_items, result.found, result.ranked) == (("9", "3"), 2, 7, 6)
    first, _, third = result.items
    assert (first.outcome, first.place, first.recall_place, first.score_place, first.score) == ("shown", 1, 4, 1, 1.5)
    (told,) = first.objectives
    assert told.baseline + sum(told.contributions.values()) == told.score == 1.5
    assert third == ItemExplanation(
        item_id="3",
        title="Gamma",
        outcome="removed",
        place=0,
        recall_place=2,
        score_place=0,
        removed_by="seen",
        score=0.0,
        channels=(ChannelHit("sequence", 0.25),),
        objectives=(),
        features=(FeatureValue("pages", 0.5, "unspecified", None), FeatureValue("year", 0.0, "unspecified", None)),
    )
    assert result.degradations == (Degradation("candidate_features", "deadline", ""),)


@pytest.mark.parametrize("blocking", [False, True])
async def test_the_items_and_the_options_of_recommend_reach_the_gateway(blocking: bool) -> None:
    """The request to explain is the one that `recommend` would send."""
    gateway = FakeGateway()

    def explain(target: str) -> ExplainResult:
        with WinnowClient(target) as client:
            return client.explain("u", item_ids=["3", "4"], max_results=3, diversity=0.25, request_id="why")

    async with serving(gateway) as target:
        if blocking:
            await asyncio.to_thread(explain, target)
        else:
            async with AsyncWinnowClient(target) as client:
                await client.explain("u", item_ids=["3", "4"], max_results=3, diversity=0.25, request_id="why")
    request = pb.RecommendRequest(user_id="u", max_results=3, diversity=0.25, request_id="why")
    assert gateway.received == [pb.ExplainRequest(request=request, item_ids=["3", "4"])]


def test_an_outcome_that_only_a_newer_server_knows_does_no_harm() -> None:
    """It is named by its number."""
    message = explanation(pb.RecommendResponse())
    message.items[0].outcome = cast("pb.Outcome.ValueType", 77)
    assert read_explain(message).items[0].outcome == "unknown_77"
