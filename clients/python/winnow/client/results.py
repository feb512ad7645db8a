"""What calls return: frozen values, read from the messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.descriptor import EnumDescriptor

from winnow.gateway.v1 import gateway_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class ChannelHit:
    """That a recall channel found an item, and the channel's own score for it."""

    channel: str
    score: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item_id: The item's id.
        title: For display.
        categories: For display.
        score: What the order is by; comparable within one result only.
        objective_scores: The ranker's score per objective; empty when ranking was degraded or the item backfilled.
        channels: The recall channels that found it, with their scores; empty when it was backfilled.
        backfilled: Whether it came from what is popular because too few were found.
        propensity: How probable it was that this item would be in this place, given those above it; 1 unless the
            gateway explores.
    """

    item_id: str
    title: str
    categories: tuple[str, ...]
    score: float
    objective_scores: Mapping[str, float]
    channels: tuple[ChannelHit, ...]
    backfilled: bool
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Degradation:
    """A stage, or one recall channel of it, that the answer does without.

    Attributes:
        stage: "user_features", "recall", "filter", "candidate_features", "ranking" or "select".
        reason: "unavailable", "deadline", "snapshot", "overloaded" or "error".
        channel: The recall channel, when one failed and the others did not; otherwise empty.
    """

    stage: str
    reason: str
    channel: str


@dataclass(frozen=True, slots=True)
class StageTiming:
    """How long a stage of the gateway's pipeline took, waiting included."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RecommendResult:
    """Recommended items and how they came about.

    Attributes:
        items: Best first, no item twice.
        snapshot_id: The snapshot that every item and score comes from.
        request_id: The request's id in the logs of all services.
        degradations: What did not work and was done without; empty when the answer is whole.
        timings: The stages in the order in which they ran.
        experiment_arm: The experiment arm that served the request; empty while no experiment runs.
        known_user: Whether the feature store knows the user; None where no user was asked about.
    """

    items: tuple[Recommendation, ...]
    snapshot_id: str
    request_id: str
    degradations: tuple[Degradation, ...]
    timings: tuple[StageTiming, ...]
    experiment_arm: str = ""
    known_user: bool | None = None


@dataclass(frozen=True, slots=True)
class RecordResult:
    """That events are on disk.

    Attributes:
        recorded: How many were new.
        duplicates: How many had been recorded before.
        request_id: The request's id in the logs of all services.
    """

    recorded: int
    duplicates: int
    request_id: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """That every event of a stream is on disk.

    Attributes:
        recorded: How many were new.
        duplicates: How many had been recorded before.
        messages: How many messages they travelled in.
    """

    recorded: int
    duplicates: int
    messages: int


@dataclass(frozen=True, slots=True)
class ForgetResult:
    """The receipt of what was erased of a user.

    Attributes:
        erased: How many records were erased, by place, such as `history` or `log_events`; places with none too.
        erased_at: When the erasure was complete.
        request_id: The request's id in the logs of all services.
    """

    erased: Mapping[str, int]
    erased_at: datetime
    request_id: str


def read_recommend(response: pb.RecommendResponse) -> RecommendResult:
    """Returns the value of a message."""
    return RecommendResult(
        items=_items(response.items),
        snapshot_id=response.snapshot_id,
        request_id=response.request_id,
        degradations=read_degradations(response.degradations),
        timings=_timings(response.timings),
        experiment_arm=response.experiment_arm,
        known_user=response.known_user,
    )


def read_similar(response: pb.RecommendSimilarResponse) -> RecommendResult:
    """Returns the value of a message."""
    return RecommendResult(
        items=_items(response.items),
        snapshot_id=response.snapshot_id,
        request_id=response.request_id,
        degradations=read_degradations(response.degradations),
        timings=_timings(response.timings),
    )


def read_record(response: pb.RecordEventsResponse) -> RecordResult:
    """Returns the value of a message."""
    return RecordResult(response.recorded, response.duplicates, response.request_id)


def read_ingest(response: pb.IngestEventsResponse) -> IngestResult:
    """Returns the value of a message."""
    return IngestResult(response.recorded, response.duplicates, response.messages)


def read_forget(response: pb.ForgetUserResponse) -> ForgetResult:
    """Returns the value of a message."""
    erased = {each.place: each.records for each in response.erasures}
    return ForgetResult(erased, response.erased_at.ToDatetime(UTC), response.request_id)


def _items(items: Iterable[pb.RecommendedItem]) -> tuple[Recommendation, ...]:
    return tuple(
        Recommendation(
            item_id=item.item_id,
            title=item.title,
            categories=tuple(item.categories),
            score=item.score,
            objective_scores=dict(item.objective_scores),
            channels=read_channels(item.channels),
            backfilled=item.backfilled,
            propensity=item.propensity or 1.0,  # an older gateway does not tell, and does not explore
        )
        for item in items
    )


def read_channels(hits: Iterable[pb.ChannelHit]) -> tuple[ChannelHit, ...]:
    """Returns the values of messages."""
    return tuple(ChannelHit(hit.channel, hit.score) for hit in hits)


def read_degradations(degradations: Iterable[pb.Degradation]) -> tuple[Degradation, ...]:
    """Returns the values of messages."""
    return tuple(Degradation(_stage(one.stage), _reason(one.reason), one.channel) for one in degradations)


def _timings(timings: Iterable[pb.StageTiming]) -> tuple[StageTiming, ...]:
    return tuple(StageTiming(_stage(one.stage), one.duration.ToTimedelta().total_seconds()) for one in timings)


def _stage(number: pb.Stage.ValueType) -> str:
    return word(pb.Stage.DESCRIPTOR, number).removeprefix("stage_")


def _reason(number: pb.DegradationReason.ValueType) -> str:
    return word(pb.DegradationReason.DESCRIPTOR, number).removeprefix("degradation_reason_")


def word(enum: EnumDescriptor, number: int) -> str:
    """Returns the name of an enum's value in small letters, with the enum's prefix."""
    value = enum.values_by_number.get(number)
    return f"unknown_{number}" if value is None else value.name.lower()  # a newer server may know more
