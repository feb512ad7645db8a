"""The projection of words in a snapshot."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from services.training.config import ContentConfig
from services.training.content.bag_of_words import ContentFit, fit_content
from services.training.content.encoder import ContentEncoder
from services.training.content.export import PROJECTION, write_content_projection
from services.training.datasets import Item
from services.training.export import ExportMismatch
from services.training.models import RecallModels
from shared.snapshot.projection import read_projection
from shared.word_projection import document

ITEMS = [Item(str(row), f"word{row} amélie", ("Drama",), "naïve words of a text", {}) for row in range(12)]
FIT = fit_content(ITEMS, ContentConfig(dimension=4), seed=0)


def models(fit: ContentFit) -> RecallModels:
    """Returns recall models of which only the content model is there."""
    absent: Any = None
    content = ContentEncoder(torch.as_tensor(fit.vectors), half_life=2.0)
    return RecallModels(sequence=absent, content=content, projection=fit.projection, transitions=absent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A snapshot's folder, with that of the channel."""
    (tmp_path / PROJECTION.words).parent.mkdir(parents=True)
    return tmp_path


def test_what_is_written_places_items_where_they_are(folder: Path) -> None:
    """Read as a service reads it."""
    write_content_projection(folder, ITEMS, models(FIT))

    read = read_projection(folder, PROJECTION, FIT.vectors.shape[1])
    for item, vector in zip(ITEMS, FIT.vectors, strict=True):
        np.testing.assert_allclose(read.project(document(item.title, item.categories, item.text)), vector, atol=1e-5)


def test_a_projection_that_places_items_elsewhere_is_not_published(folder: Path) -> None:
    """As when documents are cut into other terms here than where they are fitted; the item is named."""
    with pytest.raises(ExportMismatch, match="item 0 off by"):
        write_content_projection(folder, ITEMS, models(replace(FIT, vectors=-FIT.vectors)))


def test_without_words_there_is_no_projection(folder: Path) -> None:
    """No file is written."""
    fit = fit_content([Item("a", "", (), "", {}), Item("b", "", (), "", {})], ContentConfig(), seed=0)
    write_content_projection(folder, ITEMS, models(fit))

    assert not [path for path in folder.rglob("*") if path.is_file()]
