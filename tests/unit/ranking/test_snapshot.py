"""What ranking accepts as a snapshot, and what it refuses."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.ranking.padding import CANDIDATE_BUCKETS, QUERY_BUCKETS
from services.ranking.precision import DemandedPrecision
from services.ranking.snapshot import RankingSnapshot, load_snapshot
from shared.onnx_session import Provider, Session, open_session
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import GoldenRequests, read_golden, write_golden
from shared.snapshot.manifest import Manifest, RankerEntry, RankerVariant
from shared.snapshot.verification import list_files
from tests.snapshot_factory import Spoil, build_snapshot
from tests.unit.ranking.batches import random_batch
from tests.unit.ranking.cuda import Cuda, allocate_on_host


def wrong_golden_score(folder: Path) -> None:
    """One golden score is not what the ranker gives."""
    golden = read_golden(folder / "golden.json")
    (ranking,) = golden.ranker
    scores = [[value + 0.01 for value in ranking.scores[0]], *ranking.scores[1:]]
    changed = msgspec.structs.replace(ranking, scores=scores)
    write_golden(GoldenRequests(golden.encoders, [changed]), folder / "golden.json")


def no_golden_score(folder: Path) -> None:
    """There is no golden request for the ranker."""
    golden = read_golden(folder / "golden.json")
    write_golden(GoldenRequests(golden.encoders, []), folder / "golden.json")


def other_item_features(folder: Path) -> None:
    """The features are not those that the ranker was trained with."""
    features = np.load(folder / "item_features.npy")
    np.save(folder / "item_features.npy", features[::-1])


def fewer_item_features(folder: Path) -> None:
    """A column of the features is missing."""
    np.save(folder / "item_features.npy", np.load(folder / "item_features.npy")[:, :-1])


def no_model(folder: Path) -> None:
    """The ranker is no ONNX file."""
    (folder / "ranker" / "model.onnx").write_bytes(b"nothing of the kind")


def another_model(folder: Path) -> None:
    """The ranker is an encoder."""
    encoder = folder / "channels" / "content" / "encoder.onnx"
    (folder / "ranker" / "model.onnx").write_bytes(encoder.read_bytes())


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (wrong_golden_score, "the ranker is off by 0.01"),
        (no_golden_score, "golden.json has no request for the ranker"),
        (other_item_features, "the ranker is off by"),
        (fewer_item_features, r"item_features.npy is float32 \[200, 2\], not float32 \[200, 3\]"),
        (no_model, "model.onnx is no ranker"),
        (another_model, "model.onnx is no ranker: it has no output scores"),
    ],
)
def test_a_snapshot_whose_parts_do_not_fit_is_refused(tmp_path: Path, spoil: Spoil, problem: str) -> None:
    """Its checksums agree, so only looking into it shows what is wrong; the refusal says it."""
    manifest = build_snapshot(tmp_path, spoil=spoil)
    with pytest.raises(SnapshotRefused, match=problem):
        load_snapshot(tmp_path / manifest.id, manifest, "cpu", threads=1)


@pytest.mark.parametrize("name", ["ranker/model.onnx", "item_features.npy", "golden.json"])
def test_a_damaged_file_is_refused_before_it_is_opened(tmp_path: Path, name: str) -> None:
    """One wrong byte is enough."""
    manifest = build_snapshot(tmp_path)
    path = tmp_path / manifest.id / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(SnapshotRefused, match=f"{name} has another checksum"):
        load_snapshot(tmp_path / manifest.id, manifest, "cpu", threads=1)


def device_is_absent() -> float | None:
    """Returns the metric that says whether the demanded device is absent."""
    return REGISTRY.get_sample_value("winnow_ranking_demanded_device_absent")


def open_without_gpu(model: Path, threads: int, _providers: Sequence[Provider]) -> Session:
    """Opens a model as ONNX Runtime does where there is no GPU."""
    return open_session(model, threads)


def test_a_demanded_gpu_that_is_absent_refuses_the_snapshot_and_shows_in_a_metric(tmp_path: Path) -> None:
    """Until a snapshot could be loaded with what was demanded."""
    manifest = build_snapshot(tmp_path)
    folder = tmp_path / manifest.id
    with pytest.raises(SnapshotRefused, match="RANKING_DEVICE demands cuda"):
        load_snapshot(folder, manifest, "cuda", threads=1, open_session=open_without_gpu)
    assert device_is_absent() == 1
    load_snapshot(folder, manifest, "auto", threads=1, open_session=open_without_gpu)
    assert device_is_absent() == 0
    assert REGISTRY.get_sample_value("winnow_ranking_device_info", {"device": "cpu"}) == 1


def load_on_gpu(root: Path, manifest: Manifest, cuda: Cuda) -> RankingSnapshot:
    """Loads a snapshot as on a machine with a GPU."""
    folder = root / manifest.id
    return load_snapshot(folder, manifest, "cuda", 1, open_session=cuda, allocate=allocate_on_host)


def metric(name: str, **labels: str) -> float | None:
    """Returns the value of a metric of ranking."""
    return REGISTRY.get_sample_value(f"winnow_ranking_{name}", labels)


def test_on_a_gpu_every_shape_that_can_occur_was_run_and_captured_before_serving(tmp_path: Path) -> None:
    """The first run of a shape is slow there, so no request may be the first."""
    manifest, cuda = build_snapshot(tmp_path), Cuda()
    snapshot = load_on_gpu(tmp_path, manifest, cuda)
    used = cuda.opened[-1]
    assert used.captures
    assert used.shapes == {(queries, candidates) for queries in QUERY_BUCKETS for candidates in CANDIDATE_BUCKETS}
    assert used.widths == {manifest.max_history}
    assert (snapshot.device, snapshot.graphs) == ("cuda", 25)
    assert metric("cuda_graphs") == len(used.captured) == 25
    assert metric("device_info", device="cuda") == 1
    assert metric("device_info", device="cpu") is None


@pytest.mark.parametrize("cuda", [Cuda(refuses_capture=True), Cuda(broken=True)], ids=["refused", "broken"])
def test_a_model_that_cannot_be_captured_runs_on_the_gpu_without_graphs(tmp_path: Path, cuda: Cuda) -> None:
    """Whether ONNX Runtime refuses to capture, or what is replayed does not follow the inputs."""
    manifest = build_snapshot(tmp_path)
    with capture_logs() as logs:
        snapshot = load_on_gpu(tmp_path, manifest, cuda)
    assert [line["log_level"] for line in logs] == ["warning"]
    assert (snapshot.device, snapshot.graphs) == ("cuda", 0)
    assert metric("cuda_graphs") == 0
    assert not cuda.opened[0].captured  # a session of its own, which captures nothing
    batch = random_batch(3, 700)
    on_cpu = load_snapshot(tmp_path / manifest.id, manifest, "cpu", 1)
    np.testing.assert_allclose(snapshot.ranker.score(batch), on_cpu.ranker.score(batch), rtol=1e-5, atol=1e-5)


def with_int8(folder: Path, manifest: Manifest, error: float = 0.0, tolerance: float = 0.05) -> Manifest:
    """Returns the manifest with an INT8 variant whose scores are all off by `error`."""
    model = onnx.load(folder / manifest.ranker.model)
    model.graph.node[-1].output[0] = "exact"
    model.graph.initializer.append(numpy_helper.from_array(np.array(error, dtype=np.float32), "error"))
    model.graph.node.append(helper.make_node("Add", ["exact", "error"], ["scores"]))
    onnx.save(model, folder / "ranker" / "int8.onnx")
    variant = RankerVariant(
        precision="int8", model="ranker/int8.onnx", tolerance=tolerance, spearman=1, overlap=1, ndcg_loss=0
    )
    entry = RankerEntry(manifest.ranker.model, (variant,))
    (folder / "manifest.json").unlink()
    return msgspec.structs.replace(manifest, ranker=entry, files=list_files(folder))


@pytest.mark.parametrize("precision", ["int8", "auto"])
def test_a_variant_is_served_within_its_own_tolerance(tmp_path: Path, precision: DemandedPrecision) -> None:
    """It is off by more than the full precision may be; auto takes INT8 on the CPU."""
    manifest = build_snapshot(tmp_path)
    folder = tmp_path / manifest.id
    changed = with_int8(folder, manifest, error=0.03)
    full, variant = (load_snapshot(folder, changed, "cpu", 1, precision=one) for one in ("fp32", precision))
    batch = random_batch(2, 30)
    np.testing.assert_allclose(variant.ranker.score(batch), full.ranker.score(batch) + 0.03, rtol=1e-5, atol=1e-5)
    assert (full.precision, variant.precision) == ("fp32", "int8")
    assert metric("precision_info", precision="int8") == 1
    assert metric("precision_info", precision="fp32") is None
    assert metric("demanded_precision_absent") == 0


@pytest.mark.parametrize("reason", ["absent", "off"])
def test_without_a_usable_variant_the_full_precision_is_served_with_a_warning(tmp_path: Path, reason: str) -> None:
    """Scores come first, whether the snapshot lacks it or this machine computes something else with it."""
    manifest = build_snapshot(tmp_path)
    folder = tmp_path / manifest.id
    if reason == "off":
        manifest = with_int8(folder, manifest, error=0.5)
    with capture_logs() as logs:
        snapshot = load_snapshot(folder, manifest, "cpu", 1, precision="int8")
    assert snapshot.precision == "fp32"
    assert "the demanded precision is absent; fp32 is served" in [line["event"] for line in logs]
    assert metric("demanded_precision_absent") == 1
    assert metric("precision_info", precision="fp32") == 1


def test_auto_without_variants_is_no_cause_for_a_warning(tmp_path: Path) -> None:
    """It asks for what is there."""
    manifest = build_snapshot(tmp_path)
    with capture_logs() as logs:
        snapshot = load_snapshot(tmp_path / manifest.id, manifest, "auto", 1, precision="auto")
    assert (snapshot.precision, metric("demanded_precision_absent")) == ("fp32", 0)
    assert [line for line in logs if line["log_level"] == "warning"] == []


def test_a_damaged_variant_is_refused_though_the_full_precision_is_whole(tmp_path: Path) -> None:
    """Damage is not a lack: nobody knows what else is wrong."""
    manifest = build_snapshot(tmp_path)
    folder = tmp_path / manifest.id
    changed = with_int8(folder, manifest)
    (folder / "ranker" / "int8.onnx").write_bytes(b"nothing of the kind")
    load_snapshot(folder, changed, "cpu", 1)
    with pytest.raises(SnapshotRefused, match=r"int8\.onnx has"):
        load_snapshot(folder, changed, "cpu", 1, precision="int8")
