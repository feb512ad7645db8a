"""How an answer comes about, as values: what became of the candidates, of an item, and of a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.gateway.answer import Answer
from services.gateway.degradation import Degradation
from services.gateway.neighbours import ValueState
from shared.features import AttributeValue
from shared.snapshot.catalogue import CatalogueItem


@dataclass(frozen=True)
class ChannelFunnel:
    """What became of what a channel found.

    Attributes:
        channel: The channel's name.
        found: Candidates that it found, or would have found had recall not been told to leave them out.
        kept: How many of them no filter removed.
        shown: How many of them are in the answer.
        failed: Whether the channel was done without.
    """

    channel: str
    found: int
    kept: int
    shown: int
    failed: bool


@dataclass(frozen=True)
class FilterStep:
    """What a filter removed.

    Attributes:
        filter: Its name.
        reason: Why it removes, in words.
        removed: How many candidates it removed.
        left_out: How many of them recall was told to leave out.
        item_ids: The first of them.
    """

    filter: str
    reason: str
    removed: int
    left_out: int
    item_ids: Sequence[str]


@dataclass(frozen=True)
class FeatureValue:
    """A feature that a model saw.

    Attributes:
        name: Its name.
        value: Of a user's before it is transformed; None where there is none, or it was not told.
        state: Whence it is; None where it was not told.
        age: Seconds since it was written; None where it never was, or came with the request.
    """

    name: str
    value: AttributeValue | None
    state: ValueState | None = None
    age: float | None = None


@dataclass(frozen=True)
class ObjectiveExplanation:
    """A score and what contributed to it: baseline and contributions add up to the score.

    Attributes:
        objective: The objective.
        score: The ranker's score.
        baseline: The score with every group of inputs at its default.
        contributions: By group.
    """

    objective: str
    score: float
    baseline: float
    contributions: Mapping[str, float]


@dataclass(frozen=True)
class HistoryReason:
    """An item of the history that speaks for another.

    Attributes:
        item: The item of the history.
        value: What the other's score would lose without it; above 0.
    """

    item: CatalogueItem
    value: float


class Outcome(StrEnum):
    """What became of an item; the contract says what each means."""

    SHOWN = "shown"
    NOT_FOUND = "not_found"
    REMOVED = "removed"
    NOT_RANKED = "not_ranked"
    NOT_CHOSEN = "not_chosen"


@dataclass(frozen=True)
class Placing:
    """Where an item came by recall, by score and in the answer, from 1 on; 0 where it did not come that far.

    Attributes:
        outcome: What became of it.
        place: In the answer.
        recall_place: In recall's merged list.
        score_place: By score among the candidates that were ranked.
        removed_by: The filter that removed it, or would have.
        hits: The channels that found it, each with its score.
        score: What the order is by; 0 where it was not scored.
    """

    outcome: Outcome
    place: int = 0
    recall_place: int = 0
    score_place: int = 0
    removed_by: str = ""
    hits: tuple[tuple[str, float], ...] = ()
    score: float = 0.0


@dataclass(frozen=True)
class ItemExplanation:
    """Why an item is where it is, or not there.

    Attributes:
        item: The item.
        placing: Where it came.
        objectives: What it was scored by, or would have been.
        features: As the ranker saw them.
        stand_ins: The ids of the known items that it is ranked as, while no snapshot was trained with it.
        because: What of the history speaks most for it, most first.
    """

    item: CatalogueItem
    placing: Placing
    objectives: Sequence[ObjectiveExplanation]
    features: Sequence[FeatureValue]
    stand_ins: Sequence[str] = ()
    because: Sequence[HistoryReason] = ()


@dataclass(frozen=True)
class Explanation:
    """How an answer comes about.

    Attributes:
        answer: The answer.
        degradations: What the explanation itself does without.
        channels: What each channel found.
        filters: In the order in which they ran.
        user_features: The user's declared attributes as the models saw them.
        history: The ids of the items of the history, oldest first.
        seen: How many items the user has seen.
        found: How many candidates there were before the filters.
        ranked: How many candidates were ranked.
        items: Those of the answer in its order, then those asked for.
    """

    answer: Answer
    degradations: Sequence[Degradation]
    channels: Sequence[ChannelFunnel]
    filters: Sequence[FilterStep]
    user_features: Sequence[FeatureValue]
    history: Sequence[str]
    seen: int
    found: int
    ranked: int
    items: Sequence[ItemExplanation]
