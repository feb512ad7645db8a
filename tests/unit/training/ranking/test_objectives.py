"""What is known of each objective, and what models make of it."""

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, Interactions, Item, User
from services.training.objective_quality import judge_objectives
from services.training.progress import Silence
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.model import FittedRanker
from services.training.ranking.objectives import LABELS, ObjectiveLabels
from services.training.ranking.registry import RANKERS
from services.training.recall.model import FitContext, Unsuitable
from shared.events import EventType
from tests.unit.training.ranking.fitted import MAX_HISTORY, dataset, features, holdout, quick, ranking_data

SEVERAL = [name for name, family in RANKERS.items() if family.several_objectives]
CONTEXT = FitContext(seed=0, max_history=MAX_HISTORY, threads=1, display=Silence())


def events(**columns: object) -> Dataset:
    """Two users and three items; users 0, 0, 0, 1, 1 met items 0, 1, 2, 0, 2 unless told otherwise."""
    met = {"users": [0, 0, 0, 1, 1], "items": [0, 1, 2, 0, 2], **columns}
    return Dataset.build(
        name="small",
        items=[Item(str(row), "", (), "", {}) for row in range(3)],
        users=[User(str(row), {}) for row in range(2)],
        interactions=Interactions.build(**met),  # type: ignore[arg-type]
    )


def labels_of_all(found: Dataset, *objectives: str) -> list[list[float]]:
    """Of each event in turn, what is true of it."""
    labels = ObjectiveLabels.of(found, ("next", *objectives))
    found_labels: list[list[float]] = labels(found.interactions.users, found.interactions.items).tolist()
    return found_labels


def test_what_was_liked_is_what_the_data_set_says() -> None:
    """Where ratings say it of events that are there anyway."""
    found = events(liked=[True, False, True, False, False])
    assert labels_of_all(found, "like") == [[1], [0], [1], [0], [0]]


def test_an_event_of_its_own_says_it_of_every_meeting() -> None:
    """A view that a purchase or a like followed is one that was bought, or liked; nobody else's is."""
    found = events(
        users=[0, 0, 0, 0, 1, 1],
        items=[0, 1, 0, 1, 0, 2],
        types=[EventType.VIEW, EventType.VIEW, EventType.PURCHASE, EventType.LIKE, EventType.VIEW, EventType.VIEW],
        viewed=[True, True, False, False, True, True],
    )
    assert labels_of_all(found, "purchase", "like") == [[1, 0], [0, 1], [1, 0], [0, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize(("objective", "share"), [("like", "every"), ("click", "no")])
def test_an_objective_of_which_there_is_nothing_to_learn_is_refused(objective: str, share: str) -> None:
    """With what to leave out."""
    with pytest.raises(Unsuitable, match=rf"{objective}: it is true of {share} event .* leave it out"):
        ObjectiveLabels.of(events(), ("next", objective))


@pytest.mark.parametrize(
    ("model", "objectives", "problem"),
    [
        ("mmoe", ("like", "next"), "the first objective must be next"),
        ("mmoe", (), "the first objective must be next"),
        ("mmoe", ("next", "joy"), "there is no objective joy"),
        ("mmoe", ("next", "like", "like"), "stands twice"),
        ("signals", ("next", "like"), "signals has one objective"),
        ("gbdt", ("next", "like"), "gbdt has one objective"),
    ],
)
def test_objectives_that_cannot_be_are_refused_before_anything_is_fitted(
    model: str, objectives: tuple[str, ...], problem: str
) -> None:
    """By the configuration."""
    with pytest.raises(ValidationError, match=problem):
        TrainingConfig.model_validate({"ranker": {"model": model, "objectives": objectives}})


def fitted(name: str, labels: ObjectiveLabels) -> FittedRanker:
    """A model of several objectives, fitted to the labels."""
    data = ranking_data()
    known = labels(data.examples.users, data.examples.candidates[:, 0])
    shape = dataclasses.replace(data.shape, objectives=("next", *labels.names))
    several = dataclasses.replace(data, shape=shape, labels=known, label_weight=1.0)
    return fit_ranker_family(RANKERS[name], several, quick(name), CONTEXT)


def test_a_second_objective_learns_what_the_first_does_not_say() -> None:
    """Whether the item is of the second half of the catalogue, which recall knows nothing of."""
    rows = np.arange(len(dataset().items) // 2, len(dataset().items))
    pairs = np.concatenate([user * len(dataset().items) + rows for user in range(len(dataset().users))])
    labels = ObjectiveLabels(("second half",), (pairs,), len(dataset().items))

    found = fitted("shared_bottom", labels)

    assert found.objectives == ("next", "second half")
    judged = judge_objectives(found, holdout().test, labels, features(), MAX_HISTORY)
    share = float((holdout().test.targets >= rows[0]).mean())
    assert judged["second half"]["true"] == pytest.approx(share)
    assert judged["second half"]["auc"] > 0.9


@pytest.mark.parametrize("name", ["mmoe", "mf"])
def test_likes_are_told_better_than_by_guessing(name: str) -> None:
    """Of people and items that it has not seen together, on what the generated data set says."""
    labels = ObjectiveLabels.of(dataset(), ("next", "like"))
    judged = judge_objectives(fitted(name, labels), holdout().test, labels, features(), MAX_HISTORY)
    assert 0 < judged["like"]["true"] < 1
    assert judged["like"]["auc"] > 0.55


def test_every_objective_can_be_asked_for() -> None:
    """Of every model that can have several."""
    for name in SEVERAL:
        chosen = {"ranker": {"model": name, "objectives": ["next", *LABELS]}}
        assert TrainingConfig.model_validate(chosen).ranker.objectives == ("next", "like", "click", "purchase", "dwell")
