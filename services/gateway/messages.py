"""From answers to response messages."""

from google.protobuf.duration_pb2 import Duration

from services.gateway.answer import Answer, Recommendation
from services.gateway.degradation import Degradation, Reason, Stage
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


def recommend_response(answer: Answer, request_id: str) -> pb.RecommendResponse:
    """Returns an answer to Recommend as its message."""
    return pb.RecommendResponse(
        items=[_item(one) for one in answer.items],
        request_id=request_id,
        snapshot_id=answer.snapshot_id,
        degradations=[_degradation(one) for one in answer.degradations],
        timings=[_timing(stage, seconds) for stage, seconds in answer.timings],
        known_user=answer.known_user,
    )


def similar_response(answer: Answer, request_id: str) -> pb.RecommendSimilarResponse:
    """Returns an answer to RecommendSimilar as its message."""
    return pb.RecommendSimilarResponse(
        items=[_item(one) for one in answer.items],
        request_id=request_id,
        snapshot_id=answer.snapshot_id,
        degradations=[_degradation(one) for one in answer.degradations],
        timings=[_timing(stage, seconds) for stage, seconds in answer.timings],
    )


def _item(one: Recommendation) -> pb.RecommendedItem:
    item = pb.RecommendedItem(
        item_id=one.item.id,
        title=one.item.title,
        categories=one.item.categories,
        score=one.score,
        backfilled=one.backfilled,
    )
    # Set one by one: given to the constructor, a map and a list of messages take as long as all the rest together.
    objective_scores = item.objective_scores
    for objective, score in one.objective_scores.items():
        objective_scores[objective] = score
    add_channel = item.channels.add
    for channel, score in one.hits:
        add_channel(channel=channel, score=score)
    return item


def _degradation(one: Degradation) -> pb.Degradation:
    return pb.Degradation(stage=STAGES[one.stage], reason=REASONS[one.reason], channel=one.channel)


def _timing(stage: Stage, seconds: float) -> pb.StageTiming:
    whole, part = divmod(int(seconds * 1e9), 1_000_000_000)
    return pb.StageTiming(stage=STAGES[stage], duration=Duration(seconds=whole, nanos=part))
