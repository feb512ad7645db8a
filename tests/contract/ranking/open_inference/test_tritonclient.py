"""Ranking called by tritonclient, which others wrote for other servers, in an environment and a process of its own."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from shared.version import VERSION
from tests.contract.ranking.open_inference.conftest import serving
from tests.contract.ranking.open_inference.requests import raw_request, scores_of, sound_arrays
from tests.contract.ranking.open_inference.test_page import block
from tests.snapshot_factory import build_snapshot
from tests.unit.project.sources import ROOT

PYTHON = ROOT / "build" / "tritonclient" / "bin" / "python"
CALLS = Path(__file__).with_name("tritonclient_calls.py")

pytestmark = [
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="tritonclient is not installed; `make test` does that, or: make build/tritonclient/.installed",
    ),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """What the client saw of ranking, and under "ours" the scores of our own client of the protocol."""
    root = tmp_path_factory.mktemp("snapshots")
    build_snapshot(root, items=600)  # the page's example scores 500
    arrays = root / "arrays.npz"
    np.savez(arrays, allow_pickle=False, **sound_arrays())
    with ThreadPoolExecutor(2) as pool:
        async with serving(root, pool) as ranking:
            ours = scores_of(await ranking.call("ModelInfer", raw_request(sound_arrays())))
            target = f"127.0.0.1:{ranking.server.port}"
            example = block("python").replace("localhost:50054", target)
            best = await output_of("-c", f"{example}\nprint([int(one) for one in best])")
            printed = await output_of(str(CALLS), target, str(arrays))
            yield json.loads(printed) | {"ours": ours.tolist(), "example": json.loads(best)}


async def output_of(*arguments: str) -> str:
    """Runs Python in the client's environment and returns what it prints."""
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        *arguments,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaint = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complaint.decode()
    return printed.decode()


async def test_our_contract_has_the_clients_names_and_numbers(seen: dict[str, Any]) -> None:
    """Every method, message, field and value; and both are in one process, each in its pool."""
    assert seen["differences"] == []


async def test_the_client_finds_server_and_model_ready(seen: dict[str, Any]) -> None:
    """A version that is not held is not ready, without an error."""
    found = {question: seen["metadata"][question] for question in ("live", "ready", "model ready")}
    assert found == {"live": True, "ready": True, "model ready": True}
    assert seen["metadata"]["other version ready"] is False


async def test_the_client_reads_the_metadata(seen: dict[str, Any]) -> None:
    """Of server, model and configuration."""
    metadata = seen["metadata"]
    assert metadata["server"] == {
        "name": "winnow-ranking",
        "version": VERSION,
        "extensions": ["model_configuration"],
    }
    assert metadata["model"]["versions"] == ["snapshot-1"]
    described = {one["name"]: (one["datatype"], one["shape"]) for one in metadata["model"]["inputs"]}
    assert described["user_features"] == ("FP32", ["-1", "6"])
    assert metadata["model"]["outputs"] == [{"name": "scores", "datatype": "FP32", "shape": ["-1", "2"]}]
    configured = {one["name"]: one["data_type"] for one in metadata["config"]["config"]["input"]}
    assert configured == {name: f"TYPE_{datatype}" for name, (datatype, _shape) in described.items()}


@pytest.mark.parametrize(
    ("way", "raw"), [("infer", 1), ("infer by version", 1), ("infer by asyncio", 1), ("infer typed", 0)]
)
async def test_the_client_gets_the_scores(seen: dict[str, Any], way: str, raw: int) -> None:
    """To the last bit, whichever way it asks."""
    assert seen[way]["scores"] == seen["ours"]
    assert seen[way]["raw"] == raw


async def test_the_client_gets_its_id_back_and_hears_who_answered(seen: dict[str, Any]) -> None:
    """The version is the snapshot."""
    assert (seen["infer"]["id"], seen["infer"]["version"]) == ("id-1", "snapshot-1")


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        ("unknown model", "NOT_FOUND", "model_name names a model that is not here; the only one is ranker"),
        ("unknown version", "NOT_FOUND", "model_version names a version that is not held here; held: snapshot-1"),
        ("unknown output", "INVALID_ARGUMENT", "outputs[0].name must be scores"),
        ("missing input", "INVALID_ARGUMENT", "user_features is missing"),
    ],
)
async def test_the_client_hears_what_is_wrong(seen: dict[str, Any], call: str, status: str, message: str) -> None:
    """A status that it knows, and a sentence for whoever called it."""
    assert seen[call] == {"status": f"StatusCode.{status}", "message": message}


async def test_the_example_of_the_page_finds_the_best_candidates(seen: dict[str, Any]) -> None:
    """As it stands there."""
    assert len(set(seen["example"])) == 10


async def test_the_client_hears_what_is_not_offered(seen: dict[str, Any]) -> None:
    """Statistics are an extension that the server's metadata does not list."""
    assert seen["statistics"]["status"] == "StatusCode.UNIMPLEMENTED"
