"""What recall accepts as a snapshot, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest
from annoy import AnnoyIndex
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.recall.audit import RecallAudit
from services.recall.snapshot import load_snapshot
from shared.inner_product import augment
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import GoldenEncoding, GoldenRequests, read_golden, write_golden
from shared.snapshot.manifest import ChannelEntry, Manifest
from tests.snapshot_factory import TREES, Spoil, build_snapshot
from tests.unit.recall.clustered import excluding

CHANNEL = Path("channels/two_tower")


def rewrite_golden(folder: Path, encoders: list[GoldenEncoding]) -> None:
    """Replaces the encoders' golden requests."""
    write_golden(GoldenRequests(encoders, read_golden(folder / "golden.json").ranker), folder / "golden.json")


def rebuild_index(folder: Path, vectors: np.ndarray, trees: int = TREES) -> None:
    """Replaces the two-tower channel's index by one over other vectors."""
    index = AnnoyIndex(vectors.shape[1] + 1, "angular")
    for row, vector in enumerate(augment(vectors)):
        index.add_item(row, vector)
    index.build(trees)
    index.save(str(folder / CHANNEL / "index.ann"))


def vectors_of(folder: Path) -> np.ndarray:
    """Reads the two-tower channel's item vectors."""
    return np.asarray(np.load(folder / CHANNEL / "item_vectors.npy"))


def wrong_golden_query(folder: Path) -> None:
    """One number of one golden query is not what the encoder gives."""
    first, *others = read_golden(folder / "golden.json").encoders
    query = [[value + 0.01 for value in first.query[0]], *first.query[1:]]
    rewrite_golden(folder, [msgspec.structs.replace(first, query=query), *others])


def no_golden_query(folder: Path) -> None:
    """There is no golden request for one of the channels."""
    rewrite_golden(folder, read_golden(folder / "golden.json").encoders[1:])


def fewer_vectors(folder: Path) -> None:
    """The item vectors do not cover the catalogue."""
    np.save(folder / CHANNEL / "item_vectors.npy", vectors_of(folder)[:-1])


def fewer_items_in_the_index(folder: Path) -> None:
    """The index does not cover the catalogue."""
    rebuild_index(folder, vectors_of(folder)[:-1])


def fewer_trees(folder: Path) -> None:
    """The index was built otherwise than the manifest says."""
    rebuild_index(folder, vectors_of(folder), trees=2)


def index_of_other_vectors(folder: Path) -> None:
    """The index comes from another training."""
    rebuild_index(folder, vectors_of(folder)[::-1].copy())


def index_that_is_not_augmented(folder: Path) -> None:
    """The index is over the right vectors, but searches them by angle alone."""
    vectors = vectors_of(folder)
    index = AnnoyIndex(vectors.shape[1] + 1, "angular")
    for row, vector in enumerate(vectors):
        index.add_item(row, [*vector, 0.0])
    index.build(TREES)
    index.save(str(folder / CHANNEL / "index.ann"))


def index_of_no_known_size(folder: Path) -> None:
    """The index is no whole number of nodes."""
    (folder / CHANNEL / "index.ann").write_bytes(b"12345")


def no_encoder(folder: Path) -> None:
    """The encoder is no ONNX file."""
    (folder / CHANNEL / "encoder.onnx").write_bytes(b"nothing of the kind")


def another_model(folder: Path) -> None:
    """The encoder is the ranker."""
    (folder / CHANNEL / "encoder.onnx").write_bytes((folder / "ranker" / "model.onnx").read_bytes())


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (wrong_golden_query, "the encoder of channel two_tower is off by 0.01"),
        (no_golden_query, "golden.json has no request for channel two_tower"),
        (fewer_vectors, r"item_vectors.npy is float32 \[199, 8\], not float32 \[200, 8\]"),
        (fewer_items_in_the_index, "index.ann has 199 items; the catalogue has 200"),
        (fewer_trees, "index.ann has 2 trees; the manifest says 10"),
        (index_of_other_vectors, "index.ann is not over channels/two_tower/item_vectors.npy"),
        (index_that_is_not_augmented, "index.ann is not over channels/two_tower/item_vectors.npy, augmented"),
        (index_of_no_known_size, "index.ann is no index of this dimension"),
        (no_encoder, "encoder.onnx is no encoder"),
        (another_model, "encoder.onnx is no encoder: it wants the unknown input candidate"),
    ],
)
def test_a_snapshot_whose_parts_do_not_fit_is_refused(tmp_path: Path, spoil: Spoil, problem: str) -> None:
    """Its checksums agree, so only looking into it shows what is wrong; the refusal says it."""
    manifest = build_snapshot(tmp_path, spoil=spoil)
    with pytest.raises(SnapshotRefused, match=problem):
        load_snapshot(tmp_path / manifest.id, manifest, threads=1)


def test_a_catalogue_that_fits_in_one_node_of_the_index_is_served(tmp_path: Path) -> None:
    """Annoy miscounts the trees of such an index, which is no reason to refuse a small shop."""
    manifest = build_snapshot(tmp_path, items=10)
    assert load_snapshot(tmp_path / manifest.id, manifest, threads=1).items == 10


@pytest.mark.parametrize("name", ["index.ann", "item_vectors.npy", "encoder.onnx"])
def test_a_damaged_file_is_refused_before_it_is_opened(tmp_path: Path, name: str) -> None:
    """One wrong byte is enough."""
    manifest = build_snapshot(tmp_path)
    path = tmp_path / manifest.id / CHANNEL / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(SnapshotRefused, match=f"{name} has another checksum"):
        load_snapshot(tmp_path / manifest.id, manifest, threads=1)


def with_channels(manifest: Manifest, *channels: ChannelEntry) -> Manifest:
    """Returns the manifest with other channels."""
    return msgspec.structs.replace(manifest, channels=channels)


def test_channels_that_cannot_be_merged_are_refused(tmp_path: Path) -> None:
    """Names must be distinct, quotas above 0, and one channel at least must know what is alike."""
    manifest = build_snapshot(tmp_path)
    first, _, popularity = manifest.channels
    wrong = {
        "each with a name of its own": with_channels(manifest, first, first),
        "1 to 32 channels": with_channels(manifest),
        "has quota 0.0": with_channels(manifest, msgspec.structs.replace(first, quota=0.0)),
        "has quota nan": with_channels(manifest, msgspec.structs.replace(first, quota=float("nan"))),
        "no channel of vectors": with_channels(manifest, popularity),
    }
    for problem, spoilt in wrong.items():
        with pytest.raises(SnapshotRefused, match=problem):
            load_snapshot(tmp_path / manifest.id, spoilt, threads=1)


def test_a_sound_snapshot_is_loaded_with_its_channels_in_order(tmp_path: Path) -> None:
    """The popularity channel does not know what is alike."""
    manifest = build_snapshot(tmp_path, items=50)
    snapshot = load_snapshot(tmp_path / manifest.id, manifest, threads=1)
    assert [channel.name for channel in snapshot.channels] == ["two_tower", "content", "popularity"]
    assert [channel.name for channel in snapshot.similarity_channels] == ["two_tower", "content"]
    assert (snapshot.items, snapshot.user_features) == (50, 6)


def test_the_depth_of_a_search_is_the_one_that_reaches_the_target(tmp_path: Path) -> None:
    """The measured curve ends at 0.98: more cannot be had, and each channel's operator hears of it."""
    manifest = build_snapshot(tmp_path)
    for target, warned in ((0.98, []), (0.99, ["two_tower", "content"])):
        with capture_logs() as logs:
            load_snapshot(tmp_path / manifest.id, manifest, threads=1, recall_target=target)
        assert [line["channel"] for line in logs if line["log_level"] == "warning"] == warned


def test_a_snapshot_of_before_curves_were_measured_is_served(tmp_path: Path) -> None:
    """Its channels are searched with the manifest's search_k."""
    manifest = build_snapshot(tmp_path)
    older = with_channels(manifest, *(msgspec.structs.replace(entry, curve=()) for entry in manifest.channels))
    assert load_snapshot(tmp_path / manifest.id, older, threads=1).items == 200


def test_what_is_searched_to_warm_up_is_not_audited_and_what_is_answered_is(tmp_path: Path) -> None:
    """The sample is of users' queries."""
    manifest = build_snapshot(tmp_path)
    labels = {"channel": "two_tower", "outcome": "exact"}

    def audited() -> float:
        return REGISTRY.get_sample_value("winnow_recall_audits_total", labels) or 0.0

    with ThreadPoolExecutor(1) as pool:
        before = audited()
        snapshot = load_snapshot(tmp_path / manifest.id, manifest, threads=1, audit=RecallAudit(1.0, pool))
        assert audited() == before
        snapshot.channels[0].search(np.ones((3, 8), dtype=np.float32), excluding([], [], []), 10)
        assert audited() == before + 3
