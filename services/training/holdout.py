"""What is learned from, by whom, and what is kept for judging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from services.training.datasets import DatasetError, Sequences, leave_last_out
from services.training.queries import NextItemQueries


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """A data set cut by each user's own time: its parts, from oldest to newest.

    Attributes:
        fit: What every recall model, statistic and feature is computed from.
        ranker: The events after those, which teach the ranker: on events that recall was fitted on, recall's scores
            look better than they are. Keeping back a tenth of the users instead cost more: on MovieLens 1M recall's
            validation NDCG@10 fell from 0.1855 to 0.1823 and the ranked one from 0.1896 to 0.1854.
        validation: The last event but one of each user, which decides when to stop and what to tune.
        test: The last event of each user, which decides nothing and is only reported.
    """

    fit: Sequences
    ranker: NextItemQueries
    validation: NextItemQueries
    test: NextItemQueries

    @classmethod
    def of(cls, sequences: Sequences, reserved: int) -> Self:
        """Cuts the sequences.

        Args:
            sequences: Events of each user in time order.
            reserved: How many events of each user teach the ranker.

        Raises:
            DatasetError: a part would be empty.
        """
        test = leave_last_out(sequences)
        validation = leave_last_out(test.train)
        ranker = leave_last_out(validation.train, reserved)
        parts = [NextItemQueries.from_split(split) for split in (ranker, validation, test)]
        if not all(len(part) for part in parts):
            raise DatasetError(
                "no user has enough events",
                remedy=f"Bring at least one user with {reserved + 3} events, and many more to learn anything.",
            )
        return cls(ranker.train, *parts)

    def sizes(self) -> dict[str, int]:
        """Returns how much each part holds, by what reports call it."""
        return {
            "events to fit recall": len(self.fit.items),
            "events to fit the ranker": len(self.ranker),
            "validation queries": len(self.validation),
            "test queries": len(self.test),
        }
