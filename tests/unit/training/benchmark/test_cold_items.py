"""Items that are taken out of training, and what is asked about them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.training.benchmark.cold_items import POPULARITY, RANDOM, cold_item_report
from services.training.benchmark.cold_split import ColdSplit
from services.training.datasets import Dataset, DatasetError, Interactions, Item, User
from services.training.progress import Silence
from services.training.recall.model import FitContext, RecallData, Unsuitable
from services.training.recall.multimodal.placing import ContentRecallModel
from services.training.sequence.encoder import PADDING

PEOPLE, KINDS, EACH, LENGTH = 60, 4, 30, 20
CONTEXT = FitContext(seed=3, max_history=10, threads=1, display=Silence())


def dataset() -> Dataset:
    """People who keep to one kind of items; an item's category says its kind."""
    rng = np.random.default_rng(0)
    taken = np.stack([rng.permutation(EACH)[:LENGTH] * KINDS + person % KINDS for person in range(PEOPLE)])
    return Dataset.build(
        name="kinds",
        items=[Item(f"item-{number}", "", (str(number % KINDS),), "", {}) for number in range(EACH * KINDS)],
        users=[User(f"user-{person}", {}) for person in range(PEOPLE)],
        interactions=Interactions.build(users=np.repeat(np.arange(PEOPLE), LENGTH), items=taken.ravel()),
    )


class NewestItem(nn.Module):
    """Wants what the newest item of the history is."""

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        self.vectors = torch.as_tensor(vectors)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Returns the newest item's vector."""
        assert bool((history[:, -1] != PADDING).all())
        return self.vectors[history[:, -1]]


def by_kind(items: Sequence[Item]) -> np.ndarray:
    """A one in the place of the item's kind."""
    return np.eye(KINDS, dtype=np.float32)[[int(item.categories[0]) for item in items]]


def fit_kinds(data: RecallData, _context: FitContext) -> ContentRecallModel:
    """Knows the truth."""
    vectors = by_kind(data.items)
    return ContentRecallModel(NewestItem(vectors), vectors, place=by_kind)


def test_training_sees_no_cold_item_and_no_event_with_one() -> None:
    """Neither in what is fitted nor in what decides when to stop; and the two parts are the whole catalogue."""
    whole, split = dataset(), ColdSplit.of(dataset(), 0.2, seed=3)
    cold = {item.id for item in split.cold}
    assert len(cold) == round(0.2 * len(np.unique(whole.interactions.items)))
    assert not cold & {item.id for item in split.data.items}
    assert cold | {item.id for item in split.data.items} == {item.id for item in whole.items}
    learned = {split.data.items[row].id for row in split.data.events.items.tolist()}
    judged = {split.data.items[row].id for row in split.data.validation.targets.tolist()}
    assert not cold & (learned | judged)
    assert all(split.data.items[row].id not in cold for one in split.data.validation.histories for row in one.tolist())


def test_training_sees_the_older_events_with_known_items_and_no_others() -> None:
    """Of each person, in their order: the oldest four fifths without the cold items, the last of them for validation."""
    whole, split = dataset(), ColdSplit.of(dataset(), 0.2, seed=3)
    cold = {item.id for item in split.cold}
    for person in range(PEOPLE):
        ids = [whole.items[row].id for row in whole.histories().items_of(person).tolist()]
        older = [one for one in ids[: int(0.8 * LENGTH)] if one not in cold]
        fitted = [split.data.items[row].id for row in split.data.events.items_of(person).tolist()]
        assert fitted == older[:-1]


def test_questions_are_what_people_took_last_each_with_the_known_items_before_it() -> None:
    """Rows name the right items, cold ones after the known ones, and everything met before is marked."""
    whole, split = dataset(), ColdSplit.of(dataset(), 0.2, seed=3)
    names = [item.id for item in (*split.data.items, *split.cold)]
    cold = {item.id for item in split.cold}
    queries, asked = split.questions.queries, iter(range(len(split.questions)))
    for person in range(PEOPLE):
        ids = [whole.items[row].id for row in whole.histories().items_of(person).tolist()]
        for place in range(int(0.8 * LENGTH), LENGTH):
            row = next(asked)
            assert queries.users[row] == person
            assert names[queries.targets[row]] == ids[place]
            assert [names[one] for one in split.questions.met[row].tolist()] == ids[:place]
            assert [names[one] for one in queries.histories[row].tolist()] == [
                one for one in ids[:place] if one not in cold
            ]
            assert split.about_cold[row] == (ids[place] in cold)
    assert next(asked, None) is None


def test_equal_seeds_take_out_equal_items_and_others_take_others() -> None:
    """So that a figure can be had again."""
    first, again, other = (ColdSplit.of(dataset(), 0.2, seed=seed).cold for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_who_knows_the_kinds_finds_cold_items_as_well_as_known_ones() -> None:
    """With lists as long as a kind; popularity finds none among all, and among cold ones no more than chance does."""
    report = cold_item_report(dataset(), {"kinds": fit_kinds}, CONTEXT, share=0.2, k=EACH)
    rows = {row.model: row for row in report.rows}
    assert rows["kinds"].cold.mean == rows["kinds"].known.mean == 1.0
    assert rows[POPULARITY].cold.mean < 0.05
    assert report.cold_items + report.known_items == EACH * KINDS
    assert report.cold_questions + report.known_questions == PEOPLE * LENGTH // 5
    assert list(rows) == [POPULARITY, RANDOM, "kinds"]


def test_lists_of_cold_items_hold_cold_items_alone() -> None:
    """Chance finds as many as the list is long beside the cold items that are left; so does popularity, whose ties are random."""
    report = cold_item_report(dataset(), {}, CONTEXT, share=0.2, k=6)
    met = 0.8 * LENGTH * 0.2  # of the cold items, about, that nobody is asked about again
    for row in report.rows:
        assert row.cold_alone.mean == pytest.approx(6 / (report.cold_items - met), abs=0.12)
    assert 0.0 <= report.rows[0].places < 0.1 < report.rows[1].places < 0.3


def test_a_model_that_does_not_suit_the_data_is_named() -> None:
    """And the others are compared."""

    def refuse(_data: RecallData, _context: FitContext) -> ContentRecallModel:
        raise Unsuitable("no item has an image")

    report = cold_item_report(dataset(), {"images": refuse, "kinds": fit_kinds}, CONTEXT, share=0.2)
    assert report.unsuitable == {"images": "no item has an image"}
    assert report.rows[-1].model == "kinds"


def test_a_share_that_leaves_nothing_to_ask_is_refused() -> None:
    """Rather than averaging nothing."""
    with pytest.raises(DatasetError, match="among their newest events"):
        ColdSplit.of(dataset(), 0.0, seed=0)
    with pytest.raises(DatasetError, match="among their newest events"):
        cold_item_report(dataset(), {}, replace(CONTEXT, seed=1), share=0.0)
