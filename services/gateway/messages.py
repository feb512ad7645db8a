"""From answers to response messages."""

from collections.abc import Iterable
from typing import Any

from services.gateway.answer import Answer
from services.gateway.degradation import Degradation, Reason, Stage
from services.gateway.neighbours import Erased
from winnow.gateway.v1 import gateway_service_pb2 as pb

STAGES = {
    Stage.USER_FEATURES: pb.STAGE_USER_FEATURES,
    Stage.RECALL: pb.STAGE_RECALL,
    Stage.FILTER: pb.STAGE_FILTER,
    Stage.CANDIDATE_FEATURES: pb.STAGE_CANDIDATE_FEATURES,
    Stage.RANKING: pb.STAGE_RANKING,
    Stage.SELECT: pb.STAGE_SELECT,
}

REASONS = {
    Reason.UNAVAILABLE: pb.DEGRADATION_REASON_UNAVAILABLE,
    Reason.DEADLINE: pb.DEGRADATION_REASON_DEADLINE,
    Reason.SNAPSHOT: pb.DEGRADATION_REASON_SNAPSHOT,
    Reason.OVERLOADED: pb.DEGRADATION_REASON_OVERLOADED,
    Reason.ERROR: pb.DEGRADATION_REASON_ERROR,
}


# Messages are added where they belong and filled there: made on their own they would be copied, and an answer has fifty.
def recommend_response(answer: Answer, request_id: str) -> pb.RecommendResponse:
    """Returns an answer to Recommend as its message."""
    response = pb.RecommendResponse()
    fill_answer(response, answer, request_id)
    return response


def fill_answer(response: pb.RecommendResponse, answer: Answer, request_id: str) -> None:
    """Writes an answer to Recommend into an empty message, such as the part of another."""
    response.request_id = request_id
    response.snapshot_id = answer.snapshot_id
    response.experiment_arm = answer.arm
    response.known_user = answer.known_user
    _fill(response, answer)


def similar_response(answer: Answer, request_id: str) -> pb.RecommendSimilarResponse:
    """Returns an answer to RecommendSimilar as its message."""
    response = pb.RecommendSimilarResponse(request_id=request_id, snapshot_id=answer.snapshot_id)
    _fill(response, answer)
    return response


def forget_response(erased: Erased, request_id: str) -> pb.ForgetUserResponse:
    """Returns the receipt of an erasure as its message."""
    response = pb.ForgetUserResponse(request_id=request_id)
    for place, records in erased.records.items():
        response.erasures.add(place=place, records=records)
    response.erased_at.FromMilliseconds(erased.at_ms)
    return response


def _fill(response: pb.RecommendResponse | pb.RecommendSimilarResponse, answer: Answer) -> None:
    add_item = response.items.add
    for one in answer.items:
        item = add_item(
            item_id=one.item.id,
            title=one.item.title,
            categories=one.item.categories,
            score=one.score,
            backfilled=one.backfilled,
            propensity=one.propensity,
        )
        objective_scores = item.objective_scores
        for objective, score in one.objective_scores.items():  # `update` would take twice as long
            objective_scores[objective] = score
        add_channel = item.channels.add
        for channel, channel_score in one.hits:
            add_channel(channel=channel, score=channel_score)
    fill_degradations(response.degradations, answer.degradations)
    for stage, seconds in answer.timings:
        duration = response.timings.add(stage=STAGES[stage]).duration
        duration.seconds, duration.nanos = divmod(int(seconds * 1e9), 1_000_000_000)


def fill_degradations(messages: Any, degradations: Iterable[Degradation]) -> None:
    """Adds what is done without to a repeated field."""
    for one in degradations:
        messages.add(stage=STAGES[one.stage], reason=REASONS[one.reason], channel=one.channel)
