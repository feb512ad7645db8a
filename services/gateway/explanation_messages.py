"""From explanations to response messages."""

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from services.gateway.explanation import Explanation, FeatureValue, ItemExplanation, Outcome
from services.gateway.messages import fill_answer, fill_degradations
from services.gateway.neighbours import ValueState
from winnow.gateway.v1 import gateway_service_pb2 as pb

STATES = {
    None: pb.FEATURE_STATE_UNSPECIFIED,
    ValueState.PRESENT: pb.FEATURE_STATE_PRESENT,
    ValueState.DEFAULT: pb.FEATURE_STATE_DEFAULT,
    ValueState.EXPIRED: pb.FEATURE_STATE_EXPIRED,
}

OUTCOMES = {
    Outcome.SHOWN: pb.OUTCOME_SHOWN,
    Outcome.NOT_FOUND: pb.OUTCOME_NOT_FOUND,
    Outcome.REMOVED: pb.OUTCOME_REMOVED,
    Outcome.NOT_RANKED: pb.OUTCOME_NOT_RANKED,
    Outcome.NOT_CHOSEN: pb.OUTCOME_NOT_CHOSEN,
}


def explain_response(explanation: Explanation, request_id: str) -> pb.ExplainResponse:
    """Returns an explanation as its message."""
    response = pb.ExplainResponse(
        channels=[
            pb.ChannelFunnel(channel=one.channel, found=one.found, kept=one.kept, shown=one.shown, failed=one.failed)
            for one in explanation.channels
        ],
        filters=[
            pb.FilterStep(
                filter=one.filter,
                reason=one.reason,
                removed=one.removed,
                item_ids=one.item_ids,
                left_out=one.left_out,
            )
            for one in explanation.filters
        ],
        user_features=_features(explanation.user_features),
        history_item_ids=explanation.history,
        seen_items=explanation.seen,
        ranked=explanation.ranked,
        found=explanation.found,
        items=[_item(one) for one in explanation.items],
    )
    fill_degradations(response.degradations, explanation.degradations)
    fill_answer(response.response, explanation.answer, request_id)
    return response


def _item(one: ItemExplanation) -> pb.ItemExplanation:
    placing = one.placing
    return pb.ItemExplanation(
        item_id=one.item.id,
        title=one.item.title,
        outcome=OUTCOMES[placing.outcome],
        place=placing.place,
        recall_place=placing.recall_place,
        score_place=placing.score_place,
        removed_by=placing.removed_by,
        score=placing.score,
        channels=[pb.ChannelHit(channel=channel, score=score) for channel, score in placing.hits],
        objectives=[
            pb.ObjectiveExplanation(
                objective=objective.objective,
                score=objective.score,
                baseline=objective.baseline,
                contributions=[
                    pb.Contribution(group=group, value=value) for group, value in objective.contributions.items()
                ],
            )
            for objective in one.objectives
        ],
        features=_features(one.features),
        stand_in_item_ids=one.stand_ins,
        because=[
            pb.HistoryReason(item_id=reason.item.id, title=reason.item.title, value=reason.value)
            for reason in one.because
        ],
    )


def _features(features: Iterable[FeatureValue]) -> list[pb.FeatureValue]:
    return [
        pb.FeatureValue(
            name=feature.name,
            value=_value(feature),
            state=STATES[feature.state],
            age=None if feature.age is None else Duration(seconds=int(feature.age)),
        )
        for feature in features
    ]


def _value(feature: FeatureValue) -> pb.AttributeValue | None:
    if feature.value is None:
        return None
    if isinstance(feature.value, str):
        return pb.AttributeValue(text=feature.value)
    return pb.AttributeValue(number=feature.value)
