"""Ranking on a real GPU; skipped where there is none. `make gpu` runs it and fails there."""

from pathlib import Path

import numpy as np
import pytest

from services.cli.bench.placement import operators_by_provider
from services.ranking.device import DemandedDevice, DeviceAbsent, load_cuda_libraries, open_on_device, providers_of
from services.ranking.snapshot import load_snapshot
from shared.snapshot.graphs import RANKER
from tests.snapshot_factory import build_snapshot
from tests.snapshot_graphs import ranker_graph
from tests.snapshot_weights import Weights
from tests.unit.ranking.batches import random_batch

DEVICES: tuple[DemandedDevice, ...] = ("cuda", "cpu")
SIZES = [(1, 500), (1, 2000), (1, 10_000), (7, 333), (256, 65_536)]


@pytest.fixture(autouse=True, scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips what needs a GPU where ONNX Runtime cannot use one."""
    path = tmp_path_factory.mktemp("probe") / "model.onnx"
    path.write_bytes(ranker_graph(Weights.draw(10, seed=0)))
    load_cuda_libraries()
    try:
        open_on_device(path, "cuda", threads=1)
    except DeviceAbsent:
        pytest.skip("there is no GPU that ONNX Runtime can use")


@pytest.mark.timeout(600)
def test_the_gpu_gives_the_scores_of_the_cpu_for_every_size(tmp_path: Path) -> None:
    """Twice each with other numbers, from captured graphs."""
    manifest = build_snapshot(tmp_path)
    folder = tmp_path / manifest.id
    on_gpu, on_cpu = (load_snapshot(folder, manifest, device, 1) for device in DEVICES)
    assert (on_gpu.device, on_gpu.graphs) == ("cuda", 25)
    for seed in (0, 1):
        for queries, candidates in SIZES:
            batch = random_batch(queries, candidates, seed=seed)
            np.testing.assert_allclose(on_gpu.ranker.score(batch), on_cpu.ranker.score(batch), rtol=1e-4, atol=1e-4)


def test_the_operators_run_on_the_gpu(tmp_path: Path) -> None:
    """By ONNX Runtime's own account, all but what computes shapes."""
    manifest = build_snapshot(tmp_path)
    batch = random_batch(4, 500)
    model = tmp_path / manifest.id / manifest.ranker.model
    ran = operators_by_provider(model, providers_of("cuda"), {name: getattr(batch, name) for name in RANKER.inputs})
    assert ran["CUDAExecutionProvider"] > 3 * ran.get("CPUExecutionProvider", 0)
