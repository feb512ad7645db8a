"""Somebody else's data, in the form of the published sets: every command takes them as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.cli.outputs import output_of
from tests.e2e.suite import be_patient
from tests.unit.training.benchmark.folders import sequences_folder, split_folder

QUICK = """
threads = 1
max_history = 8
[channels.linear]
model = "ease"
[channels.popularity]
[ranker]
model = "mf"
negatives = 4
[ranker.settings]
epochs = 1
dimension = 4
[variants]
precisions = []
"""


@pytest.mark.parametrize(
    ("protocol", "folder_of", "users"),
    [("next-item", sequences_folder, 40), ("top-n", split_folder, 20)],
    ids=["ordered items", "sets of items"],
)
async def test_data_of_a_known_form_are_trained_on_measured_and_benchmarked(
    protocol: str, folder_of: object, users: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the folder is named; nothing is declared and nothing is converted."""
    be_patient(monkeypatch)
    assert callable(folder_of)
    data = str(folder_of(tmp_path))
    (tmp_path / "quick.toml").write_text(QUICK)
    root = tmp_path / "var"

    status, _, err = await output_of(
        "train", "--data", data, "--config", str(tmp_path / "quick.toml"), "--out", str(root / "snapshots"), "--quiet"
    )
    assert status == 0, err
    status, out, err = await output_of("evaluate", "--data", data, "--root", str(root), "--json")
    assert status == 0, err
    served = json.loads(out)
    assert (served["users"], served["degraded"]) == (users, 0)
    status, out, err = await output_of("benchmark", "--protocol", protocol, "--model", "ease", "--data", data, "--json")
    assert status == 0, err
    assert json.loads(out)["queries"] == users
