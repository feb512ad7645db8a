"""The suite with another recall model than the default, from the command that trains it to what is recommended."""

import asyncio
import json
from pathlib import Path

from services.training.__main__ import main
from services.training.datasets import Dataset, write_dataset
from shared.snapshot.repository import SnapshotRepository
from tests.e2e.suite import running_suite


async def test_a_linear_model_recommends_through_the_gateway(dataset: Dataset, tmp_path: Path) -> None:
    """What it found is ranked and named after its channel, for people with a history, and a stranger is answered too."""
    write_dataset(dataset, tmp_path / "data")
    snapshots = tmp_path / "snapshots"
    flags = ["--data", str(tmp_path / "data"), "--out", str(snapshots), "--recall", "ease", "--threads", "1", "--quiet"]
    assert await asyncio.to_thread(main, flags) == 0
    repository = SnapshotRepository(snapshots)
    current = repository.current()
    assert current is not None

    async with running_suite(tmp_path / "suite", snapshots, dataset) as suite:
        known = await suite.client.recommend(suite.user_ids[0], max_results=10)
        stranger = await suite.client.recommend("nobody-knows-me", max_results=10)

    manifest = repository.manifest(current)
    assert manifest.training["channels.collaborative.model"] == "ease"
    assert manifest.channels[0].dimension == len(dataset.items)
    assert known.snapshot_id == current
    assert not known.degradations
    assert len(known.items) == len(stranger.items) == 10
    assert "collaborative" in {hit.channel for item in known.items for hit in item.channels}
    report = json.loads((repository.folder(current) / "report.json").read_text())
    assert set(report["channels"]) == {"collaborative", "content", "popularity"}
