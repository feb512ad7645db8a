"""`winnow bench rank` on a small real snapshot."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from services.cli.bench.workload import draw_requests
from shared.tensors import FLOAT32, decode
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.invocation import Outcome, winnow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One snapshot, current."""
    folder = tmp_path_factory.mktemp("snapshots")
    build_snapshot(folder, "s1")
    return folder


def bench(root: Path, *arguments: str) -> Outcome:
    """Measures for a moment on the CPU."""
    return winnow("bench", "rank", "--root", str(root), "--seconds", "0.02", *arguments)


def test_every_precision_and_number_of_candidates_is_measured(root: Path, tmp_path: Path) -> None:
    """In a table, and in a file for programs; a precision that is absent is said to be."""
    out = tmp_path / "figures.json"
    outcome = bench(root, "--device", "cpu", "--candidates", "5,40", "--precision", "fp32,int8", "--out", str(out))
    assert outcome.exit_code == 0
    figures = json.loads(out.read_text())
    assert [(one["demanded"], one["precision"], one["candidates"]) for one in figures] == [
        ("fp32", "fp32", 5), ("fp32", "fp32", 40), ("int8", "fp32", 5), ("int8", "fp32", 40),
    ]  # fmt: skip
    for one in figures:
        assert one["snapshot"] == "s1"
        assert one["device"] == "cpu"
        assert one["share_on_device"] is None
        assert one["runs"] >= 32
        assert 0 < one["p50_ms"] <= one["p99_ms"]
        assert 0 < one["share_in_model"] < 1
        assert one["candidates_per_second"] > 0
    assert "fp32 (int8 is absent)" in outcome.stdout
    assert "the demanded precision is absent" in outcome.stderr


def test_operators_are_counted_where_they_ran(root: Path) -> None:
    """What a session was asked for proves nothing."""
    (figures,) = json.loads(bench(root, "--device", "cpu", "--candidates", "5", "--json").stdout)
    assert list(figures["operators"]) == ["CPUExecutionProvider"]
    assert figures["operators"]["CPUExecutionProvider"] >= 10


def test_auto_says_which_device_it_found(root: Path) -> None:
    """And prints nothing but JSON when that is asked for."""
    (figures,) = json.loads(bench(root, "--candidates", "5", "--queries", "3", "--json").stdout)
    assert figures["device"] in {"cpu", "cuda"}
    assert (figures["queries"], figures["candidates"]) == (3, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--candidates", "0"],
        ["--candidates", "5,many"],
        ["--candidates", "65537"],
        ["--candidates", "5000", "--queries", "20"],
        ["--precision", "fp8"],
        ["--queries", "257"],
    ],
)
def test_a_wrong_call_is_status_two(root: Path, wrong: list[str]) -> None:
    """Before anything is loaded."""
    assert bench(root, *wrong).exit_code == 2


def test_without_a_snapshot_it_says_how_to_get_one(tmp_path: Path) -> None:
    """Status 1 and a sentence."""
    outcome = bench(tmp_path)
    assert outcome.exit_code == 1
    assert "There is no snapshot in" in outcome.stderr
    assert "winnow train" in outcome.stderr


def test_a_damaged_snapshot_is_named(tmp_path: Path) -> None:
    """As the service would refuse it."""
    build_snapshot(tmp_path, "s1")
    (tmp_path / "s1" / "ranker" / "model.onnx").write_bytes(b"nothing of the kind")
    outcome = bench(tmp_path, "--device", "cpu")
    assert outcome.exit_code == 1
    assert "model.onnx has" in outcome.stderr


def test_requests_follow_from_the_seed_and_hold_the_snapshot_s_features(tmp_path: Path) -> None:
    """Candidates come with their own rows of the matrix, so that figures can be compared."""
    manifest = build_snapshot(tmp_path)
    folder = tmp_path / manifest.id

    def drawn(seed: int) -> list[bytes]:
        requests = draw_requests(folder, manifest, queries=3, candidates=7, seed=seed)
        return [request.SerializeToString(deterministic=True) for request in itertools.islice(requests, 2)]

    assert drawn(1) == drawn(1) != drawn(2)
    request = next(draw_requests(folder, manifest, queries=3, candidates=7))
    rows = np.frombuffer(request.candidate_rows.data, dtype="<u4")
    features = decode(request.candidate_features, "candidate_features", FLOAT32, [21, 3])
    np.testing.assert_array_equal(features, np.load(folder / "item_features.npy")[rows])
