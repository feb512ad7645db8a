"""Whom to ask about: users whose newest event was held back, and what it was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.cli.failure import Failure
from services.training.datasets import Dataset, leave_last_out
from shared.features import UserFeatureTransform, UserField
from shared.snapshot.catalogue import Catalogue
from shared.tensors import Ragged


@dataclass(frozen=True)
class Questions:
    """Users, what they did until then, and what they did next. Rows are those of a snapshot's catalogue.

    Attributes:
        user_ids: [users].
        attributes: [users], each user's attributes by name.
        histories: int64 rows of each user's history before the newest event, oldest first.
        seen: int64 rows that must not be recommended to each user again, dislikes among them, in ascending order.
        targets: int64 [users], the row of the newest event.
        target_ids: [users], its public id.
    """

    user_ids: tuple[str, ...]
    attributes: tuple[dict[str, str | float], ...]
    histories: Ragged
    seen: Ragged
    targets: NDArray[np.int64]
    target_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.user_ids)

    def user_features(self, fields: tuple[UserField, ...]) -> NDArray[np.float32]:
        """Returns what models know of each user: float32 [users, features]."""
        transform = UserFeatureTransform(fields)
        return np.stack([transform(attributes) for attributes in self.attributes])


def draw_questions(dataset: Dataset, catalogue: Catalogue, users: int, seed: int) -> Questions:
    """Draws users at random; all of them when there are no more.

    Raises:
        Failure: no user has an event to hold back.
    """
    split = leave_last_out(dataset.histories())
    able = np.flatnonzero(split.held_out.lengths)
    if not len(able):
        raise Failure(f"No user of {dataset.name} has two events, so there is none to hold back.")
    chosen = np.sort(np.random.default_rng(seed).choice(able, min(users, len(able)), replace=False)).tolist()
    sequences = dataset.sequences()
    waved_away = sequences.where(~sequences.viewed)
    rows = catalogue_rows(dataset, catalogue)
    targets = np.array([split.held_out.items_of(user)[0] for user in chosen], dtype=np.int64)
    return Questions(
        user_ids=tuple(dataset.users[user].id for user in chosen),
        attributes=tuple(dict(dataset.users[user].attributes) for user in chosen),
        histories=Ragged.of([rows[split.train.items_of(user)] for user in chosen], np.int64),
        seen=Ragged.of(
            [np.union1d(rows[split.train.items_of(user)], rows[waved_away.items_of(user)]) for user in chosen], np.int64
        ),
        targets=rows[targets],
        target_ids=tuple(dataset.items[item].id for item in targets.tolist()),
    )


def catalogue_rows(dataset: Dataset, catalogue: Catalogue) -> NDArray[np.int64]:
    """Returns the catalogue's row of each of the data set's items, all of which it must have: int64 [items]."""
    rows = catalogue.rows_of(item.id for item in dataset.items)
    return np.array(rows, dtype=np.int64)
