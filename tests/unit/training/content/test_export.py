"""The projection of words in a snapshot."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.training.content.bag_of_words import BagOfWordsConfig, fit_bag_of_words
from services.training.content.export import projection_entry, write_content_projection
from services.training.datasets import Item
from services.training.export import ExportMismatch
from services.training.progress import Silence
from services.training.queries import NextItemQueries
from services.training.recall.model import FitContext, RecallData, RecallModel
from shared.snapshot.projection import read_projection
from shared.word_projection import document
from tests.unit.training.recall.tiny import events

ITEMS = [Item(str(row), f"word{row} amélie", ("Drama",), "naïve words of a text", {}) for row in range(12)]
ENTRY = projection_entry("words")


def fit(items: list[Item], popularity_exponent: float = 0.0) -> RecallModel:
    """Fits the words of items, of which the first was met by more people than the second."""
    nobody, no_features = np.zeros((0, 1), dtype=np.float32), np.zeros((len(items), 1), dtype=np.float32)
    nothing = NextItemQueries(np.empty(0, dtype=np.int64), (), np.empty(0, dtype=np.int64))
    data = RecallData(tuple(items), no_features, events([[0, 1], [0]]), nobody, nothing)
    context = FitContext(seed=0, max_history=8, threads=1, display=Silence())
    return fit_bag_of_words(data, BagOfWordsConfig(dimension=4, popularity_exponent=popularity_exponent), context)


FIT = fit(ITEMS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A snapshot's folder, with that of the channel."""
    (tmp_path / ENTRY.words).parent.mkdir(parents=True)
    return tmp_path


def test_what_is_written_places_items_where_they_are(folder: Path) -> None:
    """Read as a service reads it."""
    write_content_projection(folder, "words", ITEMS, FIT)

    read = read_projection(folder, ENTRY, FIT.item_vectors.shape[1])
    for item, vector in zip(ITEMS, FIT.item_vectors, strict=True):
        np.testing.assert_allclose(read.project(document(item.title, item.categories, item.text)), vector, atol=1e-5)


def test_what_is_popular_lies_further_out_in_the_same_direction(folder: Path) -> None:
    """Its length is a power of one more than its events, and the projection gives the direction, as for a new item."""
    popular = fit(ITEMS, popularity_exponent=0.5)
    write_content_projection(folder, "words", ITEMS, popular)

    np.testing.assert_allclose(popular.item_vectors[:2], FIT.item_vectors[:2] * np.sqrt([[3.0], [2.0]]), rtol=1e-6)
    np.testing.assert_array_equal(popular.item_vectors[2:], FIT.item_vectors[2:])


def test_a_projection_that_places_items_elsewhere_is_not_published(folder: Path) -> None:
    """As when documents are cut into other terms here than where they are fitted; the item is named."""
    with pytest.raises(ExportMismatch, match="item 0 off by"):
        write_content_projection(folder, "words", ITEMS, replace(FIT, item_vectors=-FIT.item_vectors))


def test_without_words_there_is_no_projection(folder: Path) -> None:
    """No file is written."""
    wordless = [Item("a", "", (), "", {}), Item("b", "", (), "", {})]
    write_content_projection(folder, "words", wordless, fit(wordless))

    assert not [path for path in folder.rglob("*") if path.is_file()]
