"""Answers become messages without loss."""

from services.gateway.answer import Answer, Recommendation
from services.gateway.degradation import Degradation, Reason, Stage
from services.gateway.messages import REASONS, STAGES, recommend_response, similar_response
from shared.snapshot.catalogue import CatalogueItem
from winnow.gateway.v1 import gateway_service_pb2 as pb

ANSWER = Answer(
    items=[
        Recommendation(CatalogueItem("i1", "One", ("a", "b")), 1.5, {"click": 1.5}, (("content", 0.5),)),
        Recommendation(CatalogueItem("i2", "Two"), backfilled=True),
    ],
    snapshot_id="snapshot-1",
    degradations=[Degradation(Stage.RECALL, Reason.ERROR, "two_tower")],
    timings=[(Stage.RECALL, 0.0015), (Stage.SELECT, 2.5)],
    removed={},
    known_user=True,
)


def test_every_stage_and_reason_of_the_contract_can_be_told() -> None:
    """A value that is added on one side must be added on the other."""
    assert set(STAGES) == set(Stage)
    assert set(REASONS) == set(Reason)
    assert set(STAGES.values()) == set(pb.Stage.values()) - {pb.STAGE_UNSPECIFIED}
    assert set(REASONS.values()) == set(pb.DegradationReason.values()) - {pb.DEGRADATION_REASON_UNSPECIFIED}


def test_an_answer_becomes_its_message() -> None:
    """Item by item, with provenance, degradations and timings."""
    message = recommend_response(ANSWER, "request-1")
    assert message.request_id == "request-1"
    assert message.snapshot_id == "snapshot-1"
    assert message.known_user
    first, second = message.items
    assert (first.item_id, first.title, list(first.categories), first.score) == ("i1", "One", ["a", "b"], 1.5)
    assert dict(first.objective_scores) == {"click": 1.5}
    assert list(first.channels) == [pb.ChannelHit(channel="content", score=0.5)]
    assert second.backfilled
    assert not first.backfilled
    assert list(message.degradations) == [
        pb.Degradation(stage=pb.STAGE_RECALL, reason=pb.DEGRADATION_REASON_ERROR, channel="two_tower")
    ]
    assert [(one.stage, one.duration.ToNanoseconds()) for one in message.timings] == [
        (pb.STAGE_RECALL, 1_500_000),
        (pb.STAGE_SELECT, 2_500_000_000),
    ]


def test_both_kinds_of_answer_say_the_same() -> None:
    """What is alike in the contract is filled alike."""
    recommend, similar = recommend_response(ANSWER, "r"), similar_response(ANSWER, "r")
    for name in ("items", "request_id", "snapshot_id", "degradations", "timings"):
        assert getattr(recommend, name) == getattr(similar, name)
