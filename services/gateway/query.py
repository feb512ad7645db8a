"""What a caller asks, checked and free of transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.events import EventType
from shared.features import AttributeValue


@dataclass(frozen=True)
class Condition:
    """What a category or attribute of an item must be.

    Attributes:
        field: "category", or the name of an item attribute.
        any_of: The condition holds when one of these equals the attribute or one of the categories.
        exclude: Turns the condition around.
    """

    field: str
    any_of: tuple[str, ...]
    exclude: bool = False


@dataclass(frozen=True)
class RecommendQuery:
    """What should this user be shown?

    Attributes:
        user_id: Empty for nobody in particular.
        max_results: How many items to return, at least 1.
        exclude_item_ids: Items to leave out.
        conditions: All of them must hold.
        session_item_ids: What the user did in this session, oldest first.
        attributes: The user's, for this request alone; they take precedence over stored ones.
        weights: How much an objective counts, by name; 1 where it is not named.
        diversity: In [0, 1]; None for the configured default.
        include_seen: Whether seen items may be recommended again, disliked ones included.
    """

    user_id: str = ""
    max_results: int = 10
    exclude_item_ids: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    session_item_ids: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    diversity: float | None = None
    include_seen: bool = False


@dataclass(frozen=True)
class SimilarQuery:
    """What is like this item?

    Attributes:
        row: The item's row.
        max_results: How many items to return, at least 1.
        exclude_item_ids: Items to leave out; the item itself always is.
        conditions: All of them must hold.
    """

    row: int
    max_results: int = 10
    exclude_item_ids: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that one user did.

    Attributes:
        event_id: Names the event within its user.
        user_id: The user.
        item_id: The item.
        type: What was done.
        occurred_at_ms: When, in milliseconds since 1970, UTC.
        dwell_seconds: How long, of a dwell; 0 of other types.
        shown_by_request_id: The request whose answer showed the item; empty where none is named.
    """

    event_id: str
    user_id: str
    item_id: str
    type: EventType
    occurred_at_ms: int
    dwell_seconds: float = 0.0
    shown_by_request_id: str = ""
