"""What `explain` returns: frozen values, read from the messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from winnow.client.results import (
    ChannelHit,
    Degradation,
    RecommendResult,
    read_channels,
    read_degradations,
    read_recommend,
    word,
)
from winnow.gateway.v1 import gateway_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class ChannelFunnel:
    """What became of what a recall channel found.

    Attributes:
        channel: The channel's name.
        found: Candidates that it found, or would have found had recall not been told to leave them out.
        kept: How many of them no filter removed.
        shown: How many of them are in the answer.
        failed: Whether the channel failed and was done without.
    """

    channel: str
    found: int
    kept: int
    shown: int
    failed: bool


@dataclass(frozen=True, slots=True)
class FilterStep:
    """What a filter removed.

    Attributes:
        filter: "duplicate", "seen", "excluded", "withdrawn" or "attributes".
        reason: Why it removes, in words.
        removed: How many candidates it removed.
        left_out: How many of them recall was told to leave out.
        item_ids: The first hundred of them.
    """

    filter: str
    reason: str
    removed: int
    left_out: int
    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureValue:
    """A feature that a model saw.

    Attributes:
        name: Its name.
        value: A user's before it is transformed, an item's after; None where there is none, or nobody told.
        state: "present", "default", "expired", or "unspecified" where nobody told.
        age_seconds: How long ago it was written; None where it never was, or came with the request.
    """

    name: str
    value: str | float | None
    state: str
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class ObjectiveExplanation:
    """A score and what contributed to it: baseline and contributions add up to the score.

    Attributes:
        objective: The objective.
        score: The ranker's score.
        baseline: The score of the same item with every group of inputs at its default.
        contributions: What "user_features", "history" and "item_features" contributed: their Shapley values.
    """

    objective: str
    score: float
    baseline: float
    contributions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HistoryReason:
    """An item of the history that speaks for another item.

    Attributes:
        item_id: The item of the history.
        title: For display.
        value: How much lower the other's score would be had the user not met it.
    """

    item_id: str
    title: str
    value: float


@dataclass(frozen=True, slots=True)
class ItemExplanation:
    """Why an item is where it is, or not there. A place of 0 says that it did not come that far.

    Attributes:
        item_id: The item.
        title: For display.
        outcome: "shown", "not_found", "removed", "not_ranked" or "not_chosen".
        place: In the answer, from 1 on.
        recall_place: In recall's merged list, from 1 on.
        score_place: By score among the candidates that were ranked, from 1 on, before variety was weighed in.
        removed_by: The filter that removed it, or would have; empty where none did.
        score: What the order is by; 0 where it was not scored.
        channels: The channels that found it.
        objectives: What it was scored by, or would have been; empty when ranking was degraded.
        features: Its features as the ranker saw them, transformed.
        stand_in_item_ids: The known items that it was ranked as, while no snapshot was trained with it.
        because: The items of the history that speak most for it, most first.
    """

    item_id: str
    title: str
    outcome: str
    place: int
    recall_place: int
    score_place: int
    removed_by: str
    score: float
    channels: tuple[ChannelHit, ...]
    objectives: tuple[ObjectiveExplanation, ...]
    features: tuple[FeatureValue, ...]
    stand_in_item_ids: tuple[str, ...] = ()
    because: tuple[HistoryReason, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """How an answer comes about.

    Attributes:
        response: The answer that is explained.
        channels: What each channel found.
        filters: In the order in which they ran.
        user_features: The user's attributes as the models saw them.
        history_item_ids: The items of the history that the models saw, oldest first, those of the session last.
        seen_items: How many items the user has seen.
        found: How many candidates came to the filters.
        ranked: How many candidates were ranked.
        items: Those of the answer in its order, then those asked for.
        degradations: What the explanation itself does without.
    """

    response: RecommendResult
    channels: tuple[ChannelFunnel, ...]
    filters: tuple[FilterStep, ...]
    user_features: tuple[FeatureValue, ...]
    history_item_ids: tuple[str, ...]
    seen_items: int
    found: int
    ranked: int
    items: tuple[ItemExplanation, ...]
    degradations: tuple[Degradation, ...]


def read_explain(response: pb.ExplainResponse) -> ExplainResult:
    """Returns the value of a message."""
    return ExplainResult(
        response=read_recommend(response.response),
        channels=tuple(
            ChannelFunnel(one.channel, one.found, one.kept, one.shown, one.failed) for one in response.channels
        ),
        filters=tuple(
            FilterStep(one.filter, one.reason, one.removed, one.left_out, tuple(one.item_ids))
            for one in response.filters
        ),
        user_features=_features(response.user_features),
        history_item_ids=tuple(response.history_item_ids),
        seen_items=response.seen_items,
        found=response.found,
        ranked=response.ranked,
        items=tuple(_item(one) for one in response.items),
        degradations=read_degradations(response.degradations),
    )


def _item(one: pb.ItemExplanation) -> ItemExplanation:
    return ItemExplanation(
        item_id=one.item_id,
        title=one.title,
        outcome=word(pb.Outcome.DESCRIPTOR, one.outcome).removeprefix("outcome_"),
        place=one.place,
        recall_place=one.recall_place,
        score_place=one.score_place,
        removed_by=one.removed_by,
        score=one.score,
        channels=read_channels(one.channels),
        objectives=tuple(
            ObjectiveExplanation(
                objective.objective,
                objective.score,
                objective.baseline,
                {part.group: part.value for part in objective.contributions},
            )
            for objective in one.objectives
        ),
        features=_features(one.features),
        stand_in_item_ids=tuple(one.stand_in_item_ids),
        because=tuple(HistoryReason(reason.item_id, reason.title, reason.value) for reason in one.because),
    )


def _features(features: Iterable[pb.FeatureValue]) -> tuple[FeatureValue, ...]:
    return tuple(
        FeatureValue(
            name=one.name,
            value=_value(one.value),
            state=word(pb.FeatureState.DESCRIPTOR, one.state).removeprefix("feature_state_"),
            age_seconds=one.age.ToTimedelta().total_seconds() if one.HasField("age") else None,
        )
        for one in features
    )


def _value(value: pb.AttributeValue) -> str | float | None:
    match value.WhichOneof("value"):
        case "text":
            return value.text
        case "number":
            return value.number
        case _:
            return None
