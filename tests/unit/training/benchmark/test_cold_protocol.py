"""The protocol of items that a model was not fitted with."""

import json
from pathlib import Path

import numpy as np
import pytest

from services.training.benchmark.cold_items import ColdItemTest
from services.training.benchmark.cold_protocol import placing
from services.training.benchmark.protocol import DataSize, Outcome, Refused, Request
from services.training.benchmark.registry import PROTOCOLS
from services.training.benchmark.results import Cell
from services.training.benchmark.table import render
from services.training.content.bag_of_words import BagOfWordsConfig, fit_bag_of_words
from services.training.datasets import load_dataset
from services.training.progress import Silence
from services.training.recall.ease import EASE
from services.training.recall.model import FitContext, Unsuitable
from services.training.recall.registry import RECALL_MODELS

PEOPLE, KINDS, EACH, LENGTH = 240, 4, 80, 20
COLD, KNOWN_AMONG_ALL, COLD_AMONG_COLD = ("hr@50, cold among all", "hr@50, known among all", "hr@50, cold among cold")
CONTEXT = FitContext(seed=0, max_history=10, threads=1, display=Silence())


def folder(root: Path, *, attributes: bool = True) -> Path:
    """People who keep to one kind of items, and an item of each kind that nobody met."""
    rng = np.random.default_rng(0)
    folder = root / "kinds"
    folder.mkdir()
    lines = [
        " ".join(map(str, [person, *rng.permutation(EACH)[:LENGTH] * KINDS + person % KINDS]))
        for person in range(PEOPLE)
    ]
    items = range(KINDS * (EACH + 1))
    (folder / "sequences.txt").write_text("\n".join(lines) + "\n")
    (folder / "items.tsv").write_text("item\ttitle\n" + "".join(f"{item}\t{item}\n" for item in items))
    if attributes:
        kinds = {str(item): [item % KINDS] for item in items}
        (folder / "item_attributes.json").write_text(json.dumps(kinds))
    return folder


def run(model: str, data: Path, seed: int = 0, **settings: object) -> Outcome:
    """One cell."""
    return PROTOCOLS["cold-items"].run(Request(data, model, settings, seed, 1, None, Silence()))


def test_words_find_cold_items_that_popularity_and_chance_do_not(tmp_path: Path) -> None:
    """One word says the kind, and each kind has hardly more items than a list is long."""
    data = folder(tmp_path)
    words, popularity, chance = (run(model, data).metrics for model in ("bag_of_words", "popularity", "random"))
    assert words[COLD].mean > 0.5
    assert popularity[COLD].mean < 0.05
    assert chance[COLD].mean == pytest.approx(50 / 300, abs=0.08)
    assert words[KNOWN_AMONG_ALL].mean > 0.5


def test_an_outcome_says_what_was_asked_and_what_it_took(tmp_path: Path) -> None:
    """The catalogue is of items that were met; and a model that learns in epochs shows their course."""
    data = folder(tmp_path)
    outcome = run("text_cnn", data, epochs=2, embedding=4, filters=2, hidden=8, dimension=8)
    dataset = load_dataset(data)
    met = len(np.unique(dataset.interactions.items))
    assert outcome.size == DataSize("kinds", PEOPLE, met, PEOPLE * LENGTH)
    assert len(outcome.curve) == 2
    assert 0 < outcome.queries < PEOPLE * LENGTH // 5
    assert 0 <= outcome.beyond["places of cold items"] <= 1
    assert outcome.cost.dimension == 8
    assert outcome.cost.fit_cpu_seconds is not None
    assert outcome.cost.fit_cpu_seconds > 0


def test_equal_seeds_take_equal_items_out(tmp_path: Path) -> None:
    """Two models of one seed are asked the same, and a figure can be had again."""
    data = folder(tmp_path)
    assert run("bag_of_words", data).metrics == run("bag_of_words", data).metrics
    assert run("bag_of_words", data).metrics != run("bag_of_words", data, seed=1).metrics


def test_the_page_shows_what_cold_items_gain_beside_what_known_ones_lose(tmp_path: Path) -> None:
    """All three figures."""
    data = folder(tmp_path)
    request = Request(data, "popularity", {}, 0, 1, None, Silence())
    page = render([Cell.of("cold-items", request, run("popularity", data))])
    assert all(f"{name} [95 %]" in page for name in (COLD, KNOWN_AMONG_ALL, COLD_AMONG_COLD))


def test_items_are_placed_by_words_as_the_catalogue_was(tmp_path: Path) -> None:
    """A known item that is placed like a new one stands where it stood."""
    test = ColdItemTest.of(load_dataset(folder(tmp_path)), 0)
    model = placing(fit_bag_of_words(test.split.data, BagOfWordsConfig(), CONTEXT))
    assert np.allclose(model.place(test.split.data.items), model.item_vectors, atol=1e-5)


def test_a_model_that_cannot_place_items_is_refused(tmp_path: Path) -> None:
    """By name where it never can, and for want of words where it otherwise could."""
    with pytest.raises(Refused, match="no model 'ease' for cold-items; choose one of popularity, random, bag_of_words"):
        run("ease", folder(tmp_path))
    test = ColdItemTest.of(load_dataset(tmp_path / "kinds"), 0)
    with pytest.raises(Unsuitable, match="nothing places items"):
        placing(EASE.fit(test.split.data, EASE.config(), CONTEXT))


def test_every_model_of_contents_can_be_judged() -> None:
    """The registry says which they are."""
    content = {name for name, family in RECALL_MODELS.items() if family.content}
    assert set(PROTOCOLS["cold-items"].models()) == content | {"popularity", "random"}
