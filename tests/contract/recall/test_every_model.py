"""Every recall model, trained, published, and served by a real recall."""

from pathlib import Path

import numpy as np
import pytest

from services.training.job import train
from services.training.recall.registry import RECALL_MODELS
from services.training.sequence.windows import pad_histories
from shared.features import UserFeatureTransform
from shared.snapshot.graphs import ENCODER
from shared.snapshot.manifest import Manifest, read_manifest
from shared.snapshot.verification import verify_files
from tests.contract.recall.conftest import ServeRecall
from tests.contract.recall.requests import candidates_of, retrieve_request
from tests.unit.training.chains import ITEMS, chain_dataset, tiny_config
from tests.unit.training.job_folder import LIGHT_RANKER
from tests.unit.training.recall.fitted import QUICK

#: Somebody who has walked a while, somebody who has begun, and a stranger.
HISTORIES = [[3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [20], []]


def published(model: str, root: Path) -> tuple[Path, Manifest]:
    """Trains with the model as the only channel of vectors, as quickly as can be."""
    config = tiny_config(
        channels={"main": {"model": model, "quota": 3.0, "settings": QUICK.get(model, {})}, "popularity": {}},
        variants={"precisions": ()},
        ranker=LIGHT_RANKER | {"reserved": 2},
        merge={"learn": False},
    )
    folder = train(config, chain_dataset(), root).folder
    return folder, read_manifest(folder)


def exact_scores(folder: Path, manifest: Manifest, user_features: np.ndarray) -> np.ndarray:
    """What the published encoder and vectors say of every item: float32 [histories, items]."""
    channel = manifest.channels[0]
    encoder = ENCODER.open(folder / channel.encoder, threads=1)
    histories = [np.asarray(history, dtype=np.int32) for history in HISTORIES]
    queries = encoder(history=pad_histories(histories, manifest.max_history), user_features=user_features)
    scores: np.ndarray = queries @ np.load(folder / channel.vectors).T
    return scores


@pytest.mark.parametrize("model", list(RECALL_MODELS))
async def test_a_model_s_snapshot_verifies_and_is_served(model: str, tmp_path: Path, serve_recall: ServeRecall) -> None:
    """Its golden requests are replayed, and people are answered with the scores of its encoder and its vectors."""
    folder, manifest = published(model, tmp_path)
    verify_files(folder, manifest)
    width = UserFeatureTransform(manifest.feature_schema.user_fields).width
    user_features = np.zeros((len(HISTORIES), width), dtype=np.float32)

    async with serve_recall() as recall:
        request = retrieve_request(HISTORIES, HISTORIES, user_features, max_candidates=8, snapshot_id=manifest.id)
        answer = await recall.stub.Retrieve(request)

    assert list(answer.channels) == ["main", "popularity"]
    assert list(answer.failed_channels) == []
    scores = exact_scores(folder, manifest, user_features)
    for history, candidates, exact in zip(HISTORIES, candidates_of(answer), scores, strict=True):
        assert len(candidates.rows) == 8
        assert not set(candidates.rows) & set(history)
        found = [row for row, by in zip(candidates.rows, candidates.found_by, strict=True) if "main" in by]
        assert found or not exact.any()
        for row in found:
            assert candidates.score_of(row, 0) == pytest.approx(exact[row], rel=1e-3, abs=1e-4)
        if found:
            best = max(exact[row] for row in range(ITEMS) if row not in history)
            assert exact[found[0]] == pytest.approx(best, rel=1e-3, abs=1e-4)
