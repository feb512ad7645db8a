"""May a new snapshot take the place of the current one? Both answer the same questions about what came last.

What people do with what was recommended says as much about the recommender as about them: the items that the current
snapshot showed are those that it ranks high, so on such events it looks better than any other (Schnabel et al.,
"Recommendations as Treatments", ICML 2016; Chaney et al., "How Algorithmic Confounding in Recommendation Systems Increases
Homogeneity and Decreases Utility", RecSys 2018). So the gate asks about what nobody had shown to the people who did it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.datasets import Dataset, leave_last_out
from services.training.metrics import hit_rate, ndcg
from services.training.metrics.bootstrap import Interval, bootstrap_interval
from services.training.recall_lists import rank_in_lists
from services.training.retraining.published_funnel import PublishedFunnel
from shared.features import AttributeValue

_AT = 10
#: Of a target that the snapshot does not have: no list has it either.
_NOWHERE = -2


@dataclass(frozen=True, slots=True)
class LastEvents:
    """Questions that no snapshot was trained on: what did each person do last, after all the rest?

    Attributes:
        histories: Item ids of each person before the last event, oldest first.
        targets: The item id of the last event of each.
        attributes: Of each person, by name.
    """

    histories: Sequence[Sequence[str]]
    targets: Sequence[str]
    attributes: Sequence[Mapping[str, AttributeValue]]

    @classmethod
    def of(cls, dataset: Dataset, most: int, seed: int, shown: Collection[tuple[str, str]] = frozenset()) -> LastEvents:
        """Asks about at most `most` people of a data set, chosen at random.

        The training job holds the same events out for its test, and learns nothing from them.

        Args:
            dataset: With everything that happened.
            most: How many people to ask about.
            seed: Of the choice.
            shown: Users and items that were recommended to them: whose last event is about one of these is left out.
        """
        split = leave_last_out(dataset.histories())
        asked = np.array(
            [
                user
                for user in np.flatnonzero(split.held_out.lengths).tolist()
                if (dataset.users[user].id, dataset.items[split.held_out.items_of(user)[0]].id) not in shown
            ],
            dtype=np.int64,
        )
        if len(asked) > most:
            asked = np.sort(np.random.default_rng(seed).choice(asked, most, replace=False))
        users = asked.tolist()
        ids = [item.id for item in dataset.items]
        return cls(
            [[ids[row] for row in split.train.items_of(user)] for user in users],
            [ids[split.held_out.items_of(user)[0]] for user in users],
            [dataset.users[user].attributes for user in users],
        )

    def ranks(self, funnel: PublishedFunnel) -> npt.NDArray[np.int64]:
        """Returns the place of each target in the snapshot's ranked list, beyond the list where it is not in it."""
        histories = [funnel.rows(history) for history in self.histories]
        targets = np.array([funnel.row_of.get(target, _NOWHERE) for target in self.targets], dtype=np.int64)
        lists = np.concatenate(list(funnel.recommend(histories, [dict(one) for one in self.attributes])))
        return rank_in_lists(lists, targets, missed=np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found.

    Attributes:
        passed: Whether the new snapshot may go live.
        questions: How many people were asked about.
        new: Its NDCG@10.
        current: That of the current snapshot.
        gain: NDCG@10 of the new one less that of the current one, with its bootstrap interval.
        hit_rates: HR@10 of the new and of the current one.
    """

    passed: bool
    questions: int
    new: float
    current: float
    gain: Interval
    hit_rates: tuple[float, float]

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return (
            f"NDCG@10 {self.new:.4f} against {self.current:.4f} of the current snapshot over {self.questions} people "
            f"({self.gain.mean:+.4f}, 95 % between {self.gain.low:+.4f} and {self.gain.high:+.4f}); "
            f"HR@10 {self.hit_rates[0]:.4f} against {self.hit_rates[1]:.4f}"
        )


def compare(new: npt.NDArray[np.int64], current: npt.NDArray[np.int64], max_loss: float) -> Verdict:
    """Compares the ranks that two snapshots gave the same targets.

    Args:
        new: int64 [questions], of the new snapshot, from 1.
        current: int64 [questions], of the current one.
        max_loss: The share of the current one's NDCG@10 that may be lost. More is too much where the interval of the
            difference leaves no doubt that something is lost: a snapshot that is as good should not be kept back by noise.

    Raises:
        ValueError: there are no questions.
    """
    gains = (ndcg(new, _AT), ndcg(current, _AT))
    gain = bootstrap_interval(gains[0] - gains[1])
    mean_new, mean_current = (float(values.mean()) for values in gains)
    return Verdict(
        passed=mean_new >= (1.0 - max_loss) * mean_current or gain.high >= 0.0,
        questions=len(new),
        new=mean_new,
        current=mean_current,
        gain=gain,
        hit_rates=(float(hit_rate(new, _AT).mean()), float(hit_rate(current, _AT).mean())),
    )
