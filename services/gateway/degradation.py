"""That something did not work and was done without: data for the answer, not an error."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """A stage of the pipeline, in the order in which they run."""

    USER_FEATURES = "user_features"
    RECALL = "recall"
    FILTER = "filter"
    CANDIDATE_FEATURES = "candidate_features"
    RANKING = "ranking"
    SELECT = "select"


class Reason(StrEnum):
    """Why a stage, or a part of one, was done without."""

    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    SNAPSHOT = "snapshot"
    OVERLOADED = "overloaded"
    ERROR = "error"


@dataclass(frozen=True)
class Degradation:
    """What an answer does without.

    Attributes:
        stage: The stage.
        reason: Why.
        channel: The recall channel, when one failed and others did not; empty otherwise.
    """

    stage: Stage
    reason: Reason
    channel: str = ""


class NeighbourFailed(Exception):
    """A service that the gateway asked did not give a usable answer.

    Args:
        reason: What went wrong.
        problem: The same for the log.
        storage_full: Whether what went wrong is that it has no room left to write to.
        kind: What the service itself said went wrong, of `google.rpc.ErrorInfo`; empty where it said nothing.
    """

    def __init__(self, reason: Reason, problem: str = "", storage_full: bool = False, kind: str = "") -> None:
        super().__init__(f"{reason}: {problem}" if problem else reason.value)
        self.reason = reason
        self.storage_full = storage_full
        self.kind = kind
