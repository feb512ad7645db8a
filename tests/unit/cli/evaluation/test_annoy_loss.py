"""What an index loses, on a small real snapshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.cli.evaluation.annoy_loss import annoy_losses
from services.cli.evaluation.questions import Questions, draw_questions
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.manifest import Manifest
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.evaluation.held_out import dataset_of

ITEMS = 3000


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, Questions]:
    """A snapshot and forty users with histories of its items."""
    root = tmp_path_factory.mktemp("snapshots")
    manifest = build_snapshot(root, items=ITEMS)
    rng = np.random.default_rng(0)
    dataset = dataset_of(*(rng.integers(0, ITEMS, 6).tolist() for _ in range(40)), items=ITEMS)
    catalogue = read_catalogue(root / manifest.id / manifest.catalogue)
    return root / manifest.id, manifest, draw_questions(dataset, catalogue, users=40, seed=0)


def losses(published: tuple[Path, Manifest, Questions], search_k: int) -> dict[str, float]:
    """The losses when the indexes are searched that far."""
    folder, manifest, questions = published
    channels = tuple(
        type(entry)(**{name: getattr(entry, name) for name in entry.__struct_fields__} | {"search_k": search_k})
        for entry in manifest.channels
    )
    fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__} | {"channels": channels}
    return annoy_losses(folder, Manifest(**fields), questions)


def test_searching_everything_loses_nothing(published: tuple[Path, Manifest, Questions]) -> None:
    """The augmented angular index then orders as the inner product does."""
    found = losses(published, search_k=100 * ITEMS)
    assert found.keys() == {"two_tower", "content"}
    assert max(found.values()) < 0.005


def test_searching_little_loses_much(published: tuple[Path, Manifest, Questions]) -> None:
    """And the loss falls the further a search goes."""
    little, more = losses(published, search_k=200), losses(published, search_k=2000)
    assert all(little[channel] > more[channel] + 0.05 for channel in little)
    assert all(0 <= loss <= 1 for loss in little.values())
