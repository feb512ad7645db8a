"""What a ranker can be asked besides what comes next: what somebody makes of an item, once they have taken it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import Dataset, Interactions
from services.training.ranking.ranker import OBJECTIVES
from services.training.recall.model import Unsuitable
from shared.events import EventType

Keys = npt.NDArray[np.int64]


def _of_type(kind: EventType) -> Callable[[Interactions], npt.NDArray[np.bool_]]:
    return lambda interactions: interactions.types == kind


def _liked(interactions: Interactions) -> npt.NDArray[np.bool_]:
    said = interactions.types == EventType.LIKE
    # Some data sets have an event for it, others say it of an event that is there anyway.
    return said if said.any() else interactions.liked & interactions.viewed


#: Which events say it, bool [events], by objective.
LABELS: Mapping[str, Callable[[Interactions], npt.NDArray[np.bool_]]] = {
    "like": _liked,
    "click": _of_type(EventType.CLICK),
    "purchase": _of_type(EventType.PURCHASE),
    "dwell": _of_type(EventType.DWELL),
}

#: What comes next decides the order of candidates and when to stop, and is always the first.
FIRST_OBJECTIVE = OBJECTIVES[0]


def check_objectives(names: Sequence[str]) -> None:
    """Checks that a ranker can be fitted to these.

    Raises:
        ValueError: the first is another than `FIRST_OBJECTIVE`, one is unknown, or one stands twice.
    """
    if not names or names[0] != FIRST_OBJECTIVE:
        raise ValueError(f"the first objective must be {FIRST_OBJECTIVE}")
    unknown = [name for name in names[1:] if name not in LABELS]
    if unknown:
        raise ValueError(f"there is no objective {unknown[0]}; there are {', '.join([FIRST_OBJECTIVE, *LABELS])}")
    if len(set(names)) < len(names):
        raise ValueError("an objective stands twice")


@dataclass(frozen=True, slots=True, eq=False)
class ObjectiveLabels:
    """Of whom and what each objective but the first is true.

    Attributes:
        names: The objectives without the first.
        positives: Of each, the pairs of a user and an item of which it is true, as `user * items + item`.
        items: Rows of the catalogue.
    """

    names: tuple[str, ...]
    positives: tuple[Keys, ...]
    items: int

    @classmethod
    def of(cls, dataset: Dataset, objectives: Sequence[str]) -> ObjectiveLabels:
        """Reads them off the events; an event says it of every meeting of that user and that item.

        Args:
            dataset: What people did.
            objectives: As `check_objectives` takes them.

        Raises:
            Unsuitable: of one of them the data set has nothing to learn: it is true of no meeting, or of all.
        """
        events, items = dataset.interactions, len(dataset.items)
        keys = events.users.astype(np.int64) * items + events.items
        names = tuple(objectives[1:])
        labels = cls(names, tuple(np.unique(keys[LABELS[name](events)]) for name in names), items)
        met = events.viewed
        for name, values in zip(names, labels(events.users[met], events.items[met]).T, strict=True):
            if not 0 < values.mean() < 1:
                share = "every" if values.any() else "no"
                raise Unsuitable(
                    f"objective {name}: it is true of {share} event of the data set; leave it out of ranker.objectives"
                )
        return labels

    def __call__(self, users: npt.NDArray[np.integer], items: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """Returns 1 where an objective is true of a user and an item, else 0: float32 [n, objectives but the first].

        Args:
            users: [n] rows.
            items: [n] rows.
        """
        keys = users.astype(np.int64) * self.items + items
        columns = [np.isin(keys, found) for found in self.positives]
        return np.stack(columns, axis=1).astype(np.float32) if columns else np.empty((len(keys), 0), dtype=np.float32)
