"""Finding the snapshot that belongs to a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from services.cli import trained
from services.cli.failure import Failure
from shared.feature_views import FeatureView
from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import VIEWS, build_snapshot
from tests.unit.cli.evaluation.held_out import dataset_of


@pytest.fixture
def repository(tmp_path: Path) -> SnapshotRepository:
    """Three snapshots of a data set "factory": two with ten items, and the newest, which is current, with twelve."""
    for snapshot_id, items in (("1", 10), ("2", 10), ("3", 12)):
        build_snapshot(tmp_path, snapshot_id, items=items)
    return SnapshotRepository(tmp_path)


def test_the_newest_snapshot_of_the_same_items_is_found(repository: SnapshotRepository) -> None:
    """Not an older one, and not a newer one of other items."""
    found = trained.newest_for(dataset_of([1, 2], [3]), repository)
    assert found is not None
    assert found.id == "2"


def test_a_data_set_that_nothing_was_trained_on_has_none(repository: SnapshotRepository) -> None:
    """Nor does one of another name, though it has the same items, nor an empty folder."""
    assert trained.newest_for(replace(dataset_of([1, 2], [3]), name="other"), repository) is None
    assert trained.newest_for(dataset_of([1, 2], [3], items=11), repository) is None
    assert trained.newest_for(dataset_of([1, 2], [3]), SnapshotRepository(repository.root / "nowhere")) is None


def test_a_snapshot_of_other_views_is_passed_over(repository: SnapshotRepository) -> None:
    """A declaration that was edited asks for training; whoever owns a view does not matter."""
    dataset = dataset_of([1, 2], [3])
    build_snapshot(repository.root, "4", items=10, views=VIEWS)

    def found(views: tuple[FeatureView, ...] | None) -> str | None:
        manifest = trained.newest_for(replace(dataset, declared_views=views), repository)
        return None if manifest is None else manifest.id

    person, film = VIEWS
    assert found((person, msgspec.structs.replace(film, owner="x"))) == "4"
    assert found((person, msgspec.structs.replace(film, version=2))) is None
    assert found(None) == "2"  # from before there were views


def test_a_snapshot_that_cannot_be_read_is_passed_over(repository: SnapshotRepository) -> None:
    """The one before it will do."""
    (repository.root / "2" / "manifest.json").write_text("{}")
    found = trained.newest_for(dataset_of([1, 2], [3]), repository)
    assert found is not None
    assert found.id == "1"


def test_data_that_does_not_fit_what_is_served_is_refused(repository: SnapshotRepository) -> None:
    """Quality measured on other items would mean nothing."""
    assert trained.current_for(dataset_of([1, 2], [3], items=12), repository).id == "3"
    with pytest.raises(Failure, match="whose items are not those of factory"):
        trained.current_for(dataset_of([1, 2], [3], items=10), repository)


def test_without_a_current_snapshot_there_is_nothing_to_measure(tmp_path: Path) -> None:
    """The next step is named."""
    with pytest.raises(Failure, match="winnow train"):
        trained.current_for(dataset_of([1, 2], [3]), SnapshotRepository(tmp_path))


def test_training_that_fails_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The job says why; the command says that it ended."""
    with pytest.raises(Failure, match="status 2; the reason stands above"):
        trained.train(tmp_path / "nowhere", tmp_path / "snapshots")
    assert "there is no such folder" in capfd.readouterr().err
