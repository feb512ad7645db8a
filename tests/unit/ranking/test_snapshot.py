"""What ranking accepts as a snapshot, and what it refuses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client import REGISTRY

from services.ranking.padding import CANDIDATE_BUCKETS, QUERY_BUCKETS
from services.ranking.snapshot import load_snapshot
from shared.onnx_session import Provider, Session, open_session
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import GoldenRequests, read_golden, write_golden
from tests.snapshot_factory import Spoil, build_snapshot


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


class SessionOnGpu:
    """A session that says it runs on CUDA, computes on the CPU, and remembers the shapes it was run with."""

    def __init__(self, model: Path, threads: int, _providers: Sequence[Provider]) -> None:
        self._session = open_session(model, threads)
        self.shapes: set[tuple[int, int]] = set()
        self.widths: set[int] = set()
        self.get_inputs = self._session.get_inputs
        self.get_outputs = self._session.get_outputs
        self.disable_fallback = self._session.disable_fallback

    def get_providers(self) -> list[str]:
        """As on a machine with a GPU."""
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def run(self, output_names: Any, input_feed: Any) -> Sequence[Any]:
        """Computes on the CPU."""
        self.shapes.add((len(input_feed["history"]), len(input_feed["candidates"])))
        self.widths.add(input_feed["history"].shape[1])
        return self._session.run(output_names, input_feed)


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


def test_on_a_gpu_every_shape_that_can_occur_was_run_before_serving(tmp_path: Path) -> None:
    """The first run of a shape is slow there, so no request may be the first."""
    manifest = build_snapshot(tmp_path)
    opened: list[SessionOnGpu] = []

    def open_on_gpu(model: Path, threads: int, providers: Sequence[Provider]) -> Session:
        opened.append(SessionOnGpu(model, threads, providers))
        return opened[0]

    load_snapshot(tmp_path / manifest.id, manifest, "cuda", threads=1, open_session=open_on_gpu)
    assert opened[0].shapes == {(queries, candidates) for queries in QUERY_BUCKETS for candidates in CANDIDATE_BUCKETS}
    assert opened[0].widths == {manifest.max_history}
    assert REGISTRY.get_sample_value("winnow_ranking_device_info", {"device": "cuda"}) == 1
    assert REGISTRY.get_sample_value("winnow_ranking_device_info", {"device": "cpu"}) is None
