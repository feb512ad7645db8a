"""Example users as values: what they met, what they were recommended, and what came next."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShownItem:
    """An item of a history."""

    item_id: str
    title: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Recommended:
    """A recommended item and how it came about.

    Attributes:
        item: What it is.
        place: In the answer, from 1.
        recall_place: In recall's list, from 1; 0 where recall did not find it.
        channels: That found it.
        score: What the order is by.
        contributions: What each group of the ranker's inputs added to the score, `baseline` among them; empty where the
            gateway could not tell.
        because: Titles of the items of the history that speak most for it, most first.
        hit: Whether it is what came next.
    """

    item: ShownItem
    place: int
    recall_place: int
    channels: tuple[str, ...]
    score: float
    contributions: dict[str, float]
    because: tuple[str, ...]
    hit: bool


@dataclass(frozen=True)
class Example:
    """A user, what they met, what they were recommended and what came next.

    Attributes:
        user_id: Who.
        attributes: What is known of them, in words.
        met: How many items their history has.
        history: The newest of them, newest first.
        target: What came next.
        place: Its place in the answer; 0 where it is not in it.
        fate: What became of it, in a sentence.
        recommended: The answer.
    """

    user_id: str
    attributes: tuple[str, ...]
    met: int
    history: tuple[ShownItem, ...]
    target: ShownItem
    place: int
    fate: str
    recommended: tuple[Recommended, ...]
