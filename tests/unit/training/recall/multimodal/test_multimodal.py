"""Item vectors from words and images."""

from pathlib import Path

import numpy as np
import pytest
import torch

from services.training.content.text_cnn import TextCnn
from services.training.recall.model import Unsuitable
from services.training.recall.multimodal.config import MultimodalConfig
from services.training.recall.multimodal.fitting import fit_towers
from services.training.recall.multimodal.placing import ContentRecallModel
from services.training.recall.multimodal.tower import ItemTower
from tests.unit.training.recall.multimodal.coloured import CONTEXT, EACH, KINDS, SMALL, catalogue, item, recall_data

BOTH = SMALL
TEXT = SMALL.model_copy(update={"image": False})
# Colours take longer to tell apart than words.
IMAGE = SMALL.model_copy(update={"text": False, "epochs": 60, "patience": 60, "learning_rate": 3e-3})
# With larger steps two seeds of eight do not learn to tell all kinds apart.
TEXT_CNN = SMALL.model_copy(update={"image": False, "text_encoder": "text_cnn", "learning_rate": 3e-3})


def fit(config: MultimodalConfig, folder: Path, *, words: bool = True) -> ContentRecallModel:
    """A model of the coloured items."""
    return fit_towers(recall_data(catalogue(folder, words=words)), config, CONTEXT)


def kinds_found(model: ContentRecallModel, folder: Path) -> float:
    """The share of kinds whose readers find a new item of that kind before a new item of any other."""
    new = EACH * len(KINDS)
    vectors = model.place([item(new + kind, folder) for kind in range(len(KINDS))])
    history = torch.arange(3 * len(KINDS)).reshape(3, len(KINDS)).T
    with torch.inference_mode():
        scores = model.encoder(history, torch.zeros(len(KINDS), 1)).numpy() @ vectors.T
    return float((scores.argmax(axis=1) == np.arange(len(KINDS))).mean())


@pytest.mark.parametrize("config", [BOTH, TEXT, IMAGE, TEXT_CNN], ids=["both", "text", "image", "text-cnn"])
def test_a_new_item_is_found_by_those_who_like_its_kind(config: MultimodalConfig, tmp_path: Path) -> None:
    """Nobody has met it: its words, its colour, or both are all that is known."""
    assert kinds_found(fit(config, tmp_path), tmp_path) == 1.0


@pytest.mark.parametrize("config", [BOTH, TEXT_CNN], ids=["both", "text-cnn"])
def test_an_item_of_the_catalogue_is_placed_where_it_is(config: MultimodalConfig, tmp_path: Path) -> None:
    """Placing reads its contents anew, and the tower is the one that was fitted."""
    model = fit(config, tmp_path)
    np.testing.assert_allclose(model.place(catalogue(tmp_path)), model.item_vectors, rtol=1e-4, atol=1e-5)


def test_an_unseen_item_lies_where_the_tower_puts_its_contents(tmp_path: Path) -> None:
    """Alone or among others."""
    model = fit(BOTH, tmp_path)
    placing = model.place
    unseen = [item(1000, tmp_path), item(1001, tmp_path)]
    tower, reader = placing.tower, placing.reader  # type: ignore[attr-defined]
    assert isinstance(tower, ItemTower)
    assert not tower.training
    with torch.inference_mode():
        expected = tower(reader.read(unseen)).numpy()
    np.testing.assert_allclose(placing(unseen), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(placing(unseen[:1]), expected[:1], rtol=1e-4, atol=1e-5)


def test_equal_contents_have_equal_vectors(tmp_path: Path) -> None:
    """Whatever the items are called, and whoever met them."""
    items = list(catalogue(tmp_path))
    twin = items[5]
    items[9] = type(twin)("another-id", twin.title, twin.categories, twin.text, {}, image=twin.image)
    model = fit_towers(recall_data(tuple(items)), BOTH, CONTEXT)
    np.testing.assert_allclose(model.item_vectors[9], model.item_vectors[5], rtol=1e-5, atol=1e-6)
    assert not np.allclose(model.item_vectors[9], model.item_vectors[13], rtol=1e-5, atol=1e-6)


def test_what_is_missing_or_broken_is_no_failure(tmp_path: Path) -> None:
    """An item without words, without an image, with a file that is none, or without anything has a finite vector."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    whole = item(1000, tmp_path)
    bare = item(1000, tmp_path, words=False, image=False)
    unreadable = type(whole)("broken", "", (), "", {}, image=broken)
    gone = type(whole)("gone", "", (), "", {}, image=tmp_path / "gone.jpg")
    some = [item(1000, tmp_path, words=False), item(1000, tmp_path, image=False), bare, unreadable, gone]
    vectors = fit(BOTH, tmp_path).place(some)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors[3:], vectors[[2, 2]], rtol=1e-5, atol=1e-6)


def test_what_is_asked_for_and_is_nowhere_is_refused() -> None:
    """With what to do about it."""
    with pytest.raises(Unsuitable, match=r"no item has an image that can be read; .* set image to false"):
        fit_towers(recall_data(catalogue(None)), BOTH, CONTEXT)
    with pytest.raises(Unsuitable, match=r"no item has a word .* set text to false"):
        fit_towers(recall_data(catalogue(None, words=False)), TEXT, CONTEXT)
    with pytest.raises(Unsuitable, match=r"no item has a word .* set text to false"):
        fit_towers(recall_data(catalogue(None, words=False)), TEXT_CNN, CONTEXT)


def test_a_tower_that_reads_nothing_is_refused() -> None:
    """As soon as it is configured."""
    with pytest.raises(ValueError, match="text and image are both off"):
        MultimodalConfig(text=False, image=False)


def test_a_ranker_can_use_the_text_cnn() -> None:
    """It is a module of its own, which knows nothing of towers."""
    assert TextCnn(terms=5, embedding=4, filters=3)(torch.tensor([[1, 5, 0]])).shape == (1, 9)
