"""What training learns from: items, users and the interactions between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.training.datasets.derived_views import derive_views
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions, Sequences
from shared.feature_views import FeatureView

# With a single user or item there is nothing to rank and nothing to hold out.
MIN_USERS = 2
MIN_ITEMS = 2


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended.

    Attributes:
        id: the data set's own id, unique among items.
        title: what a person reads.
        categories: genre names and the like; may be empty.
        text: a description for content models; may be empty.
        attributes: named facts, each a string or a number; place i of a list is named `name[i]`.
        updated_ms: when the attributes were last true, in milliseconds since 1970; None where the data set does not say.
        image: a file with a picture of it, of any size that Pillow reads; None where there is none.
    """

    id: str
    title: str
    categories: tuple[str, ...]
    text: str
    attributes: Mapping[str, str | float]
    updated_ms: int | None = None
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Someone who interacts with items.

    Attributes:
        id: the data set's own id, unique among users.
        attributes: named facts, each a string or a number; may be empty. Place i of a list is named `name[i]`.
        updated_ms: when the attributes were last true, in milliseconds since 1970; None where the data set does not say.
    """

    id: str
    attributes: Mapping[str, str | float]
    updated_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A complete data set; make one with `Dataset.build`, which validates.

    An item's or user's row is its place in `items` or `users`; interactions name rows, never ids.

    Attributes:
        name: what reports call it.
        items: everything that can be recommended.
        users: everybody.
        interactions: what they did.
        declared_views: the feature views of `features.toml`; None where the data set has none.
    """

    name: str
    items: tuple[Item, ...]
    users: tuple[User, ...]
    interactions: Interactions
    declared_views: tuple[FeatureView, ...] | None = None

    @classmethod
    def build(
        cls,
        *,
        name: str,
        items: Iterable[Item],
        users: Iterable[User],
        interactions: Interactions,
        declared_views: tuple[FeatureView, ...] | None = None,
        path: Path | None = None,
    ) -> Self:
        """Assemble a data set that every later stage may trust.

        Args:
            name: what reports call it.
            items: at least `MIN_ITEMS`, with unique ids.
            users: at least `MIN_USERS`, with unique ids.
            interactions: at least one event, naming rows of `items` and `users`.
            declared_views: the feature views; those that follow from the attributes when None.
            path: where it came from, for messages.

        Raises:
            DatasetError: an id occurs twice, an interaction names a row that does not exist, there are no
                interactions, or there are too few users or items.
        """
        dataset = cls(name, tuple(items), tuple(users), interactions, declared_views)
        _check_entities("item", [item.id for item in dataset.items], MIN_ITEMS, path)
        _check_entities("user", [user.id for user in dataset.users], MIN_USERS, path)
        _check_interactions(dataset, path)
        return dataset

    def views(self) -> tuple[FeatureView, ...]:
        """The feature views: as declared, or else those that follow from the attributes."""
        if self.declared_views is not None:
            return self.declared_views
        return derive_views([user.attributes for user in self.users], [item.attributes for item in self.items])

    def sequences(self) -> Sequences:
        """Every user's events in time order; `sequences().num_users == len(users)`."""
        return self.interactions.sequences(len(self.users))

    def histories(self) -> Sequences:
        """The events of `sequences` that join a user's history, which is what models see and predict."""
        sequences = self.sequences()
        return sequences.where(sequences.viewed)


def _check_entities(kind: str, ids: Sequence[str], minimum: int, path: Path | None) -> None:
    if len(ids) < minimum:
        raise DatasetError(
            f"{len(ids)} {kind}s are too few to train on",
            remedy=f"Bring at least {minimum} {kind}s.",
            path=path,
        )
    seen: set[str] = set()
    for entity_id in ids:
        if entity_id in seen:
            raise DatasetError(
                f"{kind} id {entity_id!r} occurs more than once",
                remedy=f"Give every {kind} its own id, or remove the duplicate.",
                path=path,
            )
        seen.add(entity_id)


def _check_interactions(dataset: Dataset, path: Path | None) -> None:
    interactions = dataset.interactions
    if not len(interactions):
        raise DatasetError("there are no interactions", remedy="Bring at least one event.", path=path)
    for kind, rows, count in (
        ("user", interactions.users, len(dataset.users)),
        ("item", interactions.items, len(dataset.items)),
    ):
        unknown = rows[(rows < 0) | (rows >= count)]
        if len(unknown):
            raise DatasetError(
                f"an interaction names {kind} row {unknown[0]}, but there are rows 0 to {count - 1}",
                remedy=f"Add the missing {kind}, or remove its interactions.",
                path=path,
            )
