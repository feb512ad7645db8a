"""The gateway's part of a snapshot is checked before it is served from."""

from pathlib import Path

import numpy as np
import pytest

from services.gateway.snapshot import GatewaySnapshot, load_snapshot
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import read_manifest
from tests.snapshot_factory import Spoil, build_snapshot


def load(root: Path, spoil: Spoil | None = None) -> GatewaySnapshot:
    """Publishes a snapshot of 20 items and loads it."""
    build_snapshot(root, "s1", items=20, spoil=spoil)
    return load_snapshot(root / "s1", read_manifest(root / "s1"))


def test_a_snapshot_has_its_items_by_popularity(tmp_path: Path) -> None:
    """Every row once, and none more popular than the one before."""
    snapshot = load(tmp_path)
    popularity = np.load(tmp_path / "s1" / "popularity.npy")
    assert snapshot.id == "s1"
    assert len(snapshot.catalogue) == 20
    assert sorted(snapshot.popular_rows.tolist()) == list(range(20))
    assert (np.diff(popularity[snapshot.popular_rows]) <= 0).all()


def test_a_snapshot_knows_which_user_attributes_it_declares(tmp_path: Path) -> None:
    """Others are not worth sending on."""
    snapshot = load(tmp_path)
    assert snapshot.declares("gender")
    assert not snapshot.declares("shoe_size")


@pytest.mark.parametrize("file", ["catalogue.jsonl", "popularity.npy"])
def test_a_file_that_changed_after_training_is_refused(tmp_path: Path, file: str) -> None:
    """The checksum tells, and the refusal names the file."""
    build_snapshot(tmp_path, "s1", items=20)
    with (tmp_path / "s1" / file).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(SnapshotRefused, match=file):
        load_snapshot(tmp_path / "s1", read_manifest(tmp_path / "s1"))


def _lose_an_item(folder: Path) -> None:
    path = folder / "catalogue.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _unknown_popularity(folder: Path) -> None:
    popularity = np.load(folder / "popularity.npy")
    popularity[3] = np.nan
    np.save(folder / "popularity.npy", popularity)


@pytest.mark.parametrize("spoil", [_lose_an_item, _unknown_popularity])
def test_a_snapshot_that_is_wrong_in_itself_is_refused(tmp_path: Path, spoil: Spoil) -> None:
    """Rows that stand for nothing, and weights that are no numbers, would only show in answers."""
    with pytest.raises(SnapshotRefused):
        load(tmp_path, spoil)
